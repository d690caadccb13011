"""Operators that took nothing but images, N × C × H × W, in their oldest forms."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from opsets.families.shapes import reshape
from opsets.rewrite import Rewrite


def as_image(rewrite: Rewrite, attributes: Mapping[str, Any]) -> None:
    """Do the same with all axes after the second laid in one, H being 1, and shape the result as the data.

    Exact, for operators that do to each channel what does not depend on places.
    """
    data = rewrite.required(0)
    lengths = rewrite.lengths(data)
    flat = reshape(rewrite, data, [*lengths[:2], 1, prod(lengths[2:])])
    inputs = [flat, *rewrite.node.inputs[1:]]
    result = rewrite.add(rewrite.node.op_type, inputs, attributes, shape=flat.shape)
    rewrite.replace(reshape(rewrite, result, lengths))
