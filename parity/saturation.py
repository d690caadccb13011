"""Processors that add products of bytes up in 16 bits, where sums saturate, and what is exact on them.

x86 processors without VNNI multiply unsigned by signed bytes with an instruction that adds two products up in
16 bits: 255 * 127 + 255 * 127 is 32767 there. ONNX Runtime and OpenVINO use it for operators of integers,
and for those that they fuse of floats between DequantizeLinear and QuantizeLinear. ONNX Runtime's
``session.x64quantprecision`` makes constant signed operands unsigned, whose products add up in 32 bits; it
has no kernel for what becomes of QLinearConv and QLinearMatMul of signed data then, which are exact without.
Nodes make signed operands unsigned to the same effect where they are computed at run time, or beside those.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import uses_external_data

from parity.quantized import is_quantized
from parity.runtimes.interface import UnsupportedError

_RIGHT = {"QLinearConv": 3, "QLinearMatMul": 3, "MatMulInteger": 1}
"""The operators of integers that ONNX Runtime saturates in, and where their right operand is."""
_ZERO_POINTS = {"QLinearConv": (2, 5), "QLinearMatMul": (2, 5)}
_FUSED = ("Conv", "ConvTranspose", "Gemm", "MatMul")


def saturates() -> bool:
    """Whether this processor does: by what ONNX Runtime computes on it."""
    import onnxruntime

    text = (
        '<ir_version: 7, opset_import: ["": 10]> '
        "probe (uint8[1,64] a, int8[64,16] b) => (int32[1,16] y) { y = MatMulInteger(a, b) }"
    )
    session = onnxruntime.InferenceSession(
        onnx.parser.parse_model(text).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    inputs = {"a": np.full((1, 64), 255, np.uint8), "b": np.full((64, 16), 127, np.int8)}
    return bool((session.run(None, inputs)[0] != 64 * 255 * 127).any())


def wants_precision(model: onnx.ModelProto) -> bool:
    """Whether ONNX Runtime needs ``session.x64quantprecision`` to be exact on such a processor.

    Raises:
        UnsupportedError: it is exact neither with it nor without.
    """
    if not is_quantized(node.op_type for node in model.graph.node):
        return False
    signed = next(_signed_data(model), None)
    for node, constant in _unsigned_by_signed(model):
        if not constant:
            raise UnsupportedError(
                f"this processor saturates in {_named(node)}, whose right operand is computed at run time"
            )
        if signed is not None:
            raise UnsupportedError(
                f"this processor saturates: {_named(node)} is exact only with x64quantprecision, "
                f"and {_named(signed)} runs only without"
            )
    return signed is None


def make_unsigned(model: onnx.ModelProto) -> bool:
    """Make those signed right operands unsigned that ONNX Runtime cannot; whether ``model`` has any.

    They are computed at run time, or stand beside operators that run only without x64quantprecision.

    128 is added to them and to their zero points, so that no difference of the two changes: int8 ``b``
    becomes uint8 ``b + 128``, by a Cast, an Add and a Cast. What is not known to be signed, beside
    unsigned data, stays as it is, and so does what has a zero point that is computed.
    """
    graph = model.graph
    signed = next(_signed_data(model), None)
    types, constants = _types(model), {tensor.name: tensor for tensor in graph.initializer}
    makers = {name: node for node in graph.node for name in node.output}
    places: dict[str, int] = {}
    for node, constant in _unsigned_by_signed(model):
        if constant and signed is None:
            continue
        if node.op_type not in _RIGHT:
            places[makers[node.input[1]].output[0]] = 0
        elif types.get(node.input[0]) == TensorProto.UINT8:
            places[node.output[0]] = _RIGHT[node.op_type]
    nodes, found = [], False
    for node in graph.node:
        place = places.get(node.output[0] if node.output else "")
        if place is not None and types.get(node.input[place]) == TensorProto.INT8:
            zero = node.input[place + 2] if len(node.input) > place + 2 else ""
            if not zero or (zero in constants and not uses_external_data(constants[zero])):
                nodes += _shift(graph, node, place, constants.get(zero))
                found = True
        nodes.append(node)
    if found:
        copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
        del graph.node[:]
        graph.node.extend(copies)
    return found


def _types(model: onnx.ModelProto) -> dict[str, int]:
    graph = onnx.shape_inference.infer_shapes(model).graph
    values = (*graph.input, *graph.value_info, *graph.output)
    types = {value.name: value.type.tensor_type.elem_type for value in values}
    return types | {tensor.name: tensor.data_type for tensor in graph.initializer}


def _shift(
    graph: onnx.GraphProto, node: onnx.NodeProto, place: int, zero: onnx.TensorProto | None
) -> list[onnx.NodeProto]:
    """Let ``node`` take 128 more at ``place`` and as its zero point; the nodes that are needed before it."""
    stem, shift = f"{node.output[0]}:unsigned", f"{node.output[0]}:unsigned:shift"
    zeros = numpy_helper.to_array(zero).astype(np.int32) if zero is not None else np.int32(0)
    graph.initializer.append(numpy_helper.from_array(np.array(128, np.int32), shift))
    graph.initializer.append(numpy_helper.from_array(np.asarray(zeros + 128, np.uint8), f"{stem}:zero"))
    made = [
        helper.make_node("Cast", [node.input[place]], [f"{stem}:wide"], to=TensorProto.INT32),
        helper.make_node("Add", [f"{stem}:wide", shift], [f"{stem}:sum"]),
        helper.make_node("Cast", [f"{stem}:sum"], [stem], to=TensorProto.UINT8),
    ]
    node.input.extend([""] * (place + 3 - len(node.input)))
    node.input[place], node.input[place + 2] = stem, f"{stem}:zero"
    return made


def _signed_data(model: onnx.ModelProto) -> Iterator[onnx.NodeProto]:
    """The nodes of QLinear operators with two signed operands."""
    types = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    for node in model.graph.node:
        zeros = [node.input[place] for place in _ZERO_POINTS.get(node.op_type, ())]
        if zeros and all(types.get(name) == TensorProto.INT8 for name in zeros):
            yield node


def _unsigned_by_signed(model: onnx.ModelProto) -> Iterator[tuple[onnx.NodeProto, bool]]:
    """The nodes that may saturate, and whether their right operand is a constant."""
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    makers = {name: node for node in model.graph.node for name in node.output}
    exact = {node.output[0] for node in _signed_data(model)}
    for node in model.graph.node:
        if node.op_type in _RIGHT and node.output[0] not in exact:
            right, zeros = node.input[_RIGHT[node.op_type]], node.input[_RIGHT[node.op_type] + 2 :][:1]
        elif node.op_type in _FUSED and node.input[1] in makers:
            maker = makers[node.input[1]]
            if maker.op_type != "DequantizeLinear":
                continue
            right, zeros = maker.input[0], maker.input[2:3]
        else:
            continue
        known = [constants[name].data_type for name in (right, *zeros) if name in constants]
        if TensorProto.UINT8 not in known:
            yield node, right in constants


def _named(node: onnx.NodeProto) -> str:
    return f"{node.op_type} {node.name or node.output[0]!r}"
