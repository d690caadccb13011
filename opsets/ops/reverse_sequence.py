"""ReverseSequence: new at 10; 28 changed only the accepted types."""

from __future__ import annotations

import numpy as np

from opsets.families.shapes import reshape
from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("ReverseSequence", 10, 9)
def reverse_sequence_10_to_9(rewrite: Rewrite) -> None:
    """Constant lengths: one Gather over time and batch, laid together, of fixed lengths both."""
    data, counts = rewrite.required(0), rewrite.constant(1, "lengths")
    assert counts is not None
    along_time, along_batch = rewrite.integer("time_axis", 0), rewrite.integer("batch_axis", 1)
    steps, batch = rewrite.length(data, along_time), rewrite.length(data, along_batch)
    time, counts = np.arange(steps)[:, None], counts[None, :]
    source = np.where(time < counts, counts - 1 - time, time)
    places = source * batch + np.arange(batch) if along_time == 0 else source + np.arange(batch) * steps
    order = places if along_time == 0 else places.T
    lengths = rewrite.lengths(data)
    laid = reshape(rewrite, data, [steps * batch, *lengths[2:]])
    chosen = rewrite.initializer(order.reshape(-1).astype(np.int64), "places")
    rewrite.replace(reshape(rewrite, rewrite.add("Gather", [laid, chosen], {"axis": 0}), lengths))
