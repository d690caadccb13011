"""Flatten: ``axis`` from the back since 11; 9 and 13 changed only the accepted types."""

from __future__ import annotations

from math import prod

from opsets.families.shapes import reshape
from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("Flatten", 11, 10)
def flatten_11_to_10(rewrite: Rewrite) -> None:
    """A negative axis is counted from the front."""
    axis = rewrite.integer("axis", 1)
    if axis < 0:
        rewrite.set_attribute("axis", axis + rewrite.rank(rewrite.required(0)))


@adapts("Flatten", 9, 8)
def flatten_9_to_8(rewrite: Rewrite) -> None:
    """The older form takes floats only; what else there is goes by Reshape."""
    data, axis = rewrite.required(0), rewrite.integer("axis", 1)
    if rewrite.kind(data).kind == "f":
        return
    lengths = rewrite.lengths(data)
    rewrite.replace(reshape(rewrite, data, [prod(lengths[:axis]), prod(lengths[axis:])]))
