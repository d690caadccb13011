"""Operators written out as the onnx package defines them."""

from __future__ import annotations

import pytest

from opsets.errors import CannotAdapt
from opsets.tidying.definition import write_definition
from tests.opsets.simplifying import shape_of, walk_of

LINEAR = """g (float[N,S,8] q, float[N,S,8] k, float[N,S,12] v) => (float[N,S,12] y, float[N,2,4,6] s) {
    y, s = LinearAttention<q_num_heads=2, kv_num_heads=2, update_rule="linear">(q, k, v) }"""


def test_types_and_lengths_are_known_of_all_that_is_written() -> None:
    walk = walk_of(27, LINEAR)
    [node] = walk.model.graph
    results = write_definition(walk, node, 27)
    made = [one for one in walk.model.graph if one is not node]
    assert all(value.type is not None for one in made for value in one.outputs)
    [scan] = [one for one in made if one.op_type == "Scan"]
    assert shape_of(walk, str(scan.outputs[0].name)) == ["N", 2, 4, 6]
    assert shape_of(walk, str(scan.outputs[1].name)) == ["S", "N", 2, 6]
    assert [list(map(str, value.shape or ())) for value in results] == [
        ["N", "S", "12"],
        ["N", "2", "4", "6"],
    ]
    assert [value.producer() in made for value in results] == [True, True]


def test_an_operator_that_is_no_function_has_none() -> None:
    walk = walk_of(13, "g (float[N,4] x) => (float[N,4] y) { y = Abs(x) }")
    [node] = walk.model.graph
    with pytest.raises(CannotAdapt, match="the onnx package has no definition of it"):
        write_definition(walk, node, 13)
