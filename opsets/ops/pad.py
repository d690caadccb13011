"""Pad: an ``axes`` input since 18; 13 changed only the accepted types."""

from __future__ import annotations

import numpy as np

from opsets.graph import Rewrite
from opsets.registry import adapts


@adapts("Pad", 18, 17)
def pad_18_to_17(rewrite: Rewrite) -> None:
    """Pads of some axes become pads of all, the others 0."""
    axes = rewrite.constant(3, "axes")
    if axes is not None:
        pads = rewrite.constant(1, "pads")
        assert pads is not None
        rank = rewrite.rank(rewrite.required(0))
        every = np.zeros((2, rank), dtype=np.int64)
        every[:, [int(axis) % rank for axis in axes]] = pads.reshape(2, -1)
        rewrite.set_input(1, rewrite.initializer(every.reshape(-1), "pads"))
    rewrite.keep_inputs(3)
    if len(rewrite.node.inputs) == 3 and rewrite.input(2) is None:
        rewrite.keep_inputs(2)
