"""Graphs in int8: of standard operators, equal to exact arithmetic, and near the graph in float32."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser

from parity.exact import evaluate
from parity.runtimes import openvino_cpu
from quantization.calibration import calibrate
from quantization.cleaning import require_standard
from quantization.errors import QuantizationError
from quantization.folding import fold_batch_normalization, named
from quantization.parameters import WeightKind
from quantization.ranges import Range, ranges_of
from quantization.targets import AXIS_FROM
from quantization.writer import FORMS, Form, tensors_to_calibrate, write_quantized
from tests.quantization.networks import Array, error, network, pictures, run

OPSETS = (10, 11, 12, 13, 17, 21)
KINDS: tuple[WeightKind, ...] = ("int8", "uint8")


def ranges_for(model: onnx.ModelProto, data: Array | None = None) -> dict[str, Range]:
    """The ranges of all values of a model, on pictures."""
    some = pictures(32, seed=1) if data is None else data
    return ranges_of(calibrate(model, tensors_to_calibrate(model), lambda: [some], 1), "minmax", 100)


def quantized(
    model: onnx.ModelProto, form: Form, weights: WeightKind = "int8", **more: object
) -> onnx.ModelProto:
    kept = more.get("kept", ())
    assert isinstance(kept, tuple)
    return write_quantized(model, ranges_for(model), form, kept, weights)


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("weights", KINDS)
def test_it_is_valid_of_standard_operators_and_near_the_original(
    opset: int, form: Form, weights: WeightKind
) -> None:
    model = fold_batch_normalization(named(network(opset)))
    result, data = quantized(model, form, weights), pictures(16)
    onnx.checker.check_model(result, full_check=True)
    assert [(entry.domain, entry.version) for entry in result.opset_import] == [("", opset)]
    assert {node.domain for node in result.graph.node} == {""}
    [exact] = evaluate(result, {"x": data})
    bound = 0.12 if form == "int8" or opset >= AXIS_FROM else 0.25
    assert error(run(model, data), exact) < (bound if weights == "uint8" else 2 * bound)


@pytest.mark.parametrize("opset", [12, 13, 21])
@pytest.mark.parametrize("form", FORMS)
def test_a_session_as_users_have_it_computes_the_same(form: Form, opset: int) -> None:
    model = fold_batch_normalization(named(network(opset)))
    data = pictures(16)
    for weights in KINDS:
        result = quantized(model, form, weights)
        [exact] = evaluate(result, {"x": data})
        assert error(exact, run(result, data)) < (1e-6 if form == "int8" else 1e-5)
        assert error(exact, run(result, data, optimised=True)) < 0.05


@pytest.mark.parametrize("opset", [12, 13, 21])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("weights", KINDS)
def test_openvino_agrees(weights: WeightKind, form: Form, opset: int, tmp_path: Path) -> None:
    """On processors that saturate, too."""
    model = fold_batch_normalization(named(network(opset)))
    result, data = quantized(model, form, weights), pictures(8)
    onnx.save(result, tmp_path / "model.onnx")
    [exact] = evaluate(result, {"x": data})
    assert error(exact, openvino_cpu.run(tmp_path / "model.onnx", {"a": [data]}, 1)["a"][0]) < 0.05


def test_convolutions_have_a_scale_for_each_channel_and_matrices_for_each_column() -> None:
    result = quantized(fold_batch_normalization(named(network())), "int8")
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in result.graph.initializer}
    nodes = {node.op_type: node for node in result.graph.node}
    assert constants[nodes["QLinearMatMul"].input[4]].shape == (10,)
    shapes = {
        constants[node.input[3]].shape[0] == constants[node.input[4]].size
        for node in result.graph.node
        if node.op_type == "QLinearConv"
    }
    assert shapes == {True}


@pytest.mark.parametrize(("opset", "axes"), [(12, {None}), (13, {0, 1}), (21, {0, 1})])
def test_between_floats_there_is_a_scale_for_each_channel_from_opset_13_on(
    opset: int, axes: set[int | None]
) -> None:
    """A MatMul's channels are the columns of its weight, those of Conv and of transposed Gemm the rows."""
    result = quantized(fold_batch_normalization(named(network(opset))), "int8-qdq")
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in result.graph.initializer}
    makers = {node.output[0]: node for node in result.graph.node}
    found = set[int | None]()
    for node in result.graph.node:
        if node.op_type not in ("Conv", "Gemm", "MatMul"):
            continue
        made = makers[node.input[1]]
        weight, scale = (constants[name] for name in made.input[:2])
        axis = next((item.i for item in made.attribute), None)
        assert scale.shape == (() if axis is None else (weight.shape[axis],))
        assert axis in (None, 1 if node.op_type == "MatMul" else 0)
        found.add(axis)
    assert found == axes


