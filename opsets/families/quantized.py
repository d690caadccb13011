"""8- and 16-bit arithmetic in floats, where an older form lacks it: exact while sums stay below 2**24."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.graph import Rewrite

FLOAT = ir.DataType.FLOAT
_FAR = float(1 << 20)
"""Beyond every 16-bit number, and near enough for floats to hold halves."""


def as_float(rewrite: Rewrite, value: ir.Value) -> ir.Value:
    """``value`` cast to float32."""
    return value if value.dtype == FLOAT else rewrite.add("Cast", [value], {"to": FLOAT.value})


def spread(
    rewrite: Rewrite, value: ir.Value, data: ir.Value, axis: int, block: int = 0, purpose: str = "scale"
) -> ir.Value:
    """A scale or zero point as floats that broadcast to ``data``: one, or one per element or block of it."""
    rank = rewrite.rank(value)
    if block:
        return _spread_blocks(rewrite, value, rewrite.length(data, axis), axis % rank, block)
    array = rewrite.constant_or_none(value)
    along = [1] * rewrite.rank(data)
    if rank:
        along[axis] = -1
    if array is not None:
        array = array.astype(np.float32)
        return rewrite.initializer(array.reshape(along) if rank else array, purpose)
    floats = as_float(rewrite, value)
    if not rank:
        return floats
    target = rewrite.initializer(np.array(along, dtype=np.int64), f"{purpose}_shape")
    return rewrite.add("Reshape", [floats, target])


def _spread_blocks(rewrite: Rewrite, value: ir.Value, length: int, axis: int, block: int) -> ir.Value:
    """Each element along ``axis`` copied ``block`` times, ``length`` in all, as floats."""
    array = rewrite.constant_or_none(value)
    if array is not None:
        wide = np.take(np.repeat(array, block, axis), np.arange(length), axis)
        return rewrite.initializer(wide.astype(np.float32), "spread")
    places = rewrite.initializer(np.arange(length, dtype=np.int64) // block, "blocks")
    return rewrite.add("Gather", [as_float(rewrite, value), places], {"axis": axis})


def centred(rewrite: Rewrite, value: ir.Value, zero: ir.Value | None) -> ir.Value:
    """``value`` less its zero point, which broadcasts to it, as floats."""
    floats = as_float(rewrite, value)
    if zero is None:
        return floats
    array = rewrite.constant_or_none(zero)
    if array is not None and not array.any():
        return floats
    return rewrite.add("Sub", [floats, zero])


def saturated(rewrite: Rewrite, numbers: ir.Value, zero: ir.Value | None, kind: ir.DataType) -> ir.Value:
    """``numbers`` rounded half to even, plus ``zero``, within the bounds of integers of ``kind``, as such."""
    if kind not in (ir.DataType.INT8, ir.DataType.UINT8, ir.DataType.INT16, ir.DataType.UINT16):
        raise CannotAdapt(f"no older operator makes {kind}")
    whole = rounded(rewrite, numbers)
    if zero is not None:
        whole = rewrite.add("Add", [whole, zero])
    bounds = np.iinfo(kind.numpy())
    return rewrite.add("Cast", [clipped(rewrite, whole, bounds.min, bounds.max)], {"to": kind.value})


def clipped(rewrite: Rewrite, numbers: ir.Value, lowest: float, highest: float) -> ir.Value:
    """``numbers`` with these bounds."""
    if rewrite.opset < 11:
        return rewrite.add("Clip", [numbers], {"min": float(lowest), "max": float(highest)})
    bounds = [rewrite.number(bound, numbers, "bound") for bound in (lowest, highest)]
    return rewrite.add("Clip", [numbers, *bounds])


def rounded(rewrite: Rewrite, numbers: ir.Value) -> ir.Value:
    """``numbers`` rounded half to even; below 11, where there is no Round, within plus and minus 2**20."""
    if rewrite.opset >= 11:
        return rewrite.add("Round", [numbers])
    near = clipped(rewrite, numbers, -_FAR, _FAR)
    floor = rewrite.add("Floor", [near])
    rest = rewrite.add("Sub", [near, floor])
    half = rewrite.number(0.5, rest, "half")
    over, under = (as_float(rewrite, rewrite.add(operator, [rest, half])) for operator in ("Greater", "Less"))
    one = rewrite.number(1.0, rest, "one")
    tie = rewrite.add("Sub", [one, rewrite.add("Add", [over, under])])
    halved = rewrite.add("Mul", [floor, half])
    odd = rewrite.add("Sub", [halved, rewrite.add("Floor", [halved])])  # a half where the floor is odd
    up = rewrite.add("Add", [over, rewrite.add("Mul", [tie, rewrite.add("Add", [odd, odd])])])
    return rewrite.add("Add", [floor, up])


def bounded(rewrite: Rewrite) -> None:
    """Say what is not exact of integer sums in floats."""
    rewrite.bound(f"{rewrite.node.op_type} in floats: exact while every sum stays below 2**24")
