"""Softmax, LogSoftmax and Hardmax: along one axis since 13, over all from ``axis`` on before.

``axis`` may be negative since 11.
"""

from __future__ import annotations

from opsets.families.axes import axis_from_back, swapped
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


for operator in ("Softmax", "LogSoftmax", "Hardmax"):
    adapts(operator, 13, 12)(one_axis_to_flattened)
    adapts(operator, 11, 10)(axis_from_back(1))
