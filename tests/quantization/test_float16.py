"""Graphs in float16: near the original, with standard Casts alone, and what is kept in float32."""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper, parser

from quantization.errors import QuantizationError
from quantization.float16 import to_float16
from quantization.folding import named
from tests.quantization.networks import error, network, pictures, run


def _types(model: onnx.ModelProto) -> dict[str, int]:
    return {tensor.name: tensor.data_type for tensor in model.graph.initializer}


@pytest.mark.parametrize("opset", [7, 9, 10, 11, 12, 13, 17, 21])
def test_it_is_valid_and_near_the_original_with_a_cast_at_each_end(opset: int) -> None:
    model, data = named(network(opset)), pictures(16)
    result = to_float16(model)
    onnx.checker.check_model(result, full_check=True)
    assert Counter(node.op_type for node in result.graph.node)["Cast"] == 2
    integers = {name for name, kind in _types(model).items() if kind == TensorProto.INT64}  # axes and shapes
    assert {kind for name, kind in _types(result).items() if name not in integers} == {TensorProto.FLOAT16}
    assert [port.type.tensor_type.elem_type for port in (*result.graph.input, *result.graph.output)] == [
        TensorProto.FLOAT
    ] * 2
    for optimised in (False, True):
        assert error(run(model, data), run(result, data, optimised=optimised)) < 0.01
    weights = [
        sum(len(tensor.raw_data) for tensor in one.graph.initializer if tensor.name not in integers)
        for one in (model, result)
    ]
    assert weights[1] * 2 == weights[0]


def test_inputs_and_outputs_in_float16_need_no_cast() -> None:
    result = to_float16(named(network()), keep_io_types=False)
    onnx.checker.check_model(result, full_check=True)
    assert "Cast" not in {node.op_type for node in result.graph.node}
    output = run(result, pictures(2).astype(np.float16))
    assert output.dtype == np.float16


def test_kept_nodes_have_weights_in_float32_and_casts_around() -> None:
    model, data = named(network()), pictures(8)
    result = to_float16(model, kept=["first", "sigmoid"])
    onnx.checker.check_model(result, full_check=True)
    types = _types(result)
    [first] = [node for node in result.graph.node if node.name == "first"]
    assert [types[name] for name in first.input[1:]] == [TensorProto.FLOAT] * 2
    assert first.input[0] == "x"
    assert error(run(model, data), run(result, data)) < 0.01


def test_a_weight_that_is_read_in_both_types_is_there_in_both() -> None:
    text = """<ir_version: 5, opset_import: ["": 11]>
    g (float[N,2] x) => (float[N,2] y) <float[2] w = {1.5, 2.0}> { [a] h = Mul(x, w) [b] y = Add(h, w) }"""
    result = to_float16(parser.parse_model(text), kept=["b"])
    assert sorted(_types(result).values()) == [TensorProto.FLOAT, TensorProto.FLOAT16]
    data = np.ones((1, 2), np.float32)
    assert run(result, data).tolist() == [[3.0, 4.0]]


def test_a_node_with_a_weight_beyond_float16_is_kept() -> None:
    text = """<ir_version: 5, opset_import: ["": 11]>
    g (float[N,2] x) => (float[N,2] y) <float[2] w = {1e6, 2e6}, float[2] v = {1e-6, 1e-6}> {
        [a] h = Mul(x, w) [b] y = Mul(h, v)
    }"""
    result = to_float16(parser.parse_model(text), kept=["b"])
    assert run(result, np.ones((1, 2), np.float32))[0].tolist() == pytest.approx([1.0, 2.0])


def test_operators_without_float16_keep_float32() -> None:
    """Resize has its scales in float32 whatever its data; OneHot's depth stays what it is."""
    text = """<ir_version: 6, opset_import: ["": 11]>
    g (float[1,2,4,4] x) => (float[1,2,8,8] y) <float[0] roi = {}, float[4] scales = {1, 1, 2, 2}> {
        [a] y = Resize<mode="nearest">(x, roi, scales)
    }"""
    model = parser.parse_model(text)
    result = to_float16(model)
    onnx.checker.check_model(result, full_check=True)
    assert _types(result)["scales"] == TensorProto.FLOAT
    data = np.random.default_rng(0).normal(size=(1, 2, 4, 4)).astype(np.float32)
    assert error(run(model, data), run(result, data)) < 1e-3


def test_a_constant_and_a_cast_that_make_float32_go_on_doing_so() -> None:
    text = """<ir_version: 6, opset_import: ["": 11]>
    g (float[N,2] x) => (float[N,2] y) {
        [a] c = Constant<value = float[2] {2, 3}>() [b] i = Cast<to=7>(x) [d] f = Cast<to=1>(i)
        [e] y = Mul(f, c)
    }"""
    result = to_float16(parser.parse_model(text))
    onnx.checker.check_model(result, full_check=True)
    assert run(result, np.array([[1.5, 2.5]], np.float32)).tolist() == [[2.0, 6.0]]


def test_a_subgraph_is_refused_by_name() -> None:
    text = """<ir_version: 6, opset_import: ["": 11]>
    g (float[2] x, bool c) => (float[2] y) {
        [branch] y = If (c) < then_branch = a () => (float[2] p) { p = Neg(x) },
                              else_branch = b () => (float[2] q) { q = Abs(x) } >
    }"""
    with pytest.raises(QuantizationError, match="If 'branch' has a subgraph"):
        to_float16(parser.parse_model(text))


def test_the_argument_is_not_changed() -> None:
    model = named(network())
    before = model.SerializeToString(deterministic=True)
    to_float16(model, kept=["first"])
    assert model.SerializeToString(deterministic=True) == before
    assert numpy_helper.to_array(model.graph.initializer[0]).dtype == np.float32
