"""What the texts of the older operators forbid and neither onnx.checker nor the runtimes notice.

Runtimes run ``Add`` of opset 6 on shapes that differ, and negative axes at any opset; the programs that
older opsets are for may not. So a result that needs such leniency is not valid, whatever numbers it gives.
"""

from __future__ import annotations

from collections.abc import Iterator

import onnx
from onnx import ModelProto, NodeProto, TensorProto, TypeProto, shape_inference

from tools.opset_coverage.cases import default_opset, every_node, schema_at

BINARY = {"Add", "Sub", "Mul", "Div", "Pow", "And", "Or", "Xor", "Equal", "Greater", "Less"}
COMPARING = {"Equal", "Greater", "Less"}
VARIADIC = {"Max", "Min", "Sum", "Mean"}
BROADCASTING, VARIADIC_BROADCASTING, NEGATIVE_AXES = 7, 8, 11
"""The opsets that brought broadcasting of both operands, that of any number of them, and negative axes."""

Shape = tuple[int, ...]


def violations(model: ModelProto) -> list[str]:
    """What in ``model`` the texts of its opset do not allow, one line each."""
    opset = default_opset(model)
    lines: list[str] = []
    if opset < NEGATIVE_AXES:
        for node in every_node(model.graph):
            lines += negative_axes(node, opset)
    if opset < VARIADIC_BROADCASTING:
        shapes = inferred_shapes(model, opset)
        for node in model.graph.node:
            lines += unequal_operands(node, [shapes.get(name) for name in node.input], opset)
    return lines


def negative_axes(node: NodeProto, opset: int) -> Iterator[str]:
    """Axes counted from the back, where the operator's text does not speak of it."""
    schema = schema_at(node, opset)
    for attribute in node.attribute:
        if (
            attribute.name not in ("axis", "axes")
            or min([attribute.i, *attribute.ints]) >= 0
            or schema is None
        ):
            continue
        formal = schema.attributes[attribute.name]
        if "egative" not in formal.description and formal.default_value.i >= 0:
            yield f"{node.op_type} has a negative {attribute.name}, which opset {opset} does not know"


def unequal_operands(node: NodeProto, shapes: list[Shape | None], opset: int) -> Iterator[str]:
    """Operands of different shapes, where the older form does not broadcast them. Unknown shapes pass."""
    operands = [shape for shape in shapes if shape is not None]
    if len(operands) < len(shapes) or len(set(operands)) < 2:
        return
    integers = {attribute.name: attribute.i for attribute in node.attribute}
    text = (
        f"{node.op_type} of shapes {' and '.join(map(str, operands))}, which opset {opset} does not broadcast"
    )
    if node.op_type in VARIADIC:
        yield text
    elif opset < BROADCASTING and node.op_type in BINARY:
        if not (integers.get("broadcast") and is_broadcast(operands[0], operands[1], integers.get("axis"))):
            yield text
    elif opset < BROADCASTING and node.op_type == "PRelu":
        if operands[1] != (1,) and operands[1] != operands[0][1:2]:
            yield text
    elif opset < BROADCASTING and node.op_type == "Gemm":
        rows = operands[0][1 if integers.get("transA") else 0]
        columns = operands[1][0 if integers.get("transB") else 1]
        added = operands[2] if len(operands) > 2 else (rows, columns)
        if added != (rows, columns) and not (
            integers.get("broadcast") and is_broadcast((rows, columns), added, None)
        ):
            yield text


def is_broadcast(left: Shape, right: Shape, axis: int | None) -> bool:
    """Whether ``right`` is one element, or the part of ``left`` that starts at ``axis`` (None: ends it)."""
    if len(right) <= len(left) and all(size == 1 for size in right):
        return True
    start = len(left) - len(right) if axis is None else axis
    return start >= 0 and left[start : start + len(right)] == right


def inferred_shapes(model: ModelProto, opset: int) -> dict[str, Shape]:
    """The shapes of all values that can be inferred; node by node, for some older forms infer nothing."""
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    types = {value.name: value.type for value in model.graph.input}
    for tensor in model.graph.initializer:
        types[tensor.name] = onnx.helper.make_tensor_type_proto(tensor.data_type, tensor.dims)
    for node in model.graph.node:
        types |= inferred_outputs(node, types, constants, opset)
    return {name: shape for name, kind in types.items() if (shape := shape_of(kind)) is not None}


def inferred_outputs(
    node: NodeProto, types: dict[str, TypeProto], constants: dict[str, TensorProto], opset: int
) -> dict[str, TypeProto]:
    if node.op_type in BINARY and opset < BROADCASTING and node.input[0] in types:
        result = TypeProto()
        result.CopyFrom(types[node.input[0]])
        if node.op_type in COMPARING:
            result.tensor_type.elem_type = TensorProto.BOOL
        return {node.output[0]: result}
    if node.op_type == "Constant":
        constants.update((node.output[0], one.t) for one in node.attribute if one.name == "value")
    schema = schema_at(node, opset)
    if schema is None or any(name and name not in types for name in node.input):
        return {}
    opsets = [onnx.helper.make_opsetid("", opset)]
    try:
        return dict(shape_inference.infer_node_outputs(schema, node, types, constants, None, opsets, 3))
    except Exception:  # noqa: BLE001 - what cannot be inferred stays unknown
        return {}


def shape_of(kind: TypeProto) -> Shape | None:
    """The sizes of all axes; None where one is not known."""
    if not kind.tensor_type.HasField("shape"):
        return None
    dims = kind.tensor_type.shape.dim
    return tuple(dim.dim_value for dim in dims) if all(dim.HasField("dim_value") for dim in dims) else None
