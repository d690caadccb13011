"""Operands of which nothing tells whether they have one length, or one is copied; at opset 6."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.facts.lengths import Length
from opsets.families.copies import cast
from opsets.families.counting import first_numbers, length_as_number
from opsets.rewrite import Rewrite


def with_equal_lengths(rewrite: Rewrite, a: ir.Value, b: ir.Value) -> tuple[ir.Value, ir.Value]:
    """``a`` and ``b``, each gathered along the axes that may be unequal, until none is.

    Where its length is 1 that is its one place again and again, and else all of them. So are axes of which
    no tensor is at hand from which a column could be cut, of the length that they are copied to.
    """
    if rewrite.opset != 6:
        return a, b
    last = min(rewrite.rank(a), rewrite.rank(b))
    for back in range(-last, 0):
        if not _is_within_reach(rewrite, rewrite.lengths(a)[back], rewrite.lengths(b)[back]):
            a, b = _gathered(rewrite, a, b, back)
    return a, b


def _is_within_reach(rewrite: Rewrite, one: Length, other: Length) -> bool:
    """Whether it is known what numpy's rules make of both lengths, and a copy can be made to it."""
    try:
        both = rewrite.common(one, other)
    except CannotAdapt:
        return False
    return one == other or isinstance(both, int) or 1 not in (one, other) or rewrite.has_carrier(both)


def _gathered(rewrite: Rewrite, a: ir.Value, b: ir.Value, back: int) -> tuple[ir.Value, ir.Value]:
    """Both with the length that they come to along an axis that is counted from the back."""
    lengths = [length_as_number(rewrite, value, rewrite.rank(value) + back) for value in (a, b)]
    # That of the second where the first one is 1, and else that of the first, be it 0.
    less_one = _less(rewrite, lengths[0])
    same = rewrite.add("Clip", [rewrite.add("Abs", [less_one])], {"min": 0.0, "max": 1.0})
    difference = rewrite.add("Sub", [lengths[1], lengths[0]])
    unchanged = rewrite.add("Sub", [difference, rewrite.add("Mul", [difference, same])])
    count = cast(rewrite, rewrite.add("Add", [lengths[0], unchanged]), ir.DataType.INT64)
    places = first_numbers(rewrite, count, None)
    found = []
    for value, length in zip((a, b), lengths, strict=True):
        above = rewrite.add("Sub", [places, _less(rewrite, length)], {"broadcast": 1}, shape=places.shape)
        above = rewrite.add("Relu", [above], shape=places.shape)
        indices = cast(rewrite, rewrite.add("Sub", [places, above], shape=places.shape), ir.DataType.INT64)
        axis, shape = rewrite.rank(value) + back, rewrite.lengths(value)
        shape[axis] = rewrite.lengths(places)[0]
        at = {"axis": axis}
        found.append(
            rewrite.add("Gather", [value, indices], at, shape=rewrite.shape(shape), kind=value.dtype)
        )
    return found[0], found[1]


def _less(rewrite: Rewrite, length: ir.Value) -> ir.Value:
    one = rewrite.initializer(np.ones(1, np.float32), "one")
    return rewrite.add("Sub", [length, one])
