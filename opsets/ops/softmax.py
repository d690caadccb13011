"""Softmax, LogSoftmax and Hardmax: along one axis since 13, over all from ``axis`` on before.

``axis`` may be negative since 11.
"""

from __future__ import annotations

from opsets.families.axes import axis_from_back, swapped
from opsets.families.shapes import shape_of
from opsets.registry import adapts
from opsets.rewrite import Rewrite


def one_axis_to_flattened(rewrite: Rewrite) -> None:
    """Exact: the axis is last, where both forms agree, or is brought there by a Transpose."""
    data, axis = rewrite.required(0), rewrite.integer("axis", -1)
    if axis == -1 or axis == rewrite.rank(data) - 1:
        rewrite.set_attribute("axis", axis)
        return
    rank = rewrite.rank(data)
    order = swapped(rank, axis, -1)
    moved = rewrite.add("Transpose", [data], {"perm": order})
    result = rewrite.add(rewrite.node.op_type, [moved], {"axis": rank - 1})
    rewrite.replace(rewrite.add("Transpose", [result], {"perm": order}))


def flattened_to_one_axis(rewrite: Rewrite) -> None:
    """Exact: all axes from ``axis`` on are laid in one, unless but one of them is longer than 1."""
    data, axis = rewrite.required(0), rewrite.integer("axis", 1)
    if data.shape is not None:
        first = axis % len(data.shape)
        behind = rewrite.lengths(data)[first:]
        long = [place for place, length in enumerate(behind) if length != 1]
        if len(long) < 2:
            rewrite.set_attribute("axis", first + (long or [0])[0])
            return
    flat = rewrite.add("Flatten", [data], {"axis": axis})
    result = rewrite.add(rewrite.node.op_type, [flat], {"axis": -1})
    shape = rewrite.node.outputs[0].shape
    rewrite.replace(rewrite.add("Reshape", [result, shape_of(rewrite, data)], shape=shape))


for operator in ("Softmax", "LogSoftmax", "Hardmax"):
    adapts(operator, 13, 12)(one_axis_to_flattened)
    adapts(operator, 12, 13)(flattened_to_one_axis)
    adapts(operator, 11, 10)(axis_from_back(1))
