"""ReverseSequence: new at 10; 28 changed only the accepted types."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from opsets.families.copies import cast
from opsets.families.indices import length_at_run_time, places_along
from opsets.families.shapes import reshape
from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("ReverseSequence", 10, 9)
def reverse_sequence_10_to_9(rewrite: Rewrite) -> None:
    """One Gather over time and batch, laid together, of places that are constants where all lengths are."""
    data, counts = rewrite.required(0), rewrite.constant_or_none(rewrite.required(1))
    lengths = rewrite.lengths(data)
    rows, columns, *rest = lengths
    along_time = rewrite.integer("time_axis", 0)
    if counts is None or not isinstance(rows, int) or not isinstance(columns, int):
        rewrite.replace(_at_run_time(rewrite, data, along_time))
        return
    steps, batch = (rows, columns) if along_time == 0 else (columns, rows)
    time, counts = np.arange(steps)[:, None], counts[None, :]
    source = np.where(time < counts, counts - 1 - time, time)
    places = source * batch + np.arange(batch) if along_time == 0 else source + np.arange(batch) * steps
    order = places if along_time == 0 else places.T
    laid = reshape(rewrite, data, [steps * batch, *rest])
    chosen = rewrite.initializer(order.reshape(-1).astype(np.int64), "places")
    rewrite.replace(reshape(rewrite, rewrite.add("Gather", [laid, chosen], {"axis": 0}), lengths))


def _at_run_time(rewrite: Rewrite, data: ir.Value, along_time: int) -> ir.Value:
    """Step t of a sequence of n steps comes from n - 1 - t, and from t where that is not before n.

    Counted in float32, as older opsets neither compare nor copy integers.
    """
    rewrite.bound(
        "ReverseSequence below 10, its lengths known at run time: exact for up to 2**24 steps in all"
    )
    real = ir.DataType.FLOAT
    steps, batch = (
        rewrite.add(
            "Unsqueeze", [cast(rewrite, places_along(rewrite, data, axis), real)], {"axes": [1 - axis]}
        )
        for axis in (along_time, 1 - along_time)
    )
    counts = rewrite.add("Unsqueeze", [cast(rewrite, rewrite.required(1), real)], {"axes": [along_time]})
    inside = cast(rewrite, rewrite.add("Less", [steps, counts]), real)
    last = rewrite.add("Sub", [counts, rewrite.number(1, counts, "one")])
    moved = rewrite.add("Sub", [rewrite.add("Sub", [last, steps]), steps])
    source = rewrite.add("Add", [steps, rewrite.add("Mul", [inside, moved])])
    first, second = (source, batch) if along_time == 0 else (batch, source)
    columns = cast(rewrite, length_at_run_time(rewrite, data, 1), real)
    places = rewrite.add("Add", [rewrite.add("Mul", [first, columns]), second])
    rows, *rest = rewrite.lengths(data)
    laid = reshape(rewrite, data, [rows * rest[0], *rest[1:]])
    return rewrite.add(
        "Gather", [laid, cast(rewrite, places, ir.DataType.INT64)], {"axis": 0}, shape=data.shape
    )