def test_bytes_stay_bytes_through_activations_pooling_and_concatenation() -> None:
    result = quantized(fold_batch_normalization(named(network(12))), "int8")
    kinds = Counter(node.op_type for node in result.graph.node)
    assert (kinds["Relu"], kinds["Clip"]) == (0, 0)  # the ranges do it
    assert kinds["QLinearConv"] == 7  # six convolutions, and the Gemm
    makers = {name: node for node in result.graph.node for name in node.output}
    for operator in ("MaxPool", "Concat"):
        node = next(node for node in result.graph.node if node.op_type == operator)
        assert {makers[name].op_type for name in node.input} == {"QLinearConv"}


def test_max_pool_takes_floats_below_opset_12() -> None:
    result = quantized(fold_batch_normalization(named(network(11))), "int8")
    makers = {name: node for node in result.graph.node for name in node.output}
    [node] = [node for node in result.graph.node if node.op_type == "MaxPool"]
    assert makers[node.input[0]].op_type == "DequantizeLinear"


def test_signed_weights_saturate_on_no_processor_and_unsigned_ones_have_all_levels() -> None:
    model = fold_batch_normalization(named(network()))
    for kind, bounds in (("int8", (-64, 64)), ("uint8", (1, 255))):
        result = quantized(model, "int8", "uint8" if kind == "uint8" else "int8")
        weights = [
            numpy_helper.to_array(tensor)
            for tensor in result.graph.initializer
            if tensor.name.endswith("_weight_quantized")
        ]
        assert {str(array.dtype) for array in weights} == {kind}
        assert (min(array.min() for array in weights), max(array.max() for array in weights)) == bounds


@pytest.mark.parametrize("form", FORMS)
def test_nodes_that_are_kept_stay_in_float32_in_a_session_of_users_too(form: Form) -> None:
    model = fold_batch_normalization(named(network()))
    kept = ("depth", "grouped", "left", "dense", "last")
    result, data = quantized(model, form, kept=kept), pictures(16)
    weights = {tensor.name: tensor.data_type for tensor in result.graph.initializer}
    floats = [weights[node.input[1]] for node in result.graph.node if node.name in kept]
    assert floats == [onnx.TensorProto.FLOAT] * 5
    [exact] = evaluate(result, {"x": data})
    assert error(exact, run(result, data, optimised=True)) < 0.02


@pytest.mark.parametrize("form", FORMS)
def test_the_same_graph_gives_the_same_bytes(form: Form) -> None:
    model = named(network())
    first, second = (quantized(model, form).SerializeToString(deterministic=True) for _ in range(2))
    assert first == second


def test_what_a_file_says_of_itself_stays() -> None:
    model = named(network())
    model.doc_string = "a net"
    model.metadata_props.add(key="model_license", value="MIT")
    result = quantized(model, "int8")
    assert (result.doc_string, list(result.metadata_props)) == ("a net", list(model.metadata_props))


