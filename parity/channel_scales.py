"""Products of bytes whose weights have a scale for each channel, said as products in float32.

OpenVINO's reader takes the scales of the weights of QLinearConv for those of the data's channels, and refuses
such nodes ("The number of dequantization scale elements ..."); of QLinearMatMul it knows one scale alone. The
same is said by DequantizeLinear, Conv or MatMul of the weights that the bytes stand for, and QuantizeLinear:
what is added up is then a float, which rounds once more.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper

_IN_FLOATS = {"QLinearConv": ("Conv", 0), "QLinearMatMul": ("MatMul", -1)}
"""The operator in float32, and the axis of the weights that has scales."""


def say_in_floats(model: onnx.ModelProto) -> bool:
    """Replace every such product of ``model`` whose weights have a scale per channel; whether it had any."""
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    nodes, replaced = [], False
    for node in graph.node:
        scale = constants.get(node.input[4]) if node.op_type in _IN_FLOATS else None
        if scale is None or not scale.dims or any(name not in constants for name in node.input[3:6]):
            nodes.append(node)
        else:
            nodes += _in_floats(node, graph, constants)
            replaced = True
    if replaced:
        copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
        del graph.node[:]
        graph.node.extend(copies)
    return replaced


def _in_floats(
    node: onnx.NodeProto, graph: onnx.GraphProto, constants: dict[str, onnx.TensorProto]
) -> list[onnx.NodeProto]:
    data, data_scale, data_zero, weight, weight_scale, weight_zero, scale, zero = node.input[:8]
    operator, axis = _IN_FLOATS[node.op_type]
    shape = [1] * len(constants[weight].dims)
    shape[axis] = -1
    stem = node.output[0]
    scales = numpy_helper.to_array(constants[weight_scale])
    zeros = numpy_helper.to_array(constants[weight_zero]).astype(np.float32)
    made = {f"{stem}:scales": scales.reshape(shape), f"{stem}:zeros": zeros.reshape(shape)}
    inputs = [f"{stem}:data", f"{stem}:weight"]
    if len(node.input) > 8:
        factor = numpy_helper.to_array(constants[data_scale]).reshape(-1) * scales.reshape(-1)
        made[f"{stem}:bias"] = numpy_helper.to_array(constants[node.input[8]]).astype(np.float32) * factor
        inputs.append(f"{stem}:bias")
    graph.initializer.extend(
        numpy_helper.from_array(array.astype(np.float32), name) for name, array in made.items()
    )
    product = helper.make_node(operator, inputs, [f"{stem}:sums"])
    product.attribute.extend(node.attribute)
    return [
        helper.make_node("DequantizeLinear", [data, data_scale, data_zero], [f"{stem}:data"]),
        # The weights stay bytes in the file that is read: in float32 they would be there several times.
        helper.make_node("Cast", [weight], [f"{stem}:wide"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Sub", [f"{stem}:wide", f"{stem}:zeros"], [f"{stem}:centred"]),
        helper.make_node("Mul", [f"{stem}:centred", f"{stem}:scales"], [f"{stem}:weight"]),
        product,
        helper.make_node("QuantizeLinear", [f"{stem}:sums", scale, zero], [stem]),
    ]
