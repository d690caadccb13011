"""Reshapes to lengths of which some are not known."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
import onnx_ir as ir
import sympy  # type: ignore[import-untyped]

from opsets.facts.lengths import Length
from opsets.families.copies import cast, reshaped, with_axes
from opsets.families.counting import first_numbers, length_as_number, one_sided
from opsets.rewrite import Rewrite

Part = tuple[list[Length], list[Length]]


def reshape(rewrite: Rewrite, data: ir.Value, lengths: Sequence[Length]) -> ir.Value:
    """``data`` in the shape ``lengths``.

    A length that is not known is copied from the axis at its place or is what is left, of which there
    can be one. Where there are more, what is split or joined is so part by part, with axes of length 1 that
    keep all others at their places. One of which two are split off is split by a Gather, exact up to 2**24
    elements. Raises :class:`CannotAdapt` where that does not help either.
    """
    target = _target(rewrite.lengths(data), lengths)
    if target.count(-1) > 1:
        return _by_parts(rewrite, data, list(lengths))
    return reshaped(rewrite, data, target)


def shape_of(rewrite: Rewrite, data: ir.Value) -> ir.Value:
    """The shape of ``data`` for a Reshape of as many elements; a constant unless two lengths are open."""
    lengths = None if data.shape is None else rewrite.lengths(data)
    if lengths is None or sum(not isinstance(length, int) for length in lengths) > 1:
        return rewrite.add("Shape", [data])
    target = [length if isinstance(length, int) else -1 for length in lengths]
    return rewrite.initializer(np.array(target, dtype=np.int64), "shape")


def _target(own: Sequence[Length], lengths: Sequence[Length]) -> list[int]:
    """What a Reshape is asked for: fixed lengths, 0 for one at its place, -1 for others."""
    return [
        length if isinstance(length, int) else 0 if place < len(own) and own[place] == length else -1
        for place, length in enumerate(lengths)
    ]


def _by_parts(rewrite: Rewrite, data: ir.Value, lengths: list[Length]) -> ir.Value:
    """``data`` in the shape ``lengths``: each part by a Reshape of its own, from the first to the last."""
    parts = _parts(rewrite.lengths(data), lengths)
    place, behind = 0, rewrite.rank(data)
    while parts:
        part = before, after = parts.pop(0)
        behind -= len(before)
        if _target(before, after).count(-1) > 1:
            data = _part(rewrite, data, (before, [sympy.Mul(*before)]), place, behind)
            data, halves = _halved(rewrite, data, place, after)
            parts[:0] = halves
            behind += len(halves)
        else:
            data = _part(rewrite, data, part, place, behind)
            place += len(after)
    return data


def _part(rewrite: Rewrite, data: ir.Value, part: Part, place: int, behind: int) -> ir.Value:
    """``data`` with one part, of which one length may be open, between so many axes before and behind it."""
    before, after = part
    more = [place + axis for axis in range(len(before), len(after))]
    less = [place + axis for axis in range(len(after), len(before))]
    if more:
        data = with_axes(rewrite, "Unsqueeze", data, more)
    if [*before, *[1] * len(more)] != [*after, *[1] * len(less)]:
        target = [0] * place + _target(before, after) + [1] * len(less) + [0] * behind
        data = reshaped(rewrite, data, target)
    return with_axes(rewrite, "Squeeze", data, less) if less else data


def _halved(
    rewrite: Rewrite, data: ir.Value, place: int, wanted: list[Length]
) -> tuple[ir.Value, list[Part]]:
    """``data`` with the axis at ``place`` in two, the first of one open length, and what these become.

    A Gather makes both of one, at places that a product of a column and a row counts.
    """
    cut = next(axis for axis, length in enumerate(wanted) if not isinstance(length, int)) + 1
    fixed, open_length = prod(wanted[: cut - 1]), wanted[cut - 1]
    source, axis = rewrite.carrier(open_length)
    first = rewrite.add(
        "Mul",
        [
            length_as_number(rewrite, source, axis),
            rewrite.initializer(np.array([fixed], np.float32), "fixed"),
        ],
    )
    second = rewrite.add("Div", [length_as_number(rewrite, data, place), first])
    lengths = [sympy.Mul(*wanted[:cut]), sympy.Mul(*wanted[cut:])]
    counted = [
        first_numbers(rewrite, cast(rewrite, count, ir.DataType.INT64), length)
        for count, length in zip((first, second), lengths, strict=True)
    ]
    starts = rewrite.add("Mul", [counted[0], second], one_sided(rewrite), shape=counted[0].shape)
    column = _beside_ones(rewrite, starts, 1, [0, 1])
    row = _beside_ones(rewrite, counted[1], 0, [1, 0])
    places = cast(rewrite, rewrite.add("MatMul", [column, row]), ir.DataType.INT64)
    own = rewrite.lengths(data)
    shape = rewrite.shape([*own[:place], *lengths, *own[place + 1 :]])
    data = rewrite.add("Gather", [data, places], {"axis": place}, shape=shape, kind=data.dtype)
    return data, [([lengths[0]], wanted[:cut]), ([lengths[1]], wanted[cut:])]


def _beside_ones(rewrite: Rewrite, numbers: ir.Value, axis: int, order: list[int]) -> ir.Value:
    """The row ``numbers`` and as many ones, in ``order``, one beside the other along ``axis``."""
    numbers = with_axes(rewrite, "Unsqueeze", numbers, [axis])
    zeros = rewrite.add("Sub", [numbers, numbers], shape=numbers.shape)
    one = rewrite.initializer(np.ones(1, np.float32), "one")
    ones = rewrite.add("Add", [zeros, one], one_sided(rewrite), shape=numbers.shape)
    both = [numbers, ones]
    return rewrite.add("Concat", [both[index] for index in order], {"axis": axis})


def _parts(own: Sequence[Length], wanted: Sequence[Length]) -> list[Part]:
    """The shortest runs of axes, of both shapes, that have as many elements."""
    if 0 in own or 0 in wanted:
        return [(list(own), list(wanted))]
    parts: list[Part] = []
    left, right = list(own), list(wanted)
    while left or right:
        part: Part = ([], [])
        before, after = part
        parts.append(part)
        while left or right:
            _extend(part, left, right)
            if sympy.cancel(sympy.Mul(*before) / sympy.Mul(*after)) == 1:
                break
    return parts


def _extend(part: Part, left: list[Length], right: list[Length]) -> None:
    """Take the next axis of the side that has fewer elements, or of both where that cannot be told."""
    before, after = part
    more, fewer = sympy.fraction(sympy.cancel(sympy.Mul(*before) / sympy.Mul(*after)))
    is_told = before and (more == 1) != (fewer == 1)
    if left and not (is_told and fewer == 1 and right):
        before.append(left.pop(0))
    if right and not (is_told and more == 1 and left):
        after.append(right.pop(0))