def test_an_output_is_a_tensor_of_floats_under_its_own_name() -> None:
    text = """<ir_version: 5, opset_import: ["": 11]>
    g (float[N,2,4,4] x) => (float[N,2,4,4] y) <float[2,2,1,1] w = {1,2,3,4}> { [a] y = Conv(x, w) }"""
    model = parser.parse_model(text)
    result = write_quantized(model, {"x": (-1.0, 1.0), "y": (-7.0, 7.0)}, "int8")
    assert [node.op_type for node in result.graph.node] == [
        "QuantizeLinear", "QLinearConv", "DequantizeLinear",
    ]  # fmt: skip
    assert result.graph.node[-1].output == ["y"]
    assert result.graph.output[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT


def test_a_gemm_with_factors_and_a_product_of_two_activations_stay() -> None:
    text = """<ir_version: 5, opset_import: ["": 11]>
    g (float[N,4] x) => (float[4,4] y) <float[4,4] w = {1,2,3,4,5,6,7,8,1,2,3,4,5,6,7,8}> {
        [a] h = Gemm<alpha=0.5>(x, w) [b] t = Transpose(h) [c] y = MatMul(t, h)
    }"""
    with pytest.raises(QuantizationError, match="no node of the model"):
        write_quantized(parser.parse_model(text), {}, "int8")


def test_what_cannot_be_is_said() -> None:
    with pytest.raises(QuantizationError, match="opset 9, and int8 begins at 10, the lowest possible"):
        write_quantized(named(network(9)), {}, "int8")
    with pytest.raises(QuantizationError, match="range of the tensor 'x' is not known"):
        write_quantized(named(network()), {}, "int8")
    foreign = network()
    foreign.opset_import.add(domain="com.microsoft", version=1)
    with pytest.raises(QuantizationError, match=r"operators of com\.microsoft"):
        require_standard(foreign)


def test_a_wrong_zero_point_and_ranges_that_cut_are_far_off() -> None:
    """What the errors above are measured with does tell a spoilt file from a good one."""
    model, data = fold_batch_normalization(named(network())), pictures(16)
    ranges, reference = ranges_for(model), run(model, data)
    narrow = {name: (low / 20, high / 20) for name, (low, high) in ranges.items()}
    cut = write_quantized(model, narrow, "int8")
    good = error(reference, evaluate(write_quantized(model, ranges, "int8"), {"x": data})[0])
    assert error(reference, evaluate(cut, {"x": data})[0]) > 4 * good
    moved = write_quantized(model, ranges, "int8")
    places = {tensor.name: place for place, tensor in enumerate(moved.graph.initializer)}
    zero = moved.graph.initializer[places["dr4_zero_point"]]
    array = numpy_helper.to_array(zero)
    zero.CopyFrom(numpy_helper.from_array(np.asarray(array ^ np.uint8(128)), zero.name))
    assert error(reference, evaluate(moved, {"x": data})[0]) > 2 * good


@pytest.mark.parametrize("form", FORMS)
def test_an_input_that_is_quantised_may_be_read_by_others(form: Form) -> None:
    """As in a transformer, which asks its pictures how many they are."""
    model = parser.parse_model(
        """<ir_version: 7, opset_import: ["": 13]>
        g (float[N, 3, 4, 4] x) => (float[N, O] y) <int64[1] none = {0}, int64[1] all = {-1}> {
          c = Conv <kernel_shape = [4, 4]> (x, w)
          shape = Shape(x)
          number = Gather <axis = 0> (shape, none)
          lengths = Concat <axis = 0> (number, all)
          y = Reshape(c, lengths)
        }"""
    )
    random = np.random.default_rng(0)
    weight = random.normal(size=(8, 3, 4, 4)).astype(np.float32)
    model.graph.initializer.append(numpy_helper.from_array(weight, "w"))
    data = random.normal(size=(5, 3, 4, 4)).astype(np.float32)
    result = write_quantized(named(model), ranges_for(named(model), data), form, (), "int8")
    onnx.checker.check_model(result, full_check=True)
    [exact] = evaluate(result, {"x": data})
    assert error(run(model, data), exact) < 0.05
