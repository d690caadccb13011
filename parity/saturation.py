"""Processors that add products of bytes up in 16 bits, where sums saturate, and what is exact on them.

x86 processors without VNNI multiply unsigned by signed bytes with an instruction that adds two products up in
16 bits: 255 * 127 + 255 * 127 is 32767 there. ONNX Runtime and OpenVINO use it for operators of integers,
and for those that they fuse of floats between DequantizeLinear and QuantizeLinear. ONNX Runtime's
``session.x64quantprecision`` makes constant signed operands unsigned, whose products add up in 32 bits; it
has no kernel for what becomes of QLinearConv and QLinearMatMul of signed data then, which are exact without.
Where operands are computed at run time, or both kinds meet, it is asked operator by operator, with nothing
fused, and signed operands made unsigned in the graph.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
import onnx
from onnx import TensorProto

from parity.quantized import is_quantized
from parity.unsigned import RIGHT

Way = Literal["as it is", "x64quantprecision", "operator by operator"]
"""How ONNX Runtime computes a model exactly on such a processor."""

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


def exact_way(model: onnx.ModelProto) -> Way:
    """How ONNX Runtime is exact about ``model`` on such a processor."""
    if not is_quantized(node.op_type for node in model.graph.node):
        return "as it is"
    signed = any(True for _ in _signed_data(model))
    constant = list(_unsigned_by_signed(model))
    if not all(constant) or (constant and signed):
        return "operator by operator"
    return "as it is" if signed else "x64quantprecision"


def _signed_data(model: onnx.ModelProto) -> Iterator[onnx.NodeProto]:
    """The nodes of QLinear operators with two signed operands."""
    types = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    for node in model.graph.node:
        zeros = [node.input[place] for place in _ZERO_POINTS.get(node.op_type, ())]
        if zeros and all(types.get(name) == TensorProto.INT8 for name in zeros):
            yield node


def _unsigned_by_signed(model: onnx.ModelProto) -> Iterator[bool]:
    """Of each node that may saturate, whether its right operand is a constant."""
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    makers = {name: node for node in model.graph.node for name in node.output}
    exact = {node.output[0] for node in _signed_data(model)}
    for node in model.graph.node:
        if node.op_type in RIGHT and node.output[0] not in exact:
            right, zeros = node.input[RIGHT[node.op_type]], node.input[RIGHT[node.op_type] + 2 :][:1]
        elif node.op_type in _FUSED and node.input[1] in makers:
            maker = makers[node.input[1]]
            if maker.op_type != "DequantizeLinear":
                continue
            right, zeros = maker.input[0], maker.input[2:3]
        else:
            continue
        known = [constants[name].data_type for name in (right, *zeros) if name in constants]
        if TensorProto.UINT8 not in known:
            yield right in constants
