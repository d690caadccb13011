"""Declared shapes that checker and runtimes take and that are wrong: what is computed counts."""

from __future__ import annotations

import pytest
from onnx import parser

from opsets import retarget_with_report
from tests.opsets.comparing import assert_same_numbers, noise, parse

RESHAPED = """g (float[W,8] x) => (float[{shape}] y)
<int64 first = {{0}}, int64[1] one = {{1}}, int64[1] k = {{8}}> {{
    s = Shape(x) b = Gather(s, first) row = Unsqueeze<axes=[0]>(b) t = Concat<axis=0>(row, one, k) {end}
}}"""


@pytest.mark.parametrize("target", range(3, 13))
def test_a_wrong_number_of_axes_of_an_output_is_corrected(target: int) -> None:
    wrong = parse(12, RESHAPED.format(shape="1,seqlen", end="y = Reshape(x, t)"))
    lowered = retarget_with_report(wrong, target)
    assert lowered.rewrites[0] == "Declared shape corrected: 'y' from [1,seqlen] to [W,1,8]"
    assert [axis.dim_value for axis in lowered.model.graph.output[0].type.tensor_type.shape.dim] == [0, 1, 8]
    right = parse(12, RESHAPED.format(shape="W,1,8", end="y = Reshape(x, t)"))
    assert_same_numbers(right, lowered.model, {"x": noise((2, 8))})


@pytest.mark.parametrize("target", [12, 7, 3])
def test_so_is_a_wrong_length_of_a_value_inside(target: int) -> None:
    text = RESHAPED.format(shape="W,1,8", end="z = Reshape(x, t) y = Neg(z)")
    model = parse(12, text)
    model.graph.value_info.extend(parser.parse_graph("g (float[W,1,9] z) => () {}").input)
    lowered = retarget_with_report(model, target)
    assert "Declared shape corrected: 'z' from [W,1,9] to [W,1,8]" in lowered.rewrites
    [declared] = lowered.model.graph.value_info
    assert [axis.dim_value for axis in declared.type.tensor_type.shape.dim] == [0, 1, 8]
    assert_same_numbers(parse(12, text), lowered.model, {"x": noise((2, 8))})


def test_another_name_for_an_open_axis_is_no_mistake() -> None:
    model = parse(12, "g (float[N,4] x) => (float[M,4] y) { y = Relu(x) }")
    lowered = retarget_with_report(model, 7)
    assert lowered.rewrites == ()
    assert lowered.model.graph.output == model.graph.output
