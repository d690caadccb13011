"""The lengths of every tensor of a graph, for one picture, at any opset from 3 on."""

from __future__ import annotations

import onnx
from onnx import helper, shape_inference

Lengths = list[int | None]

_FIRST_INFERRED = 6
"""From this opset on onnx infers the shapes of nearly every operator; before, of few."""


def lengths_of(model: onnx.ModelProto) -> tuple[dict[str, Lengths], int]:
    """Return the lengths of the tensors by their names, and the number of pictures in them.

    That is one where the batch axis is open. What cannot be inferred is left out, or None for one axis.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    batch = _one_picture(copy.graph)
    _inferable(copy)
    inferred = shape_inference.infer_shapes(copy, data_prop=True).graph
    lengths = {tensor.name: list(tensor.dims) for tensor in inferred.initializer}
    for value in (*inferred.input, *inferred.value_info, *inferred.output):
        tensor = value.type.tensor_type
        if tensor.HasField("shape"):
            dims = tensor.shape.dim
            lengths[value.name] = [dim.dim_value if dim.HasField("dim_value") else None for dim in dims]
    return lengths, batch


def _one_picture(graph: onnx.GraphProto) -> int:
    """Give open batch axes the length 1, and forget what follows from their being open."""
    constants = {tensor.name for tensor in graph.initializer}
    batches = set()
    for value in graph.input:
        dims = value.type.tensor_type.shape.dim
        if value.name in constants or not dims:
            continue
        if not dims[0].HasField("dim_value"):
            dims[0].dim_value = 1
        batches.add(dims[0].dim_value)
    del graph.value_info[:]
    for value in graph.output:
        value.type.tensor_type.ClearField("shape")
    return max(batches, default=1)


def _inferable(model: onnx.ModelProto) -> None:
    """Say the operators of old opsets in a form whose shapes onnx infers; their values may differ."""
    [opset] = [entry for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    before, opset.version = opset.version, max(opset.version, _FIRST_INFERRED)
    for node in model.graph.node:
        attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        if before < 5 and node.op_type == "Reshape":
            _add_input(model.graph, node, attributes["shape"])
        elif before < 7 and node.op_type == "Upsample" and "height_scale" in attributes:
            repeats = [1, 1, int(attributes["height_scale"]), int(attributes["width_scale"])]
            node.op_type = "Tile"
            _add_input(model.graph, node, repeats)
        elif before < 2 and node.op_type == "Pad":
            node.attribute[0].name = "pads"
        elif before < 6 and node.op_type == "Cast":
            node.op_type = "Identity"  # the type was named by a string
            del node.attribute[:]


def _add_input(graph: onnx.GraphProto, node: onnx.NodeProto, numbers: list[int]) -> None:
    """Hand ``numbers``, which were an attribute, on as an input."""
    name = f"{node.output[0]}: {node.op_type}"
    graph.initializer.append(helper.make_tensor(name, onnx.TensorProto.INT64, [len(numbers)], numbers))
    if any(value.name == graph.initializer[0].name for value in graph.input):  # as IR 3 wants it
        graph.input.append(helper.make_tensor_value_info(name, onnx.TensorProto.INT64, [len(numbers)]))
    del node.attribute[:]
    node.input.append(name)
