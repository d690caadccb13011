"""Outputs whose length is computed at run time, below 9: no NonZero, and no Loop.

Tile makes as many ones as a number says, at every opset; an RNN of one unit adds them up. In float32 that is
exact up to 2**24, which every rewrite here says as a bound.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from opsets.facts.lengths import Length
from opsets.families.arithmetic import with_number
from opsets.families.copies import cast, reshaped
from opsets.rewrite import Rewrite

_REST = {"axes": [0], "starts": [1], "ends": [int(np.iinfo(np.int32).max)]}


def first_places(rewrite: Rewrite, count: ir.Value, length: Length | None) -> ir.Value:
    """``0, 1, 2...`` in 64 bits, as many as the one element of ``count``, of 64 bits, says."""
    numbers = _numbers(rewrite, count, length)
    return cast(rewrite, with_number(rewrite, "Sub", numbers, 1.0, "one"), ir.DataType.INT64)


def places_where(rewrite: Rewrite, flags: ir.Value, count: Length) -> ir.Value:
    """The places, in 64 bits, at which the row ``flags`` of float32 is 1 and not 0; there are ``count``.

    The k-th of them has before it all elements up to which fewer than k flags are 1.
    """
    _say(rewrite)
    start = rewrite.initializer(np.zeros(1, np.float32), "start")
    sums = _running_sums(rewrite, rewrite.add("Concat", [start, flags], {"axis": 0}))
    total = rewrite.add("ReduceSum", [flags], {"axes": [0], "keepdims": 1})
    numbers = _numbers(rewrite, cast(rewrite, total, ir.DataType.INT64), count)
    column = rewrite.add("Unsqueeze", [numbers], {"axes": [1]})
    row = rewrite.add("Unsqueeze", [sums], {"axes": [0]})
    before = cast(rewrite, rewrite.add("Less", [row, column]), ir.DataType.FLOAT)
    found = rewrite.add("ReduceSum", [before], {"axes": [1], "keepdims": 0}, shape=numbers.shape)
    # The zero that stands before the flags is fewer than every k, too.
    return cast(rewrite, with_number(rewrite, "Sub", found, 1.0, "one"), ir.DataType.INT64)


def _numbers(rewrite: Rewrite, count: ir.Value, length: Length | None) -> ir.Value:
    """``1, 2, 3...`` in float32: one more is counted and left out, as there may be none."""
    _say(rewrite)
    more = with_number(rewrite, "Add", count, 1, "one")
    ones = rewrite.add("Tile", [rewrite.initializer(np.ones(1, np.float32), "unit"), more])
    shape = None if length is None else rewrite.shape([length])
    rest = rewrite.add("Slice", [_running_sums(rewrite, ones)], _REST, shape=shape)
    return with_number(rewrite, "Sub", rest, 1.0, "one")


def _running_sums(rewrite: Rewrite, row: ir.Value) -> ir.Value:
    """What is summed up to each element of a row of float32, none of which is negative."""
    steps = reshaped(rewrite, row, [-1, 1, 1])
    unit = rewrite.initializer(np.ones((1, 1, 1), np.float32), "weight")
    attributes = {"hidden_size": 1, "activations": ["Relu"]}
    sums = rewrite.add("RNN", [steps, unit, unit], attributes, kind=ir.DataType.FLOAT)
    return reshaped(rewrite, sums, [-1])


def _say(rewrite: Rewrite) -> None:
    rewrite.bound(f"{rewrite.node.op_type} below 9: exact for up to 2**24 elements")
