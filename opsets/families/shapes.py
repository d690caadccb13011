"""Reshapes to lengths of which some are not known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.facts.lengths import Length
from opsets.families.copies import reshaped
from opsets.rewrite import Rewrite


def reshape(rewrite: Rewrite, data: ir.Value, lengths: Sequence[Length]) -> ir.Value:
    """``data`` in the shape ``lengths``.

    A length that is not known is copied from the axis at its place or is what is left, of which there
    can be one. Where there are more because axes before them are split or joined, these go to the end
    meanwhile. Raises :class:`CannotAdapt` where that does not help either.
    """
    target = _target(rewrite.lengths(data), lengths)
    if target.count(-1) > 1:
        return _reshaped_at_the_end(rewrite, data, list(lengths))
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


def _reshaped_at_the_end(rewrite: Rewrite, data: ir.Value, lengths: list[Length]) -> ir.Value:
    """Transpose the axes that change to the end, where those that stay are at their places, and back."""
    own = rewrite.lengths(data)
    least = min(len(own), len(lengths))
    before = next((place for place in range(least) if own[place] != lengths[place]), least)
    after = next((place for place in range(least - before) if own[-1 - place] != lengths[-1 - place]), 0)
    changed, wanted = own[before : len(own) - after], lengths[before : len(lengths) - after]
    target = _target([], wanted)
    if target.count(-1) > 1:
        raise CannotAdapt(f"it needs a Reshape to {lengths}, of which more than one length is not fixed")
    order = [*range(before), *range(before + len(changed), len(own)), *range(before, before + len(changed))]
    moved = rewrite.add("Transpose", [data], {"perm": order})
    joined = reshaped(rewrite, moved, [0] * (before + after) + target)
    start = before + after
    back = [*range(before), *range(start, start + len(wanted)), *range(before, start)]
    return rewrite.add("Transpose", [joined], {"perm": back})
