"""Graphs and the parts of them."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper, parser

from parity.diagnosis.graphs import Given, Network
from parity.diagnosis.sizes import BATCH_BYTES, facts_of

BRANCHES = """<ir_version: 8, opset_import: ["": 17]>
g (float[N,2] x, bool on) => (float[N,2] y) <float[2] w = {1, 2}, float[2] v = {3, 4}> {
  folded = Add(w, v)
  a = Mul(x, folded)
  s = Shape(a)
  b = If (on) <
    then_branch = one () => (float[N,2] t) { t = Add(a, w) },
    else_branch = two () => (float[N,2] e) { inner = Sub(a, w) e = Relu(inner) }>
  c = Reshape(b, s)
  y = Add(c, a)
}"""


@pytest.fixture
def network() -> Network:
    return Network(parser.parse_model(BRANCHES))


def test_what_depends_on_no_input_is_constant(network: Network) -> None:
    assert network.inputs == ("x", "on")
    assert network.constant == {"w", "v", "folded"}
    assert network.tensors == ("a", "s", "b", "c", "y")


def test_a_part_is_given_what_it_reads_inside_of_branches_too(network: Network) -> None:
    part = network.part(["b"], {"a": Given(onnx.TensorProto.FLOAT, (None, 2))})
    assert part.inputs == ("on", "a")
    onnx.checker.check_model(_typed(part.model))
    session = onnxruntime.InferenceSession(part.model.SerializeToString())
    [answer] = session.run(None, {"a": np.zeros((1, 2), np.float32), "on": np.array(True)})
    assert answer.tolist() == [[1, 2]]


def _typed(model: onnx.ModelProto) -> onnx.ModelProto:
    """``model`` with the types of its outputs, which the checker wants."""
    for value in model.graph.output:
        value.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
        value.type.tensor_type.shape.dim.add()
        value.type.tensor_type.shape.dim.add()
    return model


def test_all_nodes_are_given_other_tensors_than_they_make_at_once(network: Network) -> None:
    given = Given(onnx.TensorProto.FLOAT, (None, 2))
    part = network.part(["a", "b", "c", "y"], dict.fromkeys(("a", "b", "c"), given))
    assert [value.name for value in part.model.graph.input] == ["x", "a/given", "on", "b/given", "c/given"]
    session = onnxruntime.InferenceSession(part.model.SerializeToString())
    values = {name: np.full((1, 2), count, np.float32) for count, name in enumerate(("a", "b", "c"))}
    inputs = {f"{name}/given": value for name, value in values.items()}
    answers = session.run(None, {"x": np.ones((1, 2), np.float32), "on": np.array(True), **inputs})
    assert [answer.tolist() for answer in answers] == [[[4, 6]], [[1, 2]], [[1, 1]], [[2, 2]]]


def test_nodes_that_are_not_in_order_are_sorted() -> None:
    model = parser.parse_model(BRANCHES)
    nodes = [*model.graph.node][::-1]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    network = Network(model)
    places = {name: place for place, name in enumerate(network.tensors)}
    assert places["a"] < min(places["b"], places["s"])
    assert places["b"] < places["c"] < places["y"]


def test_weights_of_old_files_are_inputs_of_a_part_too() -> None:
    model = parser.parse_model(
        '<ir_version: 3, opset_import: ["": 8]> g (float[N,2] x, float[2] w) => (float[N,2] y)'
        " { a = Add(x, w) y = Relu(a) }"
    )
    model.graph.initializer.append(numpy_helper.from_array(np.array([1, 2], np.float32), "w"))
    network = Network(model)
    part = network.part(["a"], {})
    assert (network.inputs, part.inputs) == (("x",), ("x",))
    assert [value.name for value in part.model.graph.input] == ["x", "w"]
    onnx.checker.check_model(_typed(part.model))


def test_batches_hold_no_more_than_memory_does() -> None:
    model = parser.parse_model(
        '<ir_version: 8, opset_import: ["": 17]> g (float[N,M] x) => (float[N,M] c)'
        " { a = Relu(x) b = Abs(a) c = Neg(b) }"
    )
    length = BATCH_BYTES // 8
    facts = facts_of(model, {"x": (1, length)})
    assert facts.sizes["b"] == 4 * length
    assert list(facts.batches(["a", "b", "c"], 1.0)) == [["a", "b"], ["c"]]
    assert list(facts.batches(["a", "b", "c"], 3.0)) == [["a"], ["b"], ["c"]]
    assert list(facts.batches(["unknown", "b"], 2.0)) == [["unknown"], ["b"]]
