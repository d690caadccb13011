"""Sign: new at 9; 13 changed only the accepted types."""

from __future__ import annotations

import onnx_ir as ir

from opsets.families.arithmetic import sign
from opsets.families.integers import as_type_of
from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("Sign", 9, 8)
def sign_9_to_8(rewrite: Rewrite) -> None:
    """Float32 blown up and clipped; other types through float32, where nothing but 0 becomes 0.

    Exact, but for doubles below 1e-45, which become 0.
    """
    data = rewrite.required(0)
    if data.dtype == ir.DataType.FLOAT:
        rewrite.replace(sign(rewrite, data))
        return
    if data.dtype == ir.DataType.DOUBLE:
        rewrite.bound("Sign of doubles below 9: 0 for numbers below 1e-45")
    numbers = rewrite.add("Cast", [data], {"to": int(ir.DataType.FLOAT)})
    rewrite.replace(as_type_of(rewrite, sign(rewrite, numbers), data))
