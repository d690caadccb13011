"""BatchNormalization merged into the convolution before it, and names for nodes that have none."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper

from quantization.cleaning import remove_unread
from quantization.graph import Graph, attributes_of


def named(model: onnx.ModelProto) -> onnx.ModelProto:
    """``model``, in which every node gets a name of its own."""
    taken: set[str] = set()
    for place, node in enumerate(model.graph.node):
        if not node.name or node.name in taken:
            node.name = f"{node.op_type}_{place}"
        while node.name in taken:
            node.name += "_"
        taken.add(node.name)
    return model


def fold_batch_normalization(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy in which each convolution does what the BatchNormalization does that alone reads it.

    It is ``model`` itself where there is nothing to fold.

    ``w' = w * s / sqrt(v + epsilon)`` and ``b' = (b - m) * s / sqrt(v + epsilon) + t``, in float64, for
    scale ``s``, bias ``t``, mean ``m`` and variance ``v``.
    """
    if all(node.op_type != "BatchNormalization" for node in model.graph.node):
        return model
    result = onnx.ModelProto()
    result.CopyFrom(model)
    graph = Graph(result)
    folded: list[onnx.NodeProto] = []
    written: dict[str, onnx.TensorProto] = {}
    for node in result.graph.node:
        following = graph.only_reader(node.output[0]) if node.op_type == "Conv" else None
        if following is None or following.op_type != "BatchNormalization" or len(following.output) > 1:
            continue
        statistics = [graph.constant(name) for name in following.input[1:5]]
        weight = graph.constant(node.input[1])
        bias = graph.constant(node.input[2]) if len(node.input) > 2 else np.zeros(1)
        if weight is None or bias is None or any(value is None for value in statistics):
            continue
        scale, shift, mean, variance = (np.asarray(value, np.float64) for value in statistics)
        epsilon = attributes_of(following).get("epsilon", 1e-5)
        factor = scale / np.sqrt(variance + epsilon)
        new_weight = weight.astype(np.float64) * factor.reshape(-1, *[1] * (weight.ndim - 1))
        new_bias = (bias.astype(np.float64) - mean) * factor + shift
        stem = node.name or node.output[0]
        names = [graph.fresh(f"{stem}_folded_{part}") for part in ("weight", "bias")]
        for name, values in zip(names, (new_weight, new_bias), strict=True):
            written[name] = numpy_helper.from_array(values.astype(np.float32), name)
        del node.input[1:]
        node.input.extend(names)
        node.output[0] = following.output[0]
        folded.append(following)
    if not folded:
        return model
    for following in folded:
        result.graph.node.remove(following)
    result.graph.initializer.extend(written.values())
    remove_unread(result)
    return result
