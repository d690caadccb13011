"""CenterCropPad: new at 18."""

from __future__ import annotations

import numpy as np

from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("CenterCropPad", 18, 17)
def center_crop_pad_18_to_17(rewrite: Rewrite) -> None:
    """A constant target and fixed lengths: pads, negative where it crops, the odd element on the right.

    What is cropped loses its odd element on the right too, as the window starts at the rounded-down half.
    """
    data, target = rewrite.required(0), rewrite.constant(1, "target lengths")
    assert target is not None
    rank = rewrite.rank(data)
    axes = rewrite.integers("axes") or list(range(rank))
    pads = np.zeros((2, rank), dtype=np.int64)
    for axis, length in zip(axes, map(int, target), strict=True):
        change = length - rewrite.length(data, axis)
        begin = change // 2 if change > 0 else -(-change // 2)
        pads[:, axis] = begin, change - begin
    rewrite.replace(rewrite.add("Pad", [data, rewrite.initializer(pads.reshape(-1), "pads")]))
