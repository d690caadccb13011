"""Split: ``num_outputs`` since 18; the lengths are an input since 13; ``axis`` from the back since 11."""

from __future__ import annotations

import numpy as np

from opsets.errors import CannotAdapt
from opsets.families.axes import axis_from_back
from opsets.families.parameters import to_input
from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("Split", 18, 17)
def split_18_to_17(rewrite: Rewrite) -> None:
    """Equal parts need no word; where the last is smaller, the lengths are written out."""
    count = rewrite.integer("num_outputs", 0)
    if count:
        data, axis = rewrite.required(0), rewrite.integer("axis", 0)
        rewrite.rank(data)
        length = data.shape[axis] if data.shape is not None else None
        if not isinstance(length, int):
            raise CannotAdapt(f"the length of axis {axis} is not known, so neither are the parts'")
        part = -(-length // count)
        if part * (count - 1) >= length:
            raise CannotAdapt(
                f"{count} parts of {part} leave none for the last on an axis of length {length}"
            )
        if part * count != length:
            lengths = np.array([*[part] * (count - 1), length - part * (count - 1)], dtype=np.int64)
            rewrite.set_input(1, rewrite.initializer(lengths, "split"))
    rewrite.drop_attribute("num_outputs")


@adapts("Split", 13, 12)
def split_13_to_12(rewrite: Rewrite) -> None:
    """Constant lengths become the ``split`` attribute."""
    lengths = rewrite.constant(1, "lengths")
    if lengths is not None:
        rewrite.set_attribute("split", [int(length) for length in lengths])
    rewrite.keep_inputs(1)


adapts("Split", 11, 10)(axis_from_back(0))
adapts("Split", 12, 13)(to_input("split"))


@adapts("Split", 17, 18)
def split_17_to_18(rewrite: Rewrite) -> None:
    """Without lengths the number of equal parts has to be given."""
    if rewrite.input(1) is None:
        rewrite.set_attribute("num_outputs", len(rewrite.node.outputs))
