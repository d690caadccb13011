"""Copies along axes whose length is not fixed, such as the batch."""

from __future__ import annotations

import onnx_ir as ir

from opsets.facts.lengths import Length
from opsets.families.copies import spread
from opsets.rewrite import Rewrite


def along_open_axes(rewrite: Rewrite, value: ir.Value, lengths: list[Length]) -> ir.Value:
    """``value``, which has ``lengths`` but for axes of length 1 where they are not fixed, copied to them."""
    if rewrite.lengths(value) == lengths:
        return value
    rewrite.bound(
        f"{rewrite.node.op_type} below {rewrite.opset + 1}: exact unless the input that the length is taken"
        " from holds a NaN"
    )
    return spread(rewrite, value, lengths)
