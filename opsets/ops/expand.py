"""Expand: new at 8; 13 changed only the accepted types."""

from __future__ import annotations

import numpy as np

from opsets.errors import CannotAdapt
from opsets.families.broadcasting import together
from opsets.families.copies import leading_axes
from opsets.families.open_axes import along_open_axes
from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("Expand", 8, 7)
def expand_8_to_7(rewrite: Rewrite) -> None:
    """Copies by one Tile; along axes of no fixed length, such as the batch, by a column of that length.

    Exact, where what that column is cut from holds no NaN.
    """
    data, wanted = rewrite.required(0), rewrite.required(1)
    entries = rewrite.lengths_in(wanted)
    if entries is None:
        raise CannotAdapt(f"its shape ({wanted.name}) is computed from the data, not from lengths")
    lengths = together(rewrite, rewrite.lengths(data), list(entries))
    result = leading_axes(rewrite, data, len(lengths))
    own = rewrite.lengths(result)
    repeats = [
        length if isinstance(length, int) and mine == 1 else 1
        for mine, length in zip(own, lengths, strict=True)
    ]
    if any(count != 1 for count in repeats):
        result = rewrite.add(
            "Tile", [result, rewrite.initializer(np.array(repeats, dtype=np.int64), "repeats")]
        )
    result = along_open_axes(rewrite, result, lengths)
    if result is data:
        rewrite.forward(data)
    else:
        rewrite.replace(result)
