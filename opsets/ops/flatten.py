"""Flatten: ``axis`` from the back since 11; 9 and 13 changed only the accepted types."""

from __future__ import annotations

from opsets.graph import Rewrite
from opsets.registry import adapts, unchanged


@adapts("Flatten", 11, 10)
def flatten_11_to_10(rewrite: Rewrite) -> None:
    """A negative axis is counted from the front; it may be the rank itself, which leaves nothing behind it."""
    axis = rewrite.integer("axis", 1)
    if axis < 0:
        rewrite.set_attribute("axis", axis + rewrite.rank(rewrite.required(0)))


unchanged("Flatten", 9, 8, "only the accepted types changed")
