"""Models as ONNX text, and equal numbers before and after: in onnxruntime, below opset 7 in OpenVINO.

Operators that add integers up are computed in exact arithmetic: on some processors onnxruntime saturates.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import openvino
from onnx import checker, parser, printer
from onnx.helper import make_tensor_value_info, tensor_dtype_to_np_dtype
from onnx.numpy_helper import to_array
from onnx.reference import ReferenceEvaluator
from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as NotImplemented_

from opsets.conversion import convert
from opsets.facts.versions import ir_version
from parity.exact import evaluate, has_integer_operators
from parity.quantized import is_quantized

Array = npt.NDArray[Any]


def parse(opset: int, text: str) -> onnx.ModelProto:
    """The graph ``text`` as a model of ``opset``, found valid by the checker.

    At IR 3 its constants are inputs too, as that asks for.
    """
    stamp = f'<ir_version: {ir_version(opset)}, opset_import: ["": {opset}]>'
    model = parser.parse_model(f"{stamp} {text}")
    given = {value.name for value in model.graph.input} if model.ir_version < 4 else None
    for tensor in model.graph.initializer:
        if given is not None and tensor.name not in given:
            model.graph.input.append(make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    checker.check_model(model, full_check=True)
    return model


def noise(shape: tuple[int, ...], kind: npt.DTypeLike = np.float32, seed: int = 7) -> Array:
    """Numbers with both signs, and no two alike where ``kind`` is a float."""
    generator = np.random.default_rng(seed)
    if np.dtype(kind).kind == "b":
        return np.asarray(generator.integers(0, 2, shape)).astype(kind)
    if np.dtype(kind).kind in "iu":
        return np.asarray(generator.integers(1, 5, shape)).astype(kind)
    return np.asarray(2 * generator.normal(size=shape)).astype(kind)


def inputs_for(model: onnx.ModelProto) -> dict[str, Array]:
    """Noise for each input that is no constant; a symbolic length becomes 2."""
    constants = {tensor.name for tensor in model.graph.initializer}
    result = {}
    for seed, value in enumerate(value for value in model.graph.input if value.name not in constants):
        kind = value.type.tensor_type
        shape = tuple(axis.dim_value if axis.HasField("dim_value") else 2 for axis in kind.shape.dim)
        result[value.name] = noise(shape, tensor_dtype_to_np_dtype(kind.elem_type), seed)
    return result


def run(model: onnx.ModelProto, inputs: Mapping[str, Array]) -> list[Array]:
    """What onnxruntime computes; OpenVINO below opset 7 and onnx's reference above 26, which it refuses.

    OpenVINO also for the few newest forms that onnxruntime has no implementation of.
    """
    opset = model.opset_import[0].version
    if opset < 7:
        return run_openvino(model, inputs)
    if opset > 26:
        return run_reference(model, inputs)
    if has_integer_operators(model):
        return evaluate(model, inputs)
    try:
        return run_onnxruntime(model, inputs)
    except NotImplemented_:
        pass
    try:
        return run_openvino(model, inputs)
    except RuntimeError:  # what is random is not in either
        return run_reference(model, inputs)


def run_reference(model: onnx.ModelProto, inputs: Mapping[str, Array]) -> list[Array]:
    """What onnx's reference computes; it is right from opset 13 on, and wrong for some older forms."""
    return [np.asarray(value) for value in ReferenceEvaluator(model).run(None, dict(inputs))]


def run_openvino(model: onnx.ModelProto, inputs: Mapping[str, Array]) -> list[Array]:
    """What OpenVINO computes in float32; inputs by position, as its importer may rename them."""
    core = openvino.Core()
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1}
    network = core.read_model(model.SerializeToString(), b"")
    compiled = core.compile_model(network, "CPU", settings)
    constants = {tensor.name for tensor in model.graph.initializer}
    values = [inputs[value.name] for value in model.graph.input if value.name not in constants]
    results = compiled(values)
    return [np.array(results[port]) for port in compiled.outputs]


