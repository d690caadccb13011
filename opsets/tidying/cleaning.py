"""Nodes that need not be: those that hand on what they are given, and chains that one node says.

All of it is exact, at any opset, and no weight is touched. Cleaning what is clean changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import onnx_ir as ir

from opsets.facts.inference import ShapeInference
from opsets.facts.lengths import reshaped
from opsets.nodes import nodes_of
from opsets.tidying.dead import remove_dead
from opsets.walk import Walk


def clean(walk: Walk) -> None:
    """Clean ``walk.model`` at the opset of ``walk.inference``, in place, until nothing is left to do."""
    changed = True
    while changed:
        changed = False
        for node in nodes_of(walk.model.graph):
            changed |= _shorten(node, walk.inference) or _skip(node, walk.inference)
        if changed:
            remove_dead(walk.model)


def count_from_front(walk: Walk) -> None:
    """Let axes count from the front where an exporter counts from the back though the opset does not.

    Runtimes forgive it; the programs that older opsets are for may not.
    """
    if walk.inference.opset >= _FROM_BACK:
        return
    for node in nodes_of(walk.model.graph):
        source = node.inputs[0] if node.inputs else None
        if source is None or source.shape is None or node.op_type in _ALWAYS_FROM_BACK:
            continue
        rank = len(source.shape) + (node.op_type == "OneHot")  # its axis is one of the output
        axis, axes = node.attributes.get("axis"), node.attributes.get("axes")
        if axis is not None and axis.as_int() < 0:
            node.attributes["axis"] = ir.AttrInt64("axis", axis.as_int() + rank)
        if axes is not None and min(axes.as_ints(), default=0) < 0:
            rank += len(axes.as_ints()) if node.op_type == "Unsqueeze" else 0
            front = [entry % rank for entry in axes.as_ints()]
            node.attributes["axes"] = ir.AttrInt64s("axes", front)


_FROM_BACK = 11
_ALWAYS_FROM_BACK = frozenset(("Gather", "LpNormalization", "TopK"))


def _skip(node: ir.Node, inference: ShapeInference) -> bool:
    """Use the input of ``node`` in the place of its output where they are the same; whether they were.

    What makes a graph output stays: the input has another name.
    """
    idle, source = _IDLE.get(node.op_type), node.inputs[0] if node.inputs else None
    if idle is None or source is None or not node.outputs[0].uses() or node.outputs[0].is_graph_output():
        return False
    if any(value.uses() or value.is_graph_output() for value in node.outputs[1:]):
        return False
    if not idle(node, source, inference):
        return False
    ir.convenience.replace_all_uses_with(node.outputs[0], source)
    return True


def _shorten(node: ir.Node, inference: ShapeInference) -> bool:
    """Let a Transpose or a Reshape do also what the node before it did for it alone; whether it does."""
    source = node.inputs[0] if node.inputs else None
    before = source.producer() if source is not None else None
    if source is None or before is None or source.is_graph_output() or len(source.uses()) > 1:
        return False
    first = before.inputs[0] if before.inputs else None
    if first is None or len(before.outputs) > 1 or before.graph is not node.graph:
        return False
    if node.op_type == before.op_type == "Transpose":
        return _join_transposes(node, before, first)
    if node.op_type == "Reshape" and before.op_type in _RESHAPING:
        return _join_reshapes(node, first, inference)
    return False


def _join_transposes(node: ir.Node, before: ir.Node, first: ir.Value) -> bool:
    if first.shape is None:
        return False
    rank = len(first.shape)
    inner, outer = _order(before, rank), _order(node, rank)
    node.attributes["perm"] = ir.AttrInt64s("perm", [inner[axis] for axis in outer])
    node.replace_input_with(0, first)
    return True


def _join_reshapes(node: ir.Node, first: ir.Value, inference: ShapeInference) -> bool:
    target, output = _numbers(node, "shape", 1), node.outputs[0]
    zero = node.attributes.get("allowzero")
    if target is None or output.shape is None or first.shape is None or (zero is not None and zero.as_int()):
        return False
    # A 0 copies a length of the node between, and open lengths may not be found again.
    given = inference.lengths(first)
    if any(entry == 0 and index >= len(given) for index, entry in enumerate(target)):
        return False
    if reshaped(given, target) != inference.lengths(output):
        return False
    node.replace_input_with(0, first)
    return True


def _order(node: ir.Node, rank: int) -> list[int]:
    given = node.attributes.get("perm")
    return list(range(rank))[::-1] if given is None else list(given.as_ints())


def _numbers(node: ir.Node, name: str, index: int) -> list[int] | None:
    """A parameter that is an attribute in older forms and an input in newer ones; None if not constant."""
    if name in node.attributes:
        return list(node.attributes[name].as_ints())
    value = node.inputs[index] if index < len(node.inputs) else None
    if value is None or value.const_value is None:
        return None
    return [int(entry) for entry in value.const_value.numpy().reshape(-1)]


def _keeps_shape(node: ir.Node, source: ir.Value, inference: ShapeInference) -> bool:
    output = node.outputs[0]
    if source.shape is None or output.shape is None:
        return False
    return inference.lengths(source) == inference.lengths(output)


def _is_alone(node: ir.Node, _source: ir.Value, _inference: ShapeInference) -> bool:
    return len(node.inputs) == 1


def _pads_nothing(node: ir.Node, _source: ir.Value, _inference: ShapeInference) -> bool:
    pads = _numbers(node, "pads", 1) or _numbers(node, "paddings", 1)
    return pads is not None and not any(pads)


def _takes_all(node: ir.Node, source: ir.Value, inference: ShapeInference) -> bool:
    if len(node.inputs) > 4 and node.inputs[4] is not None:
        steps = _numbers(node, "steps", 4)
        if steps is None or any(step != 1 for step in steps):
            return False
    return _keeps_shape(node, source, inference)


def _keeps_order(node: ir.Node, source: ir.Value, _inference: ShapeInference) -> bool:
    order = node.attributes.get("perm")
    return order is not None and list(order.as_ints()) == sorted(order.as_ints())


_RESHAPING = frozenset(("Flatten", "Reshape", "Squeeze", "Unsqueeze"))
_Idle = Callable[[ir.Node, ir.Value, ShapeInference], bool]
_IDLE: dict[str, _Idle] = {
    "Concat": _is_alone,
    "Flatten": _keeps_shape,
    "Max": _is_alone,
    "Mean": _is_alone,
    "Min": _is_alone,
    "Pad": _pads_nothing,
    "Reshape": _keeps_shape,
    "Slice": _takes_all,
    "Sum": _is_alone,
    "Tile": _keeps_shape,
    "Transpose": _keeps_order,
}
"""Operators that may do nothing, and how it is told."""
