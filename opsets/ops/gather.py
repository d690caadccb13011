"""Gather: negative indices since 11; ``axis`` counts from the back in every form."""

from __future__ import annotations

from opsets.families.axes import axis_from_back
from opsets.families.indices import from_front
from opsets.graph import Rewrite
from opsets.registry import adapts


@adapts("Gather", 11, 10)
def gather_11_to_10(rewrite: Rewrite) -> None:
    """Negative indices are counted from the front; so is a negative axis, which few old runtimes take."""
    axis_from_back(0)(rewrite)
    data, axis = rewrite.required(0), rewrite.integer("axis", 0)
    indices = from_front(rewrite, rewrite.required(1), [rewrite.lengths(data)[axis]])
    if indices is not rewrite.required(1):
        rewrite.set_input(1, indices)
