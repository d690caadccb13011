"""Concat: ``axis`` from the back since 11; 13 changed only the accepted types."""

from __future__ import annotations

import onnx_ir as ir

from opsets.families.axes import axis_from_back
from opsets.families.copies import cast
from opsets.registry import adapts
from opsets.rewrite import Rewrite

adapts("Concat", 11, 10)(axis_from_back(1))
_WIDE = (ir.DataType.INT64, ir.DataType.UINT64)


@adapts("Concat", 4, 3)
def concat_4_to_3(rewrite: Rewrite) -> None:
    """Floats stay, as the axis has to be given from 4 on; what is none goes through double."""
    kind = rewrite.required(0).dtype
    if kind is None or kind.is_floating_point():
        return
    inputs = [
        cast(rewrite, rewrite.required(index), ir.DataType.DOUBLE)
        for index in range(len(rewrite.node.inputs))
    ]
    result = rewrite.add("Concat", inputs, {"axis": rewrite.integer("axis", 1)}, kind=ir.DataType.DOUBLE)
    rewrite.replace(cast(rewrite, result, kind))
    if kind in _WIDE:
        rewrite.bound("Concat of integers below 4: exact while every element stays below 2**53")


@adapts("Concat", 3, 4)
def concat_3_to_4(rewrite: Rewrite) -> None:
    """From 4 on the axis has to be given."""
    rewrite.set_attribute("axis", rewrite.integer("axis", 1))
