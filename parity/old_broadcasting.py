"""Broadcasting as it was before opset 7, held to its rules and said in the form of opset 7.

The second operand, where ``broadcast`` is 1, is one value or has a contiguous part of the shape of
the first: the last axes, or those from ``axis`` on. Nothing else is broadcast, and no axis of length
1 is spread. The runtimes that read old files spread whatever they can, so none of them finds out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import onnx
from onnx import helper

from parity.runtimes.interface import InvalidModelError, UnsupportedError

_BINARY = frozenset({"Add", "And", "Div", "Equal", "Greater", "Less", "Mul", "Or", "Pow", "Sub", "Xor"})
_EQUAL_SHAPES = frozenset({"Max", "Mean", "Min", "Sum"})
BROADCASTING = _BINARY | _EQUAL_SHAPES | {"Gemm", "PRelu"}
"""The operators whose operands may differ in shape from opset 7 or 8 on."""

_LARGE = 1024
"""Weights with more elements are not needed to infer shapes: no shape is as long."""

Shape = tuple[int | str, ...]
"""Lengths; a name stands for a length that is known by name only, and may be that of several axes."""


def raise_broadcasts(
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[onnx.ValueInfoProto],
    weights: Iterable[onnx.TensorProto],
) -> list[onnx.NodeProto]:
    """Replace the broadcasts of ``nodes``, whose other operators are of opset 9.

    ``inputs`` are those of the graph that are not ``weights``.

    Raises:
        UnsupportedError: the rank of an operand is not known.
        InvalidModelError: a node broadcasts as its opset does not.
    """
    shapes = _shapes(nodes, inputs, weights)
    raised = []
    for node in nodes:
        if node.op_type in _BINARY:
            raised += _binary(node, shapes)
        elif node.op_type == "PRelu":
            raised += _spread(node, 1, shapes)
        elif node.op_type == "Gemm":
            raised.append(_gemm(node, shapes))
        else:
            if node.op_type in _EQUAL_SHAPES:
                for name in node.input[1:]:
                    _require(_same(shapes.get(node.input[0]), shapes.get(name)), node, shapes)
            raised.append(node)
    return raised


def _binary(node: onnx.NodeProto, shapes: dict[str, Shape]) -> list[onnx.NodeProto]:
    integers = {item.name: item.i for item in node.attribute}
    del node.attribute[:]
    first, second = (shapes.get(name) for name in node.input)
    if not integers.get("broadcast", 0):
        _require(_same(first, second), node, shapes)
        return [node]
    if second is not None and all(length == 1 for length in second):
        _require(first is None or len(second) <= len(first), node, shapes)
        return [node]
    if first is not None and second is not None:
        axis = integers.get("axis", len(first) - len(second))
        part = first[axis : axis + len(second)] if axis >= 0 else ()
        _require(_same(part, second), node, shapes)
    return _spread(node, integers["axis"], shapes) if "axis" in integers else [node]


def _gemm(node: onnx.NodeProto, shapes: dict[str, Shape]) -> onnx.NodeProto:
    spread = [item for item in node.attribute if item.name == "broadcast"]
    if not any(item.i for item in spread):
        _require(_same(shapes.get(node.output[0]), shapes.get(node.input[2])), node, shapes)
    for item in spread:
        node.attribute.remove(item)
    return node


def _spread(node: onnx.NodeProto, axis: int, shapes: dict[str, Shape]) -> list[onnx.NodeProto]:
    """Give the second operand the axes of length 1 behind it that later opsets ask for."""
    first, second = (shapes.get(name) for name in node.input)
    if first is None or second is None:
        raise UnsupportedError(f"the ranks of the operands of {_named(node)} are not known")
    behind = len(first) - axis - len(second)
    if second in ((), (1,)) or behind <= 0:
        return [node]
    spread = f"{node.output[0]}/spread"
    axes = list(range(len(second), len(second) + behind))
    unsqueeze = helper.make_node("Unsqueeze", [node.input[1]], [spread], axes=axes)
    node.input[1] = spread
    return [unsqueeze, node]


def _shapes(
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[onnx.ValueInfoProto],
    weights: Iterable[onnx.TensorProto],
) -> dict[str, Shape]:
    """The shapes that can be inferred.

    What broadcasts has, by the old rules, the shape of its first operand.
    """
    stand_ins = [
        helper.make_node("Identity", [node.input[0]], [node.output[0]])
        if node.op_type in _BINARY | _EQUAL_SHAPES
        else node
        for node in nodes
    ]
    initializers, graph_inputs = [], list(inputs)
    for tensor in weights:
        graph_inputs.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
        size = 1
        for length in tensor.dims:
            size *= length
        if size <= _LARGE:
            initializers.append(tensor)
    graph = helper.make_graph(stand_ins, "shapes", graph_inputs, [], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 9)], ir_version=3)
    inferred = onnx.shape_inference.infer_shapes(model).graph
    values = [*inferred.input, *inferred.value_info]
    return {value.name: _shape(value) for value in values if value.type.tensor_type.HasField("shape")}


def _shape(value: onnx.ValueInfoProto) -> Shape:
    lengths = value.type.tensor_type.shape.dim
    return tuple(length.dim_value if length.HasField("dim_value") else length.dim_param for length in lengths)


def _same(first: Shape | None, second: Shape | None) -> bool:
    """Whether the shapes may be equal: what is not known may be anything."""
    if first is None or second is None:
        return True
    if len(first) != len(second):
        return False
    return all(
        a == b or not (isinstance(a, int) and isinstance(b, int)) for a, b in zip(first, second, strict=True)
    )


def _require(holds: bool, node: onnx.NodeProto, shapes: dict[str, Shape]) -> None:
    if not holds:
        operands = " and ".join(str(list(shapes.get(name, ("?",)))) for name in node.input)
        raise InvalidModelError(
            f"{_named(node)} broadcasts as its opset does not: its operands are {operands}"
        )


def _named(node: onnx.NodeProto) -> str:
    return f"{node.op_type} {node.name or node.output[0]!r}"
