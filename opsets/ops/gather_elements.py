"""GatherElements: 13 changed only the accepted types; new at 11."""

from __future__ import annotations

from math import prod

from opsets.families.indices import fixed_lengths, flat_along_axis, in_shape
from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("GatherElements", 11, 10)
def gather_elements_11_to_10(rewrite: Rewrite) -> None:
    """A Gather from the flat tensor, all of whose lengths have to be fixed."""
    data, indices = rewrite.required(0), rewrite.required(1)
    lengths = fixed_lengths(rewrite, data)
    places = flat_along_axis(rewrite, indices, lengths, rewrite.integer("axis", 0) % len(lengths))
    rewrite.replace(rewrite.add("Gather", [in_shape(rewrite, data, [prod(lengths)]), places], {"axis": 0}))
