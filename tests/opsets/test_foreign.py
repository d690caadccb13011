"""Nodes of other domains: they stay as they are, and what stands around them comes down."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, checker, helper, parser

from opsets import RetargetError, retarget, retarget_with_report
from tests.opsets.comparing import assert_same_numbers, noise, parse


def _parse(domain: str, version: int, opset: int, text: str) -> onnx.ModelProto:
    model = parser.parse_model(f'<ir_version: 8, opset_import: ["": {opset}, "{domain}": {version}]> {text}')
    checker.check_model(model, full_check=True)
    return model


def _imports(model: onnx.ModelProto) -> dict[str, int]:
    return {entry.domain: entry.version for entry in model.opset_import}


PIPELINE = """g (float[N,4] x) => (int64[N] label, float[N,3] p) <float[4,3] w = {1,2,3,4,5,6,7,8,9,1,2,3}> {
    s = ai.onnx.ml.Scaler<offset=[1.0,2.0,3.0,4.0], scale=[0.1,0.2,0.3,0.4]>(x)
    c = Cast<to=1>(s)
    d = HardSwish(c)
    m = MatMul(d, w)
    p = Softmax<axis=1>(m)
    a = ArgMax<axis=1, keepdims=0>(p)
    labels = Constant<value = int32[3] {7,8,9}>()
    picked = ai.onnx.ml.ArrayFeatureExtractor(labels, a)
    flat = Squeeze(picked)
    label = Cast<to=7>(flat)
}"""


@pytest.mark.parametrize("version", [1, 3, 5])
@pytest.mark.parametrize("target", [12, 9, 7])
def test_nodes_of_the_ml_domain_stay_as_they_are(version: int, target: int) -> None:
    model = _parse("ai.onnx.ml", version, 15, PIPELINE)
    lowered = retarget_with_report(model, target)
    assert _imports(lowered.model) == {"": target, "ai.onnx.ml": version}
    assert lowered.rewrites[-1] == "Left as they are, of domain 'ai.onnx.ml': 2 nodes"
    before, after = (
        [node for node in graph.node if node.domain == "ai.onnx.ml"]
        for graph in (model.graph, lowered.model.graph)
    )
    assert [node.op_type for node in after] == [node.op_type for node in before]
    assert [list(node.attribute) for node in after] == [list(node.attribute) for node in before]
    assert_same_numbers(model, lowered.model)


def test_what_stands_behind_them_is_typed_where_a_cast_has_to_be_declared() -> None:
    """Below 6 a Cast names its type by a string, and below 7 an Add has to know how many axes there are."""
    text = """g (float[N,4] x) => (float[N,4] y) <double[4] w = {1,2,3,4}> {
        s = ai.onnx.ml.Scaler<offset=[1.0], scale=[2.0]>(x) d = Cast<to=11>(s) a = Add(d, w) y = Cast<to=1>(a)
    }"""
    lowered = retarget(_parse("ai.onnx.ml", 1, 13, text), 3)
    assert [node.op_type for node in lowered.graph.node] == ["Scaler", "Cast", "Add", "Cast"]
    assert {value.name: value.type.tensor_type.elem_type for value in lowered.graph.value_info} == {"d": 11}
    checker.check_model(lowered, full_check=True)


def _classifier() -> onnx.ModelProto:
    """As skl2onnx writes one: its probabilities are a sequence of maps."""
    probabilities = helper.make_sequence_type_proto(
        helper.make_map_type_proto(TensorProto.INT64, helper.make_tensor_type_proto(TensorProto.FLOAT, []))
    )
    nodes = [
        helper.make_node(
            "LinearClassifier",
            ["x"],
            ["label", "scores"],
            domain="ai.onnx.ml",
            coefficients=[1.0, -2.0, 3.0, -4.0, 5.0, -6.0],
            intercepts=[0.5, 1.0, 2.0],
            classlabels_ints=[0, 1, 2],
        ),
        helper.make_node("Softmax", ["scores"], ["p"], axis=0),
        helper.make_node("ZipMap", ["p"], ["maps"], domain="ai.onnx.ml", classlabels_int64s=[0, 1, 2]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 2])],
        [
            helper.make_tensor_value_info("label", TensorProto.INT64, ["N"]),
            helper.make_value_info("maps", probabilities),
        ],
    )
    imports = [helper.make_opsetid("", 13), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, ir_version=8, opset_imports=imports)


@pytest.mark.parametrize("target", [12, 7])
def test_maps_may_leave_the_graph(target: int) -> None:
    model = _classifier()
    lowered = retarget(model, target)
    assert list(lowered.graph.output) == list(model.graph.output)
    inputs = {"x": noise((2, 2))}
    first, second = (
        onnxruntime.InferenceSession(each.SerializeToString(), providers=["CPUExecutionProvider"]).run(
            None, inputs
        )
        for each in (model, lowered)
    )
    np.testing.assert_array_equal(second[0], first[0])
    for found, expected in zip(second[1], first[1], strict=True):
        assert found == pytest.approx(expected, rel=1e-6)
        assert set(expected) == {0, 1, 2}


@pytest.mark.parametrize("target", [12, 7])
def test_an_operator_of_a_known_name_is_another_one_in_another_domain(target: int) -> None:
    """The Gelu of ONNX is rewritten, and that of ONNX Runtime is not, nor is one in a branch."""
    model = _parse(
        "com.microsoft",
        1,
        20,
        """g (float[N,4] x, bool c) => (float[N,4] y, float[N,4] z) {
            a = com.microsoft.Gelu(x)
            y = Gelu(x)
            z = If (c) <
                then_branch = yes () => (float[N,4] d) { d = com.microsoft.Gelu(a) },
                else_branch = no () => (float[N,4] e) { f = HardSwish(a) e = Neg(f) }
            >
        }""",
    )
    lowered = retarget_with_report(model, target)
    assert lowered.rewrites[-1] == "Left as they are, of domain 'com.microsoft': 2 nodes"
    names = [node.op_type for node in lowered.model.graph.node if node.domain != "com.microsoft"]
    assert "Gelu" not in names
    for condition in (True, False):
        inputs = {"x": noise((2, 4)), "c": np.array(condition)}
        assert_same_numbers(model, lowered.model, inputs, tolerance=2e-6)


def test_an_import_that_no_node_needs_goes() -> None:
    model = _parse("com.example", 1, 13, "g (float[N] x) => (float[N] y) { y = Relu(x) }")
    assert _imports(retarget(model, 12)) == {"": 12}
    assert retarget(model, 12) == retarget(parse(13, "g (float[N] x) => (float[N] y) { y = Relu(x) }"), 12)


def test_a_domain_that_is_not_imported_is_named() -> None:
    model = parser.parse_model(
        '<ir_version: 8, opset_import: ["": 13]> g (float[N] x) => (float[N] y) { y = com.example.Odd(x) }'
    )
    with pytest.raises(RetargetError, match=r"^the source is not a valid model: .*com\.example"):
        retarget(model, 12)
