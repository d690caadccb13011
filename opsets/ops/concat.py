"""Concat: ``axis`` from the back since 11; 13 changed only the accepted types."""

from __future__ import annotations

from opsets.families.axes import axis_from_back
from opsets.registry import adapts, unchanged
from opsets.rewrite import Rewrite

adapts("Concat", 11, 10)(axis_from_back(1))
unchanged(
    "Concat", 4, 3, "axis has to be given from 4 on, so the older default is not met; fewer types before"
)


@adapts("Concat", 3, 4)
def concat_3_to_4(rewrite: Rewrite) -> None:
    """From 4 on the axis has to be given."""
    rewrite.set_attribute("axis", rewrite.integer("axis", 1))