def run_onnxruntime(
    model: onnx.ModelProto, inputs: Mapping[str, Array], as_written: bool = True
) -> list[Array]:
    """What onnxruntime computes: with the graph as it is written (nothing fused), or as users run it.

    The latter with operands that no processor adds up saturating, where weights are constant.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    if as_written:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    else:
        options.add_session_config_entry("session.x64quantprecision", "1")
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return [np.asarray(value) for value in session.run(None, dict(inputs))]


def assert_same_numbers(
    first: onnx.ModelProto,
    second: onnx.ModelProto,
    inputs: Mapping[str, Array] | None = None,
    tolerance: float = 1e-6,
    *,
    zeros: bool = False,
) -> None:
    """Both models give equal shapes, types and numbers, which are finite and not all zero.

    ``zeros`` says that some of many inputs rightly give zeros alone.
    Where ``first`` is quantised, ``second`` is also run as users run it, with all of onnxruntime's
    optimisations: these fuse what is quantised, which may move a result by one step of its scale.
    """
    fixed = inputs_for(first) if inputs is None else inputs
    expected = run(first, fixed)
    for output in expected:
        assert_says_something(output, zeros)
    assert_equal(run(second, fixed), expected, tolerance, [0.0] * len(expected))
    opset = second.opset_import[0].version
    quantized = is_quantized(node.op_type for node in first.graph.node)
    if quantized and 7 <= opset <= 26 and not has_integer_operators(second):
        found = run_onnxruntime(second, fixed, as_written=False)
        assert_equal(found, expected, tolerance, steps_of(first, fixed, expected))


def assert_says_something(numbers: Array, zeros: bool) -> None:
    """No number is infinite, and not all are zero: with any other mistake, zeros would be equal too."""
    if numbers.dtype.kind == "f":
        assert np.isfinite(numbers).all()
    if not zeros and numbers.dtype.kind in "fiub" and numbers.size:
        assert numbers.any(), "all numbers are zero, whose equality proves nothing"


def assert_equal(found: list[Array], expected: list[Array], tolerance: float, steps: list[float]) -> None:
    assert len(expected) == len(found)
    for one, other, apart in zip(expected, found, steps, strict=True):
        assert one.dtype == other.dtype
        assert one.shape == other.shape
        if one.dtype.kind == "f":
            np.testing.assert_allclose(other, one, rtol=tolerance, atol=tolerance + apart)
        elif apart:
            np.testing.assert_allclose(other.astype(int), one.astype(int), rtol=0, atol=apart)
        else:
            np.testing.assert_array_equal(other, one)


def steps_of(model: onnx.ModelProto, inputs: Mapping[str, Array], outputs: list[Array]) -> list[float]:
    """The distance between neighbours among the numbers that each output may be; 0 if it is not quantised."""
    known = dict(inputs) | {tensor.name: to_array(tensor) for tensor in model.graph.initializer}
    makers = {name: node for node in model.graph.node for name in node.output}
    result = []
    for value, output in zip(model.graph.output, outputs, strict=True):
        maker = makers[value.name]
        if maker.op_type == "DequantizeLinear":
            result.append(float(known[maker.input[1]].max()) if maker.input[1] in known else 0.0)
        else:
            result.append(1.0 if maker.op_type == "QuantizeLinear" and output.dtype.kind in "iu" else 0.0)
    return result


def step(model: onnx.ModelProto) -> onnx.ModelProto:
    """``model`` one opset lower."""
    return brought_to(model, model.opset_import[0].version - 1)


def brought_to(model: onnx.ModelProto, opset: int) -> onnx.ModelProto:
    """``model`` at ``opset``, which may be any."""
    return convert(model, model.opset_import[0].version, opset).model


def constants_of(model: onnx.ModelProto) -> dict[str, list[Any]]:
    return {tensor.name: to_array(tensor).tolist() for tensor in model.graph.initializer}


def text_of(model: onnx.ModelProto) -> str:
    """The graph as ONNX text, without constants, declarations and node names: those follow the outputs."""
    plain = onnx.ModelProto()
    plain.CopyFrom(model)
    for node in plain.graph.node:
        node.ClearField("name")
        attributes = sorted(node.attribute, key=lambda attribute: attribute.name)
        del node.attribute[:]
        node.attribute.extend(attributes)
    del plain.graph.initializer[:]
    del plain.graph.value_info[:]
    return str(printer.to_text(plain.graph))


def assert_step(
    opset: int,
    before: str,
    after: str,
    tolerance: float = 1e-6,
    inputs: Mapping[str, Array] | None = None,
    *,
    by: int = -1,
    readable: str = "",
) -> None:
    """One step from ``opset``, down or ``by`` 1, turns ``before`` into ``after``, with the same numbers.

    ``readable`` is another form of ``before`` for runtimes that do not read it.
    """
    original, expected = parse(opset, before), parse(opset + by, after)
    found = brought_to(original, opset + by)
    assert text_of(found) == text_of(expected)
    assert constants_of(found) == constants_of(expected)
    assert [entry.version for entry in found.opset_import] == [opset + by]
    checker.check_model(found, full_check=True)
    assert_same_numbers(parse(opset, readable) if readable else original, found, inputs, tolerance)


def assert_step_up(
    opset: int,
    before: str,
    after: str,
    tolerance: float = 1e-6,
    inputs: Mapping[str, Array] | None = None,
    readable: str = "",
) -> None:
    """One step up from ``opset``: as :func:`assert_step`."""
    assert_step(opset, before, after, tolerance, inputs, by=1, readable=readable)
