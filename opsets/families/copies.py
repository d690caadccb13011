"""Copies of a tensor along axes of length 1, without Expand, which is new at 8."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import mul

import numpy as np
import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.facts.lengths import Length
from opsets.rewrite import Rewrite

_LARGEST_COPY = 1 << 16
"""Elements of a constant of integers or bools that is written out, as old nodes could not copy it."""
_LARGEST_COPY_OF_FLOATS = 1 << 8
"""The same of floats, which nodes can copy at every opset: a model may have hundreds of such constants."""
_LONGEST_ROW = 1 << 10
"""Elements of a row of ones that is written out rather than made by a product."""
_MOST_INPUTS = 8
"""Of one Concat; more copies take several."""


def elements_of(lengths: Sequence[Length]) -> int | None:
    """The number of elements of a tensor with ``lengths``; None where it is not fixed."""
    return reduce(mul, lengths, 1) if all(isinstance(length, int) for length in lengths) else None


def may_be_copied(rewrite: Rewrite, value: ir.Value, lengths: Sequence[Length]) -> bool:
    """Whether a copy of the constant ``value`` along axes, to ``lengths``, may be written into the model."""
    size = elements_of(lengths)
    floats = value.dtype is not None and value.dtype.is_floating_point()
    if size is None or size > (_LARGEST_COPY_OF_FLOATS if floats else _LARGEST_COPY):
        return False
    return rewrite.constant_unless_weight(value) is not None


def spread(rewrite: Rewrite, value: ir.Value, lengths: Sequence[Length]) -> ir.Value:
    """``value`` copied along its axes of length 1, and along new leading ones, until it has ``lengths``.

    For opsets below 10. Exact. A fixed length by Concats; one that is not fixed, such as the batch, by
    a column cut from a tensor that has it: a MatMul with ones, or a Gather with zeros.
    Raises :class:`CannotAdapt` where ``lengths`` cannot be reached.
    """
    array = rewrite.constant_unless_weight(value) if may_be_copied(rewrite, value, lengths) else None
    if array is not None and list(array.shape) != [*lengths]:
        return rewrite.initializer(np.broadcast_to(array, lengths), "copies")
    value = leading_axes(rewrite, value, len(lengths))
    own = rewrite.lengths(value)
    missing = [axis for axis, length in enumerate(lengths) if own[axis] == 1 != length]
    if any(own[axis] != length for axis, length in enumerate(lengths) if axis not in missing):
        raise CannotAdapt(f"{value.name} of lengths {own} cannot be copied to {list(lengths)}")
    for axis in sorted(missing, key=lambda axis: not isinstance(lengths[axis], int)):
        if isinstance(lengths[axis], int):
            value = _concatenated(rewrite, value, axis, lengths[axis])
        else:
            value = _multiplied(rewrite, value, axis, lengths[axis])
    return value


def leading_axes(rewrite: Rewrite, value: ir.Value, rank: int) -> ir.Value:
    """``value`` with axes of length 1 put before its own until there are ``rank``."""
    count = rank - rewrite.rank(value)
    if count <= 0:
        return value
    array = rewrite.constant_unless_weight(value)
    if array is not None:
        return rewrite.initializer(array.reshape([1] * count + list(array.shape)), "reshaped")
    return rewrite.add("Unsqueeze", [value], {"axes": list(range(count))})


def with_axes(rewrite: Rewrite, operator: str, data: ir.Value, axes: list[int]) -> ir.Value:
    """``data`` by Squeeze or Unsqueeze, whose ``axes`` are an input from 13 on."""
    if rewrite.opset < 13:
        return rewrite.add(operator, [data], {"axes": axes})
    return rewrite.add(operator, [data, rewrite.initializer(np.array(axes, np.int64), "axes")])


def without_axes(rewrite: Rewrite, value: ir.Value, axes: Iterable[int]) -> ir.Value:
    """``value`` without ``axes``, which have length 1."""
    dropped = list(axes)
    if not dropped:
        return value
    array = rewrite.constant_unless_weight(value)
    if array is not None:
        return rewrite.initializer(np.squeeze(array, tuple(dropped)), "reshaped")
    return rewrite.add("Squeeze", [value], {"axes": dropped})


def reshaped(rewrite: Rewrite, value: ir.Value, target: list[int]) -> ir.Value:
    """``value`` by Reshape, whose target is an attribute below 5: 0 keeps a length, -1 is what is left."""
    if rewrite.opset < 5:
        return rewrite.add("Reshape", [value], {"shape": target})
    shape = rewrite.initializer(np.array(target, dtype=np.int64), "shape")
    return rewrite.add("Reshape", [value, shape])


def cast(rewrite: Rewrite, value: ir.Value, kind: ir.DataType) -> ir.Value:
    """``value`` as ``kind``, which is named by text below 6."""
    to = kind.name if rewrite.opset < 6 else int(kind)
    return rewrite.add("Cast", [value], {"to": to}, shape=value.shape, kind=kind)


def row_of_ones(rewrite: Rewrite, lengths: Sequence[int], like: ir.Value) -> ir.Value:
    """Ones of the type of ``like`` and of shape (1, n), one for each element of a tensor with ``lengths``.

    Of many, only a row and a column are constants, and they are multiplied.
    """
    kind, count = rewrite.kind(like), elements_of(lengths) or 0
    if count <= _LONGEST_ROW or len(lengths) < 2:
        return rewrite.ones((1, count), kind)
    column = rewrite.ones((elements_of(lengths[:-1]) or 0, 1), kind)
    product = rewrite.add("MatMul", [column, rewrite.ones((1, lengths[-1]), kind)])
    return reshaped(rewrite, product, [1, count])


def column_of(rewrite: Rewrite, length: Length, number: float) -> ir.Value:
    """A float32 tensor of shape (``length``, 1) full of ``number``, made of any tensor with such an axis.

    What it is made of may hold infinities; a NaN at its start may stay.
    """
    source, axis = rewrite.carrier(length)
    for other in range(rewrite.rank(source)):
        if other != axis:
            source = rewrite.add("Slice", [source], {"axes": [other], "starts": [0], "ends": [1]})
    source = rewrite.add("Clip", [source], {"min": number, "max": number}, shape=source.shape)
    return reshaped(rewrite, source, [-1, 1])


def _concatenated(rewrite: Rewrite, value: ir.Value, axis: int, count: int) -> ir.Value:
    """``count`` copies of ``value``, one after the other along ``axis``."""
    if count <= _MOST_INPUTS:
        parts = [value] * count
    else:
        half = _concatenated(rewrite, value, axis, count // 2)
        parts = [half, half] + [value] * (count % 2)
    return rewrite.add("Concat", parts, {"axis": axis})


def _multiplied(rewrite: Rewrite, value: ir.Value, axis: int, length: Length) -> ir.Value:
    """``value`` along ``axis`` as often as ``length`` says: of float32 a column of ones times a row.

    Of others its one place gathered again and again, which takes a Cast that few runtimes know below 6.
    """
    if value.dtype != ir.DataType.FLOAT:
        places = cast(rewrite, reshaped(rewrite, column_of(rewrite, length, 0.0), [-1]), ir.DataType.INT64)
        lengths = rewrite.lengths(value)
        lengths[axis] = length
        return rewrite.add("Gather", [value, places], {"axis": axis}, shape=rewrite.shape(lengths))
    before, rest = rewrite.lengths(value)[:axis], rewrite.lengths(value)[axis + 1 :]
    if axis and rest and elements_of([*before, *rest]) is not None:
        return _multiplied_in_front(rewrite, value, axis, length)
    size = elements_of(rest)
    if size is None and len(rest) > 1:
        raise CannotAdapt(f"{value.name} would be copied {length} times before lengths {rest}")
    column = column_of(rewrite, length, 1.0)
    if axis and not rest:
        return rewrite.add("MatMul", [value, reshaped(rewrite, column, [1, -1])])
    if len(rest) == 1:
        return rewrite.add("MatMul", [column, value])
    assert size is not None
    row = reshaped(rewrite, value, [0] * axis + [1, size])
    return reshaped(rewrite, rewrite.add("MatMul", [column, row]), [0] * axis + [-1, *rest])


def _multiplied_in_front(rewrite: Rewrite, value: ir.Value, axis: int, length: Length) -> ir.Value:
    """As :func:`_multiplied`, by a product of two matrices: OpenVINO fails on some of more axes."""
    others = rewrite.lengths(value)
    del others[axis]
    row = reshaped(rewrite, value, [1, elements_of(others) or 0])
    product = rewrite.add("MatMul", [column_of(rewrite, length, 1.0), row])
    laid = reshaped(rewrite, product, [-1, *map(int, others)])
    order = [*range(1, axis + 1), 0, *range(axis + 1, len(others) + 1)]
    return rewrite.add("Transpose", [laid], {"perm": order})
