"""GatherND: 13 changed only the accepted types; ``batch_dims`` since 12; new at 11."""

from __future__ import annotations

from math import prod

from opsets.families.indices import fixed_lengths, flat_of_tuples, in_shape
from opsets.registry import adapts, alike
from opsets.rewrite import Rewrite

alike("GatherND", 13, 12, "only the accepted types changed")


@adapts("GatherND", 12, 11)
def gather_nd_12_to_11(rewrite: Rewrite) -> None:
    """Axes in which data and indices go together become one Gather's; without them nothing changes."""
    if rewrite.integer("batch_dims", 0):
        _gathered(rewrite)
    rewrite.drop_attribute("batch_dims")


@adapts("GatherND", 11, 10)
def gather_nd_11_to_10(rewrite: Rewrite) -> None:
    """A Gather along one axis, in which the indexed ones, of fixed lengths, are laid together."""
    _gathered(rewrite)


def _gathered(rewrite: Rewrite) -> None:
    data, indices = rewrite.required(0), rewrite.required(1)
    batch_dims = rewrite.integer("batch_dims", 0)
    depth = batch_dims + rewrite.length(indices, -1)
    lengths = fixed_lengths(rewrite, data, depth)
    places = flat_of_tuples(rewrite, indices, lengths, batch_dims)
    laid = in_shape(rewrite, data, [prod(lengths), *rewrite.lengths(data)[depth:]])
    rewrite.replace(rewrite.add("Gather", [laid, places], {"axis": 0}))
