"""One output of an ONNX graph, with what it needs; and answers of what takes one number of pictures alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import parser

GRAPH = """\
<ir_version: 3, opset_import: ["": 13]>
net (float[N, 2] x, float[2] shared, float[2] alone, bool always) => (float[N, 2] first, float[N, 2] second)
<float[2] shared = {1.0, 2.0}, float[2] alone = {3.0, 4.0}, bool always = {1}, float[N, 2] doubled>
{
  doubled = Add (x, x)
  first = Mul (doubled, alone)
  second = If (always) <
    then_branch = yes () => (float[N, 2] a) { a = Add (x, shared) },
    else_branch = no () => (float[N, 2] b) { b = Identity (x) }
  >
}"""


@pytest.mark.parametrize(
    ("position", "nodes", "weights", "described"),
    [(0, ["Add", "Mul"], {"alone"}, ["doubled"]), (1, ["If"], {"shared", "always"}, [])],
)
def test_an_output_stays_with_what_it_needs_and_computes_the_same(
    worker_module: Callable[[str], Any],
    position: int,
    nodes: list[str],
    weights: set[str],
    described: list[str],
) -> None:
    model = parser.parse_model(GRAPH)
    pictures = {"x": np.array([[1, 2], [3, 5]], np.float32)}
    expected = onnxruntime.InferenceSession(model.SerializeToString()).run(None, pictures)[position]
    worker_module("onnx_outputs").keep_output(model.graph, position)
    onnx.checker.check_model(model, full_check=True)
    assert [node.op_type for node in model.graph.node] == nodes
    assert {tensor.name for tensor in model.graph.initializer} == weights
    assert {port.name for port in model.graph.input} == {"x", *weights}
    assert [value.name for value in model.graph.value_info] == described
    [answer] = onnxruntime.InferenceSession(model.SerializeToString()).run(None, pictures)
    np.testing.assert_array_equal(answer, expected)


@pytest.mark.parametrize("pictures", [1, 2, 3, 5])
def test_what_takes_one_number_of_pictures_answers_to_any(
    worker_module: Callable[[str], Any], pictures: int
) -> None:
    asked = []

    def answering(batch: Any) -> Any:
        asked.append(len(batch))
        return batch.sum(axis=1, keepdims=True)

    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    answers = worker_module("answering").in_batches_of(answering, pictures)(array)
    np.testing.assert_array_equal(answers, array.sum(axis=1, keepdims=True))
    assert set(asked) == {pictures}
