"""BitCast: new at 26."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.families.integers import is_integer
from opsets.registry import adapts
from opsets.rewrite import Rewrite

_WIDEST = 4
"""Bytes of integers that int64 can count beyond."""


@adapts("BitCast", 26, 25)
def bit_cast_26_to_25(rewrite: Rewrite) -> None:
    """Constants are read anew, and integers of one width counted on from the other end; exact.

    No older operator reads the bits of other types that are computed.
    """
    data, kind = rewrite.required(0), ir.DataType(rewrite.integer("to", 0))
    array = rewrite.constant_or_none(data)
    if data.dtype == kind:
        rewrite.forward(data)
    elif array is not None:
        rewrite.forward(rewrite.initializer(array.view(kind.numpy()), "bits"))
    elif is_integer(data) and kind.is_integer() and rewrite.kind(data).itemsize <= _WIDEST:
        rewrite.replace(_wrapped(rewrite, data, kind))
    else:
        raise CannotAdapt(f"it reads the bits of {data.name}, which is computed at run time, as {kind.name}")


def _wrapped(rewrite: Rewrite, data: ir.Value, kind: ir.DataType) -> ir.Value:
    """Integers modulo their number, in the range of ``kind``."""
    limits = np.iinfo(kind.numpy())
    wide = rewrite.add("Cast", [data], {"to": int(ir.DataType.INT64)})
    count = rewrite.number(int(limits.max) - int(limits.min) + 1, wide, "count")
    if not limits.min:
        return rewrite.add("Cast", [rewrite.add("Mod", [wide, count])], {"to": int(kind)})
    lowest = rewrite.number(int(limits.min), wide, "lowest")
    wrapped = rewrite.add("Mod", [rewrite.add("Sub", [wide, lowest]), count])
    return rewrite.add("Cast", [rewrite.add("Add", [wrapped, lowest])], {"to": int(kind)})
