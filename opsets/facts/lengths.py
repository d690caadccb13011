"""Arithmetic on lengths of axes, of which some are not known.

Rounding is written in one form, so that two ways to halve an image end in the same expression: an
inner quotient is joined with the outer one, and what is added is less than what it is divided by.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, reduce
from operator import mul
from typing import Any

import sympy  # type: ignore[import-untyped]

Length = Any
"""The length of an axis: an int, or a sympy expression of positive integers."""

FAR = 1_000_000_000
"""An end of a Slice that no axis reaches; exporters write this, or the largest integer of 32 or 64 bits."""


@cache
def symbol(name: str) -> Length:
    """The length called ``name``, of which it is known that it is at least 1."""
    return sympy.Symbol(name, integer=True, positive=True)


def quotient(total: Length, part: Length) -> Length:
    """``total`` divided by ``part``, rounded down, as an int where it is one."""
    if isinstance(total, int) and isinstance(part, int):
        return total // part if part else 0
    if isinstance(part, int) and part > 0:
        return _whole(_rounded_down(total, part))
    return _whole(sympy.floor(total / part))


def _rounded_down(total: Length, part: int) -> Length:
    """``total / part``; ``(a // b + c) // part`` is ``(a + b * c) // (b * part)`` for positive b and part."""
    added, rest = total.as_coeff_Add()
    if isinstance(rest, sympy.floor):
        numerator, inner = rest.args[0].as_numer_denom()
        if inner.is_Integer:
            return _rounded_down(numerator + inner * added, int(inner) * part)
    whole, remainder = divmod(int(added), part)
    return sympy.floor((rest + remainder) / part) + whole


def _whole(length: Length) -> Length:
    return int(length) if isinstance(length, sympy.Integer) else length


def sum_of(lengths: Iterable[Length]) -> Length:
    """The sum of ``lengths``; of open ones all at once, as sympy sorts the terms of each sum it makes."""
    terms = list(lengths)
    fixed = sum(length for length in terms if isinstance(length, int))
    unknown = [length for length in terms if not isinstance(length, int)]
    return fixed + sympy.Add(*unknown) if unknown else fixed


def rounded_up(total: Length, part: int) -> Length:
    """``total`` divided by ``part``, rounded up."""
    return quotient(total + part - 1, part)


def windows_along(
    length: Length, extent: int, stride: int, pads: tuple[int, int], *, ceil: bool = False
) -> Length:
    """The number of windows of ``extent`` elements, gaps included, along an axis with ``pads`` around it.

    With ``ceil`` the last one may reach behind the padding, yet has to start before it (onnx's MaxPool).
    """
    before, after = pads
    room = length + before + after - extent
    if not ceil:
        return quotient(room, stride) + 1
    fitting, starting = rounded_up(room, stride) + 1, rounded_up(length + before, stride)
    if extent >= stride + after:
        return fitting
    if isinstance(length, int):
        return min(fitting, starting)
    return sympy.Min(fitting, starting)


def longer(lengths: list[Length]) -> Length | None:
    """The length that numpy's rules give axes of ``lengths``; None where it is not known.

    Of two expressions of the same lengths the larger one, as they are equal or the other is 1.
    """
    others = list(dict.fromkeys(length for length in lengths if length != 1))
    if len(others) < 2:
        return others[0] if others else 1
    fixed = next((length for length in others if isinstance(length, int)), None)
    if fixed is not None:
        return fixed
    return sympy.Max(*others) if all(are_of_one(others[0], other) for other in others[1:]) else None


def are_of_one(first: Length, second: Length) -> bool:
    """Whether two open lengths are made of the same ones, such as two ways to halve and double an image."""
    if isinstance(first, int) or isinstance(second, int):
        return False
    return bool(first.free_symbols == second.free_symbols)


def flattened(axis: int, lengths: list[Length]) -> list[Length]:
    """The two lengths after a Flatten at ``axis``."""
    return [reduce(mul, part, 1) for part in (lengths[:axis], lengths[axis:])]


def reshaped(lengths: list[Length], target: list[Length]) -> list[Length]:
    """The lengths after a Reshape: 0 copies the input's, -1 is what is left."""
    result = [
        lengths[index] if entry == 0 and index < len(lengths) else entry for index, entry in enumerate(target)
    ]
    if -1 in target:
        rest = reduce(mul, (entry for entry in result if not (isinstance(entry, int) and entry == -1)), 1)
        total = reduce(mul, lengths, 1)
        result[target.index(-1)] = quotient(total, rest)
    return result
