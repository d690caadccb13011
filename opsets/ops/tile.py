"""Tile: repeats of all axes as one input since 6; 13 changed only the accepted types."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.facts.lengths import Length
from opsets.families.copies import cast, reshaped
from opsets.families.open_axes import along_open_axes
from opsets.registry import adapts
from opsets.rewrite import Rewrite

MOST_COPIES = 64
"""Inputs that one Concat may have."""


@adapts("Tile", 6, 5)
def tile_6_to_5(rewrite: Rewrite) -> None:
    """The places of an axis gathered again and again, or copies joined where its length is not fixed.

    As many copies of one place as another axis is long, such as the batch, by a column of that length:
    exact, where what that column is cut from holds no NaN.
    """
    data, repeats = rewrite.required(0), rewrite.required(1)
    counts = rewrite.lengths_in(repeats)
    wanted = rewrite.lengths(data)
    if counts is None or (len(wanted) == 1 and not _is_at_hand(rewrite, wanted[0] * counts[0])):
        rewrite.replace(_as_often_as_computed(rewrite, data, repeats))
        return
    result = data
    for axis, count in enumerate(counts):
        if isinstance(count, int):
            result = result if count == 1 else _repeated(rewrite, result, axis, count)
            wanted[axis] = rewrite.lengths(result)[axis]
        else:
            wanted[axis] = wanted[axis] * count
    result = along_open_axes(rewrite, result, wanted)
    if result is data:
        rewrite.forward(result)
    else:
        rewrite.replace(result)


def _is_at_hand(rewrite: Rewrite, length: Length) -> bool:
    return isinstance(length, int) or rewrite.has_carrier(length)


def _as_often_as_computed(rewrite: Rewrite, data: ir.Value, repeats: ir.Value) -> ir.Value:
    """The older form, whose count is a float; exact for counts up to 2**24.

    For a row alone: OpenVINO takes the count, whatever the axis beside it says, for that of the last axis.
    """
    if rewrite.rank(data) != 1 or data.dtype != ir.DataType.FLOAT:
        raise CannotAdapt(f"its repeats ({repeats.name}) are computed at run time, not constant")
    rewrite.bound("Tile below 6: exact for up to 2**24 copies where their number is computed at run time")
    count = cast(rewrite, repeats, ir.DataType.FLOAT)
    axis = rewrite.initializer(np.zeros(1, np.float32), "axis")
    return rewrite.add("Tile", [data, count, axis], shape=rewrite.node.outputs[0].shape)


def _repeated(rewrite: Rewrite, value: ir.Value, axis: int, count: int) -> ir.Value:
    length = rewrite.lengths(value)[axis]
    if isinstance(length, int):
        places = rewrite.initializer(np.tile(np.arange(length), count), "places")
        return rewrite.add("Gather", [value, places], {"axis": axis})
    if 1 < count <= MOST_COPIES:
        return rewrite.add("Concat", [value] * count, {"axis": axis})
    raise CannotAdapt(f"it makes {count} copies along axis {axis}, whose length is not fixed ({length})")


@adapts("Tile", 5, 6)
def tile_5_to_6(rewrite: Rewrite) -> None:
    """How often one axis is repeated becomes how often each is."""
    axis = rewrite.constant(2, "axis")
    assert axis is not None
    place, rank = int(axis.reshape(-1)[0]), rewrite.rank(rewrite.required(0))
    count = rewrite.constant_or_none(rewrite.required(1))
    if count is not None:
        numbers = [int(count.reshape(-1)[0]) if each == place else 1 for each in range(rank)]
        repeats = rewrite.initializer(np.array(numbers, dtype=np.int64), "repeats")
    else:
        repeats = _counts(rewrite, place, rank)
    rewrite.keep_inputs(2)
    rewrite.set_input(1, repeats)


def _counts(rewrite: Rewrite, place: int, rank: int) -> ir.Value:
    """The second input, computed, among ones for the other axes."""
    number = reshaped(rewrite, cast(rewrite, rewrite.required(1), ir.DataType.INT64), [1])
    ones = [rewrite.initializer(np.ones(size, np.int64), "ones") for size in (place, rank - 1 - place)]
    return rewrite.add("Concat", [ones[0], number, ones[1]], {"axis": 0})
