"""Compress: ``axis`` from the back since 11; new at 9."""

from __future__ import annotations

import numpy as np

from opsets.families.axes import normalise_axis
from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("Compress", 11, 10)
def compress_11_to_10(rewrite: Rewrite) -> None:
    """A negative axis is counted from the front; without one the input is taken as flat in both forms."""
    if rewrite.integer("axis", 0) < 0:
        normalise_axis(rewrite, "axis", 0, rewrite.rank(rewrite.required(0)))


@adapts("Compress", 9, 8)
def compress_9_to_8(rewrite: Rewrite) -> None:
    """A constant condition gathers where it is true."""
    data, condition = rewrite.required(0), rewrite.constant(1, "condition")
    assert condition is not None
    kept = rewrite.initializer(np.flatnonzero(condition), "kept")
    if not rewrite.has("axis"):
        data = rewrite.add("Reshape", [data, rewrite.initializer(np.array([-1]), "flat")])
    rewrite.replace(rewrite.add("Gather", [data, kept], {"axis": rewrite.integer("axis", 0)}))
