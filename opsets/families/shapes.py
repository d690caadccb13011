"""Reshapes to lengths of which some are not known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir
import sympy  # type: ignore[import-untyped]

from opsets.errors import CannotAdapt
from opsets.facts.lengths import Length
from opsets.families.copies import reshaped
from opsets.rewrite import Rewrite


def reshape(rewrite: Rewrite, data: ir.Value, lengths: Sequence[Length]) -> ir.Value:
    """``data`` in the shape ``lengths``.

    A length that is not known is copied from the axis at its place or is what is left, of which there
    can be one. Where there are more, what is split or joined is so part by part, with axes of length 1 that
    keep all others at their places. Raises :class:`CannotAdapt` where that does not help either.
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
    if any(_target(before, after).count(-1) > 1 for before, after in parts):
        raise CannotAdapt(f"it needs a Reshape to {lengths}, of which more than one length is not fixed")
    place, rest = 0, rewrite.rank(data)
    for before, after in parts:
        rest -= len(before)
        if before != after:
            more = [place + axis for axis in range(len(before), len(after))]
            less = [place + axis for axis in range(len(after), len(before))]
            if more:
                data = rewrite.add("Unsqueeze", [data], {"axes": more})
            if [*before, *[1] * len(more)] != [*after, *[1] * len(less)]:
                target = [0] * place + _target(before, after) + [1] * len(less) + [0] * rest
                data = reshaped(rewrite, data, target)
            if less:
                data = rewrite.add("Squeeze", [data], {"axes": less})
        place += len(after)
    return data


Part = tuple[list[Length], list[Length]]


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
