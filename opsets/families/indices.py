"""Indices that count from the back, which Gather and its like take since 11 only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.graph import Rewrite
from opsets.inference import Length

_COUNTING = frozenset({("ArgMax", 0), ("ArgMin", 0), ("NonZero", 0), ("Shape", 0), ("Size", 0), ("TopK", 1)})
"""Outputs that are never negative."""


def from_front(rewrite: Rewrite, indices: ir.Value, lengths: Sequence[Length]) -> ir.Value:
    """``indices`` with each counted from the front.

    ``lengths`` has one entry, for all of them, or one for each along their last axis. Indices computed
    at run time cost four nodes, unless what makes them can make none below 0.
    """
    array = rewrite.constant_or_none(indices)
    if array is not None and not (array < 0).any():
        return indices
    maker = indices.producer()
    if maker is not None and (maker.op_type, indices.index()) in _COUNTING:
        return indices
    if not all(isinstance(length, int) for length in lengths):
        raise CannotAdapt(f"its indices ({indices.name}) may be negative, on an axis whose length is not fixed")
    added = np.array(lengths, dtype=rewrite.kind(indices))
    if array is not None:
        return rewrite.initializer(np.where(array < 0, array + added, array).astype(array.dtype), "indices")
    negative = rewrite.add("Less", [indices, rewrite.number(0, indices, "zero")])
    shift = rewrite.add("Cast", [negative], {"to": int(ir.DataType.from_numpy(added.dtype))})
    shift = rewrite.add("Mul", [shift, rewrite.initializer(added if len(lengths) > 1 else added[0], "length")])
    return rewrite.add("Add", [indices, shift])
