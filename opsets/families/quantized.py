"""8- and 16-bit arithmetic in floats, where an older form lacks it: exact while sums stay below 2**24."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.rewrite import Rewrite

FLOAT = ir.DataType.FLOAT
_KINDS = (ir.DataType.INT8, ir.DataType.UINT8, ir.DataType.INT16, ir.DataType.UINT16)
SHORT = (ir.DataType.INT16, ir.DataType.UINT16)
_FAR = float(1 << 20)
"""Beyond every 16-bit number, and near enough for floats to hold halves."""


def as_float(rewrite: Rewrite, value: ir.Value) -> ir.Value:
    """``value`` as float32: cast, or what it was cast from where that is the same numbers."""
    if value.dtype == FLOAT:
        return value
    return _cast_from(rewrite, value) or rewrite.add("Cast", [value], {"to": FLOAT.value})


def as_dequantized(rewrite: Rewrite, value: ir.Value) -> ir.Value:
    """``value`` as float32, as :func:`as_float`, by a DequantizeLinear of scale 1 where there is one.

    ONNX Runtime computes the Cast of a constant while it loads a model, takes the result for a weight that
    somebody left in floats, and quantises it with one scale for all channels. What a DequantizeLinear makes
    it leaves to the run.
    """
    floats = _cast_from(rewrite, value)
    if rewrite.opset < 10 or floats is not None:
        return floats or as_float(rewrite, value)
    if value.dtype in SHORT:
        value = rewrite.add("Cast", [value], {"to": ir.DataType.INT32.value})
    one = rewrite.initializer(np.array(1, dtype=np.float32), "one")
    return rewrite.add("DequantizeLinear", [value, one])


def _cast_from(rewrite: Rewrite, value: ir.Value) -> ir.Value | None:
    """The floats that ``value`` was cast from, where those are the same numbers."""
    maker = value.producer()
    if maker is not None and maker.op_type == "Cast" and _holds(rewrite, maker.inputs[0], value.dtype):
        return maker.inputs[0]
    return None


def _holds(rewrite: Rewrite, floats: ir.Value | None, kind: ir.DataType | None) -> bool:
    """Whether ``floats`` are whole numbers that ``kind`` has, as :func:`saturated` leaves them."""
    clip = None if floats is None else floats.producer()
    if (
        floats is None
        or floats.dtype != FLOAT
        or clip is None
        or clip.op_type != "Clip"
        or kind not in _KINDS
    ):
        return False
    bounds = np.iinfo(kind.numpy())
    given = [clip.attributes[name].as_float() for name in ("min", "max") if name in clip.attributes]
    return given == [bounds.min, bounds.max] and _is_whole(rewrite, clip.inputs[0])


def _is_whole(rewrite: Rewrite, value: ir.Value | None, depth: int = 8) -> bool:
    """Whether ``value`` is made of whole numbers, as far as a few nodes up tell."""
    if value is None or depth == 0:
        return False
    array = rewrite.constant_or_none(value)
    if array is not None:
        return bool((np.floor(array) == array).all())
    maker = value.producer()
    if maker is None:
        return False
    if maker.op_type == "Cast":
        source = maker.inputs[0]
        return source is not None and source.dtype is not None and source.dtype.is_integer()
    if maker.op_type in ("Ceil", "Floor", "Round"):
        return True
    bounds = [maker.attributes[name].as_float() for name in ("min", "max") if name in maker.attributes]
    parts = maker.inputs if maker.op_type in ("Add", "Clip", "Mul", "Sub") else []
    return (
        bool(parts)
        and all(bound.is_integer() for bound in bounds)
        and all(part is None or _is_whole(rewrite, part, depth - 1) for part in parts)
    )


def spread(
    rewrite: Rewrite, value: ir.Value, data: ir.Value, axis: int, block: int = 0, purpose: str = "scale"
) -> ir.Value:
    """A scale or zero point as floats that broadcast to ``data``: one, or one per element or block of it."""
    single = is_single(rewrite, value)
    if block and not single:
        axis %= rewrite.rank(value)
        return _spread_blocks(rewrite, value, rewrite.length(data, axis), axis, block)
    rank = rewrite.rank(data)
    if not single and not -rank <= axis < rank:
        raise CannotAdapt(f"its {purpose} is along axis {axis}, and its data has {rank} axes")
    along = [] if single else [1] * rank
    if not single:
        along[axis] = -1
    array = rewrite.constant_or_none(value)
    if array is not None:
        return rewrite.initializer(array.astype(np.float32).reshape(along), purpose)
    floats = as_float(rewrite, value)
    if single:
        return without_axes(rewrite, floats, purpose)
    target = rewrite.initializer(np.array(along, dtype=np.int64), f"{purpose}_shape")
    return rewrite.add("Reshape", [floats, target])


def is_single(rewrite: Rewrite, value: ir.Value) -> bool:
    """Whether a scale or zero point is one element, which holds for all data whatever axes it has.

    ONNX Runtime's quantiser gives it one axis.
    """
    return rewrite.rank(value) == 0 or all(length == 1 for length in rewrite.lengths(value))


def without_axes(rewrite: Rewrite, value: ir.Value, purpose: str) -> ir.Value:
    """The one element of ``value`` as a scalar."""
    rank = rewrite.rank(value)
    if not rank:
        return value
    array = rewrite.constant_or_none(value)
    if array is not None:
        return rewrite.initializer(array.reshape(()), purpose)
    if rewrite.opset < 13:
        return rewrite.add("Squeeze", [value], {"axes": list(range(rank))})
    return rewrite.add("Squeeze", [value, rewrite.initializer(np.arange(rank, dtype=np.int64), "axes")])


def drop_axes(rewrite: Rewrite) -> None:
    """Let the scale and the zero point of a node, of one element each, be scalars."""
    for index, purpose in ((1, "scale"), (2, "zero_point")):
        value = rewrite.input(index)
        if value is not None and rewrite.rank(value):
            rewrite.set_input(index, without_axes(rewrite, value, purpose))


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
    if kind not in _KINDS:
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
    half = rewrite.number(0.5, near, "half")
    low = rewrite.add("Ceil", [rewrite.add("Sub", [near, half])])
    high = rewrite.add("Floor", [rewrite.add("Add", [near, half])])
    # They differ by 1 for halves, and the even one is wanted: the higher where the lower is odd. Next to
    # plus and minus one half, where adding a half rounds, they differ too, and 0 is right and even.
    floor = rewrite.add("Floor", [rewrite.add("Mul", [low, half])])
    odd = rewrite.add("Sub", [low, rewrite.add("Add", [floor, floor])])
    return rewrite.add("Add", [low, rewrite.add("Mul", [rewrite.add("Sub", [high, low]), odd])])


def bounded(rewrite: Rewrite) -> None:
    """Say what is not exact of integer sums in floats."""
    rewrite.bound(f"{rewrite.node.op_type} in floats: exact while every sum stays below 2**24")
