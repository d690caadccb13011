"""TensorScatter: new at 24."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("TensorScatter", 24, 23)
def tensor_scatter_24_to_23(rewrite: Rewrite) -> None:
    """ScatterElements with the number of each step counted from where its sample is written."""
    cache, update, start = rewrite.required(0), rewrite.required(1), rewrite.input(2)
    rank = rewrite.rank(cache)
    axis = rewrite.integer("axis", -2) % rank
    places = _steps(rewrite, update, axis)
    if start is not None:
        first = _along(rewrite, start, rank, 0)
        places = rewrite.add("Add", [places, first])
        if rewrite.text("mode", "linear") == "circular":
            places = rewrite.add("Mod", [places, _length(rewrite, cache, axis)])
    places = rewrite.add("Expand", [places, rewrite.add("Shape", [update])])
    rewrite.replace(rewrite.add("ScatterElements", [cache, places, update], {"axis": axis}))


def _along(rewrite: Rewrite, value: ir.Value, rank: int, axis: int) -> ir.Value:
    """A vector along ``axis`` of ``rank``."""
    target = np.array([-1 if place == axis else 1 for place in range(rank)], dtype=np.int64)
    return rewrite.add("Reshape", [value, rewrite.initializer(target, "along")])


def _length(rewrite: Rewrite, value: ir.Value, axis: int) -> ir.Value:
    """The length of an axis, as a tensor of one element."""
    length = rewrite.lengths(value)[axis]
    if isinstance(length, int):
        return rewrite.initializer(np.array([length], dtype=np.int64), "length")
    return rewrite.add("Shape", [value], {"start": axis, "end": axis + 1})


def _steps(rewrite: Rewrite, update: ir.Value, axis: int) -> ir.Value:
    """The numbers of the steps that are written, along ``axis``."""
    rank, length = rewrite.rank(update), rewrite.lengths(update)[axis]
    if isinstance(length, int):
        shape = [-1 if place == axis else 1 for place in range(rank)]
        return rewrite.initializer(np.arange(length, dtype=np.int64).reshape(shape), "steps")
    first = rewrite.initializer(np.array([0], dtype=np.int64), "first")
    count = rewrite.add("Squeeze", [_length(rewrite, update, axis), first])
    start, one = (rewrite.initializer(np.array(number, dtype=np.int64), "number") for number in (0, 1))
    return _along(rewrite, rewrite.add("Range", [start, count, one]), rank, axis)
