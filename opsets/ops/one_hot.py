"""OneHot: negative indices and axes since 11; new at 9."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from opsets.families.axes import normalise_axis
from opsets.families.indices import from_front
from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("OneHot", 11, 10)
def one_hot_11_to_10(rewrite: Rewrite) -> None:
    """Negative indices are counted from the front, of a constant depth; so is an axis other than -1.

    One below the range becomes one above it: both are off, and runtimes read what stays negative as the
    newer form does.
    """
    indices, depth = rewrite.required(0), rewrite.constant(1, "depth")
    assert depth is not None
    if rewrite.integer("axis", -1) < -1:
        normalise_axis(rewrite, "axis", -1, rewrite.rank(indices) + 1)
    whole = _whole(rewrite, indices)
    counted = from_front(rewrite, whole, [int(depth.item())])
    if counted is not whole:
        counted = _off_below(rewrite, counted, int(depth.item()))
    if counted is not indices:
        rewrite.set_input(0, counted)


def _off_below(rewrite: Rewrite, indices: ir.Value, depth: int) -> ir.Value:
    """``indices`` with ``depth``, which is never on, for those that are still negative."""
    array = rewrite.constant_or_none(indices)
    if array is not None:
        return rewrite.initializer(np.where(array < 0, depth, array).astype(array.dtype), "indices")
    below = rewrite.add("Less", [indices, rewrite.number(0, indices, "zero")])
    return rewrite.add("Where", [below, rewrite.number(depth, indices, "off"), indices])


@adapts("OneHot", 9, 8)
def one_hot_9_to_8(rewrite: Rewrite) -> None:
    """Indices compared with the numbers below a constant depth, and on and off values chosen by sums.

    Exact for finite values.
    """
    indices, depth, values = rewrite.required(0), rewrite.constant(1, "depth"), rewrite.required(2)
    assert depth is not None
    rank = rewrite.rank(indices) + 1
    axis = rewrite.integer("axis", -1) % rank
    whole = _whole(rewrite, indices)
    numbers = np.arange(int(depth.item()), dtype=rewrite.kind(whole))
    numbers = numbers.reshape([-1 if place == axis else 1 for place in range(rank)])
    hit = rewrite.add(
        "Equal",
        [rewrite.add("Unsqueeze", [whole], {"axes": [axis]}), rewrite.initializer(numbers, "numbers")],
    )
    assert values.dtype is not None
    if values.dtype == ir.DataType.BOOL:
        pair = rewrite.constant(2, "values")
        assert pair is not None
        rewrite.replace(_chosen(rewrite, hit, bool(pair[0]), bool(pair[1])))
        return
    hot = rewrite.add("Cast", [hit], {"to": int(values.dtype)})
    pair = rewrite.constant_or_none(values)
    if pair is not None and pair.tolist() == [0, 1]:
        rewrite.replace(hot)
        return
    cold = rewrite.add("Cast", [rewrite.add("Not", [hit])], {"to": int(values.dtype)})
    off, on = rewrite.add_many("Split", [values], {"axis": 0, "split": [1, 1]}, 2)
    rewrite.replace(rewrite.add("Add", [rewrite.add("Mul", [hot, on]), rewrite.add("Mul", [cold, off])]))


def _chosen(rewrite: Rewrite, hit: ir.Value, off: bool, on: bool) -> ir.Value:
    if off == on:
        return rewrite.add("Or" if on else "And", [hit, rewrite.initializer(np.array(on), "value")])
    return rewrite.add("Identity" if on else "Not", [hit])


def _whole(rewrite: Rewrite, indices: ir.Value) -> ir.Value:
    """``indices`` as 64-bit integers, which is what other types are read as."""
    if indices.dtype in (ir.DataType.INT64, ir.DataType.INT32):
        return indices
    return rewrite.add("Cast", [indices], {"to": int(ir.DataType.INT64)})


@adapts("OneHot", 10, 11)
def one_hot_10_to_11(rewrite: Rewrite) -> None:
    """Nothing changes for indices from 0 on; the text of the older form, and no runtime, calls others off."""
    indices = rewrite.constant_or_none(rewrite.required(0))
    if indices is None or (indices < 0).any():
        rewrite.bound("OneHot above 10: negative indices count from the back, as runtimes did before")
