"""Reshape: ``allowzero`` since 14; 13 changed only the accepted types; the shape is an input since 5."""

from __future__ import annotations

import numpy as np

from opsets.errors import CannotAdapt
from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("Reshape", 14, 13)
def reshape_14_to_13(rewrite: Rewrite) -> None:
    """A 0 copies a length below 14; where ``allowzero`` means it, there is no element to reshape."""
    if rewrite.integer("allowzero", 0):
        shape = rewrite.constant(1, "shape")
        assert shape is not None
        if (shape == 0).any():
            if (shape < 0).any():
                raise CannotAdapt("it asks for an axis of length 0 and one of what is left (allowzero)")
            empty = np.zeros(shape, dtype=rewrite.kind(rewrite.required(0)))
            rewrite.forward(rewrite.initializer(empty, "empty"))
            return
    rewrite.drop_attribute("allowzero")


@adapts("Reshape", 5, 4)
def reshape_5_to_4(rewrite: Rewrite) -> None:
    """A constant shape becomes the ``shape`` attribute, where 0 and -1 mean the same."""
    shape = rewrite.constant(1, "shape")
    assert shape is not None
    rewrite.set_attribute("shape", [int(entry) for entry in shape.reshape(-1)])
    rewrite.keep_inputs(1)
