"""Outputs whose length is computed at run time: as many places as a number says, without a Loop.

From 9 on they are what NonZero finds in ones. Below, Tile makes the ones, and an RNN of one unit adds them
up: in float32 that is exact up to 2**24, which every rewrite here says as a bound.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir

from opsets.facts.lengths import Length
from opsets.families.copies import cast, reshaped, with_axes
from opsets.rewrite import Rewrite

_REST = {"axes": [0], "starts": [1], "ends": [int(np.iinfo(np.int32).max)]}


def first_places(rewrite: Rewrite, count: ir.Value, length: Length | None = None) -> ir.Value:
    """``0, 1, 2...`` in 64 bits, as many as the one element of ``count``, of 64 bits, says.

    That is ``length``, where one is known.
    """
    if rewrite.opset < 9:
        return cast(rewrite, first_numbers(rewrite, count, length), ir.DataType.INT64)
    shapes = [None, None] if length is None else [rewrite.shape([length]), rewrite.shape([1, length])]
    one = {"value": ir.tensor(np.ones(1, dtype=np.int64))}
    ones = rewrite.add("ConstantOfShape", [count], one, shape=shapes[0])
    return with_axes(rewrite, "Squeeze", rewrite.add("NonZero", [ones], shape=shapes[1]), [0])


def first_numbers(rewrite: Rewrite, count: ir.Value, length: Length | None) -> ir.Value:
    """As :func:`first_places`, in float32."""
    if rewrite.opset >= 9:
        return cast(rewrite, first_places(rewrite, count, length), ir.DataType.FLOAT)
    return _less_one(rewrite, _numbers(rewrite, count, length))


def length_as_number(rewrite: Rewrite, value: ir.Value, axis: int) -> ir.Value:
    """The length of ``axis`` as the one element of a row of float32."""
    lengths = rewrite.add("Shape", [value], kind=ir.DataType.INT64)
    place = rewrite.initializer(np.array([axis], np.int64), "axis")
    return cast(rewrite, rewrite.add("Gather", [lengths, place], kind=ir.DataType.INT64), ir.DataType.FLOAT)


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
    return cast(rewrite, _less_one(rewrite, found), ir.DataType.INT64)


def _numbers(rewrite: Rewrite, count: ir.Value, length: Length | None) -> ir.Value:
    """``1, 2, 3...`` in float32: one more is counted and left out, as there may be none."""
    _say(rewrite)
    unit = rewrite.initializer(np.ones(1, np.float32), "unit")
    if rewrite.opset < 6:  # the number, and the axis, are floats
        more = rewrite.add("Add", [cast(rewrite, count, ir.DataType.FLOAT), unit])
        ones = rewrite.add("Tile", [unit, more, rewrite.initializer(np.zeros(1, np.float32), "axis")])
    else:
        more = rewrite.add("Add", [count, rewrite.initializer(np.ones(1, np.int64), "one")])
        ones = rewrite.add("Tile", [unit, more])
    shape = None if length is None else rewrite.shape([length])
    rest = rewrite.add("Slice", [_running_sums(rewrite, ones)], _REST, shape=shape)
    return _less_one(rewrite, rest)


def one_sided(rewrite: Rewrite) -> dict[str, int]:
    """The attributes by which an operator copies one element, which below 7 it does not of itself."""
    return {} if rewrite.opset > 6 else {"broadcast": 1}


def _less_one(rewrite: Rewrite, row: ir.Value) -> ir.Value:
    one = rewrite.initializer(np.ones(1, np.float32), "one")
    return rewrite.add("Sub", [row, one], one_sided(rewrite), shape=row.shape)


def _running_sums(rewrite: Rewrite, row: ir.Value) -> ir.Value:
    """What is summed up to each element of a row of float32, none of which is negative."""
    steps = reshaped(rewrite, row, [-1, 1, 1])
    unit = rewrite.initializer(np.ones((1, 1, 1), np.float32), "weight")
    attributes: dict[str, Any] = {"hidden_size": 1, "activations": ["Relu"]}
    if rewrite.opset < 7:
        attributes["output_sequence"] = 1
    sums = rewrite.add("RNN", [steps, unit, unit], attributes, kind=ir.DataType.FLOAT)
    return reshaped(rewrite, sums, [-1])


def _say(rewrite: Rewrite) -> None:
    rewrite.bound(f"{rewrite.node.op_type} below {rewrite.opset + 1}: exact for up to 2**24 elements")
