"""Operators that took nothing but images, N × C × H × W, in their oldest forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opsets.families.copies import reshaped
from opsets.rewrite import Rewrite


def as_image(rewrite: Rewrite, attributes: Mapping[str, Any]) -> None:
    """Do the same with all axes after the second laid in one, H being 1, and shape the result as the data.

    Exact, for operators that do to each channel what does not depend on places.
    """
    data = rewrite.required(0)
    lengths = [rewrite.length(data, axis) for axis in range(2, rewrite.rank(data))]
    flat = reshaped(rewrite, data, [0, 0, 1, -1])
    inputs = [flat, *rewrite.node.inputs[1:]]
    result = rewrite.add(rewrite.node.op_type, inputs, attributes, shape=flat.shape)
    rewrite.replace(reshaped(rewrite, result, [0, 0, *lengths]))
