"""Compress: ``axis`` from the back since 11; new at 9."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from opsets.families.axes import normalise_axis
from opsets.families.copies import cast
from opsets.families.counting import places_where
from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("Compress", 11, 10)
def compress_11_to_10(rewrite: Rewrite) -> None:
    """A negative axis is counted from the front; without one the input is taken as flat in both forms."""
    if rewrite.integer("axis", 0) < 0:
        normalise_axis(rewrite, "axis", 0, rewrite.rank(rewrite.required(0)))


@adapts("Compress", 9, 8)
def compress_9_to_8(rewrite: Rewrite) -> None:
    """A condition gathers where it is true, of which the places may be computed at run time."""
    data, condition = rewrite.required(0), rewrite.required(1)
    constant = rewrite.constant_or_none(condition)
    axis = rewrite.integer("axis", 0)
    if constant is not None:
        kept = rewrite.initializer(np.flatnonzero(constant), "kept")
    else:
        flags = cast(rewrite, condition, ir.DataType.FLOAT)
        kept = places_where(rewrite, flags, rewrite.lengths(rewrite.node.outputs[0])[axis])
    if not rewrite.has("axis"):
        data = rewrite.add("Reshape", [data, rewrite.initializer(np.array([-1]), "flat")])
    rewrite.replace(rewrite.add("Gather", [data, kept], {"axis": axis}))
