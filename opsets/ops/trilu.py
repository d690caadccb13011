"""Trilu: new at 14."""

from __future__ import annotations

import numpy as np

from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("Trilu", 14, 13)
def trilu_14_to_13(rewrite: Rewrite) -> None:
    """A choice between the elements and 0, by a constant mask where the diagonal is constant."""
    data = rewrite.required(0)
    height, width = rewrite.length(data, -2), rewrite.length(data, -1)
    offsets = np.arange(width)[None, :] - np.arange(height)[:, None]
    zero = rewrite.number(0, data, "zero")
    upper, diagonal = rewrite.integer("upper", 1), rewrite.input(1)
    first = np.array(0) if diagonal is None else rewrite.constant_or_none(diagonal)
    if first is not None:
        inside = offsets >= int(first.item()) if upper else offsets <= int(first.item())
        rewrite.replace(rewrite.add("Where", [rewrite.initializer(inside, "inside"), data, zero]))
        return
    places = rewrite.initializer(offsets, "offsets")
    outside = rewrite.add("Less" if upper else "Greater", [places, diagonal])
    rewrite.replace(rewrite.add("Where", [outside, zero, data]))
