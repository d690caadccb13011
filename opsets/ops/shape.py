"""Shape: ``start`` and ``end`` since 15; 13 changed only the accepted types."""

from __future__ import annotations

import numpy as np

from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("Shape", 15, 14)
def shape_15_to_14(rewrite: Rewrite) -> None:
    """A part of the shape is a slice of all of it, which clamps its bounds alike."""
    start, end = rewrite.integer("start", 0), rewrite.integer("end", np.iinfo(np.int64).max)
    rewrite.drop_attribute("start")
    rewrite.drop_attribute("end")
    if not rewrite.touched or (start, end) == (0, np.iinfo(np.int64).max):
        return
    whole = rewrite.add("Shape", [rewrite.required(0)])
    bounds = [rewrite.initializer(np.array([bound], dtype=np.int64), "bound") for bound in (start, end)]
    rewrite.replace(rewrite.add("Slice", [whole, *bounds]))
