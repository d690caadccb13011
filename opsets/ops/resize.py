"""Resize: ``antialias``, ``axes`` and the aspect ratio since 18; ``roi`` and ``scales`` optional since 13."""

from __future__ import annotations

import numpy as np

from opsets.errors import CannotAdapt
from opsets.graph import Rewrite
from opsets.registry import adapts


@adapts("Resize", 18, 17)
def resize_18_to_17(rewrite: Rewrite) -> None:
    """Scales of some axes become scales of all, the others 1."""
    if rewrite.integer("antialias", 0):
        raise CannotAdapt("it filters while it shrinks (antialias)")
    if rewrite.text("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise CannotAdapt("it keeps the aspect ratio")
    axes = rewrite.node.attributes.get("axes")
    if axes is not None:
        scales = rewrite.constant(2, "scales")
        if scales is None or not scales.size:
            raise CannotAdapt("its sizes are of some axes only")
        if rewrite.input(1) is not None:
            raise CannotAdapt("its region of interest is of some axes only")
        rank = rewrite.rank(rewrite.required(0))
        every = np.ones(rank, dtype=np.float32)
        every[[axis % rank for axis in axes.as_ints()]] = scales
        rewrite.set_input(2, rewrite.initializer(every, "scales"))
    for name in ("antialias", "keep_aspect_ratio_policy", "axes"):
        rewrite.drop_attribute(name)


@adapts("Resize", 13, 12)
def resize_13_to_12(rewrite: Rewrite) -> None:
    """Empty constants stand where the older form wants an input."""
    for index, name in ((1, "roi"), (2, "scales")):
        if rewrite.input(index) is None:
            rewrite.set_input(index, rewrite.initializer(np.zeros(0, dtype=np.float32), name))
