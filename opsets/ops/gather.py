"""Gather: negative indices since 11; ``axis`` counts from the back in every form."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from opsets.families.axes import axis_from_back
from opsets.families.indices import from_front_of
from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("Gather", 11, 10)
def gather_11_to_10(rewrite: Rewrite) -> None:
    """Negative indices are counted from the front; so is a negative axis, which few old runtimes take.

    One constant index from the back of an axis whose length is not fixed is a Slice. Others along such an
    axis need its length, as Shape tells it.
    """
    axis_from_back(0)(rewrite)
    data, axis = rewrite.required(0), rewrite.integer("axis", 0)
    length, index = rewrite.lengths(data)[axis], rewrite.constant_or_none(rewrite.required(1))
    if not isinstance(length, int) and index is not None and index.size == 1 and index.min() < 0:
        rewrite.replace(_from_back(rewrite, data, axis, index))
        return
    indices = from_front_of(rewrite, rewrite.required(1), data, axis)
    if indices is not rewrite.required(1):
        rewrite.set_input(1, indices)


def _from_back(rewrite: Rewrite, data: ir.Value, axis: int, index: npt.NDArray[Any]) -> ir.Value:
    start = int(index.item())
    bounds = (start, start + 1 or np.iinfo(np.int32).max, axis)
    names = ("start", "end", "axis")
    inputs = [
        rewrite.initializer(np.array([bound], dtype=np.int64), name)
        for bound, name in zip(bounds, names, strict=True)
    ]
    part = rewrite.add("Slice", [data, *inputs])
    if index.ndim == 0:
        return rewrite.add("Squeeze", [part], {"axes": [axis]})
    if index.ndim == 1:
        return part
    return rewrite.add("Unsqueeze", [part], {"axes": list(range(axis, axis + index.ndim - 1))})
