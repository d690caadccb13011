"""Places in a tensor: counted from the front, and as numbers of the elements of the flat tensor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.facts.lengths import Length
from opsets.families.axes import summed
from opsets.families.copies import cast
from opsets.families.counting import first_places
from opsets.families.shapes import reshape
from opsets.rewrite import Rewrite

_COUNTING = frozenset({("ArgMax", 0), ("ArgMin", 0), ("NonZero", 0), ("Shape", 0), ("Size", 0), ("TopK", 1)})
"""Outputs that are never negative."""


def from_front(rewrite: Rewrite, indices: ir.Value, lengths: Sequence[Length]) -> ir.Value:
    """``indices`` with each counted from the front.

    ``lengths`` has one entry, for all of them, or one for each along their last axis. Indices computed
    at run time cost four nodes, unless what makes them can make none below 0.
    """
    if is_counted_from_front(rewrite, indices):
        return indices
    array = rewrite.constant_or_none(indices)
    if not all(isinstance(length, int) for length in lengths):
        raise CannotAdapt(
            f"its indices ({indices.name}) may be negative, on an axis whose length is not fixed"
        )
    added = np.array(lengths if len(lengths) > 1 else lengths[0], dtype=rewrite.kind(indices))
    if array is not None:
        return rewrite.initializer(np.where(array < 0, array + added, array).astype(array.dtype), "indices")
    return _shifted(rewrite, indices, rewrite.initializer(added, "length"))


def from_front_of(rewrite: Rewrite, indices: ir.Value, data: ir.Value, axis: int) -> ir.Value:
    """``indices``, places along ``axis`` of ``data``, counted from the front whatever its length.

    A length that is not fixed is asked for at run time.
    """
    length = rewrite.lengths(data)[axis]
    if isinstance(length, int) or is_counted_from_front(rewrite, indices):
        return from_front(rewrite, indices, [length])
    assert indices.dtype is not None
    return _shifted(rewrite, indices, cast(rewrite, length_at_run_time(rewrite, data, axis), indices.dtype))


def length_at_run_time(rewrite: Rewrite, data: ir.Value, axis: int) -> ir.Value:
    """The length of ``axis`` of ``data`` as a scalar of 64 bits."""
    lengths = rewrite.add("Shape", [data], kind=ir.DataType.INT64)
    return rewrite.add("Gather", [lengths, rewrite.initializer(np.array(axis, dtype=np.int64), "axis")])


def places_along(rewrite: Rewrite, value: ir.Value, axis: int) -> ir.Value:
    """``0, 1, 2...`` in 64 bits, as many as ``axis`` of ``value`` is long."""
    length = rewrite.lengths(value)[axis]
    if isinstance(length, int):
        return rewrite.initializer(np.arange(length), "places")
    row = rewrite.add("Unsqueeze", [length_at_run_time(rewrite, value, axis)], {"axes": [0]})
    return first_places(rewrite, row, length)


def is_counted_from_front(rewrite: Rewrite, indices: ir.Value) -> bool:
    """Whether none of ``indices`` can be negative: they are constant, or made by what counts."""
    array = rewrite.constant_or_none(indices)
    if array is not None:
        return not (array < 0).any()
    maker = indices.producer()
    return maker is not None and (maker.op_type, indices.index()) in _COUNTING


def _shifted(rewrite: Rewrite, indices: ir.Value, lengths: ir.Value) -> ir.Value:
    """``indices`` with ``lengths``, of the same type, added where they are negative."""
    assert indices.dtype is not None
    negative = rewrite.add("Less", [indices, rewrite.number(0, indices, "zero")])
    shift = rewrite.add("Cast", [negative], {"to": int(indices.dtype)})
    return rewrite.add("Add", [indices, rewrite.add("Mul", [shift, lengths])])


def strides_of(lengths: Sequence[int]) -> npt.NDArray[np.int64]:
    """How far apart in the flat tensor neighbours along each axis are."""
    return np.append(np.cumprod(lengths[:0:-1], dtype=np.int64)[::-1], 1).astype(np.int64)


def fixed_lengths(rewrite: Rewrite, value: ir.Value, count: int | None = None) -> list[int]:
    """The lengths of the first ``count`` axes of ``value``, or of all, which have to be known."""
    axes = range(rewrite.rank(value) if count is None else count)
    return [rewrite.length(value, axis) for axis in axes]


def flat_along_axis(rewrite: Rewrite, indices: ir.Value, lengths: Sequence[int], axis: int) -> ir.Value:
    """The elements that GatherElements and ScatterElements mean, by their numbers in the flat tensor.

    ``indices``, all of whose lengths are fixed, are places along ``axis`` of a tensor of ``lengths``.
    """
    return flat_from_front(rewrite, from_front(rewrite, indices, [lengths[axis]]), lengths, axis)


def flat_from_front(rewrite: Rewrite, indices: ir.Value, lengths: Sequence[int], axis: int) -> ir.Value:
    """:func:`flat_along_axis` of ``indices`` that are counted from the front."""
    strides, shape = strides_of(lengths), fixed_lengths(rewrite, indices)
    others = [
        np.arange(length) * (stride if place != axis else 0)
        for place, (length, stride) in enumerate(zip(shape, strides, strict=True))
    ]
    base = sum(np.ix_(*others), np.zeros(shape, dtype=np.int64))
    return _scaled(rewrite, indices, int(strides[axis]), base)


def flat_of_tuples(
    rewrite: Rewrite, indices: ir.Value, lengths: Sequence[int], batch_dims: int = 0
) -> ir.Value:
    """The slices that GatherND and ScatterND mean, by their numbers among those along the leading axes.

    The last axis of ``indices`` holds places along the axes of ``lengths`` that follow the first
    ``batch_dims``, in which both tensors go together.
    """
    counted = from_front(rewrite, indices, lengths[batch_dims:])
    strides = strides_of(lengths)
    shape = fixed_lengths(rewrite, indices, batch_dims)
    others = [np.arange(length) * stride for length, stride in zip(shape, strides, strict=False)]
    rank = rewrite.rank(indices) - 1
    base = sum(np.ix_(*others), np.zeros(shape, dtype=np.int64)).reshape(shape + [1] * (rank - batch_dims))
    array = rewrite.constant_or_none(counted)
    if array is not None:
        return rewrite.initializer((array * strides[batch_dims:]).sum(-1) + base, "places")
    factors = strides[batch_dims:].astype(rewrite.kind(counted))
    if (factors != 1).any():
        counted = rewrite.add("Mul", [counted, rewrite.initializer(factors, "strides")])
    return _scaled(rewrite, summed(rewrite, counted, rank), 1, base)


def in_shape(rewrite: Rewrite, value: ir.Value, lengths: Sequence[Length]) -> ir.Value:
    """``value`` in the shape ``lengths``: itself where it has them."""
    return value if rewrite.lengths(value) == [*lengths] else reshape(rewrite, value, lengths)


def _scaled(rewrite: Rewrite, places: ir.Value, factor: int, base: npt.NDArray[np.int64]) -> ir.Value:
    array = rewrite.constant_or_none(places)
    if array is not None:
        return rewrite.initializer(array.astype(np.int64) * factor + base, "places")
    kind = rewrite.kind(places)
    if factor != 1:
        places = rewrite.add("Mul", [places, rewrite.number(factor, places, "stride")])
    if base.any():
        places = rewrite.add("Add", [places, rewrite.initializer(base.astype(kind), "base")])
    return places
