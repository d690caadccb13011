"""Reshapes to lengths of which some are not known."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.facts.lengths import Length
from opsets.families.copies import reshaped
from opsets.rewrite import Rewrite


def reshape(rewrite: Rewrite, data: ir.Value, lengths: Sequence[Length]) -> ir.Value:
    """``data`` in the shape ``lengths``.

    A length that is not known is copied from the axis at its place or is what is left, of which there
    can be one; raises :class:`CannotAdapt` where there are more.
    """
    own = rewrite.lengths(data)
    target: list[int] = []
    for place, length in enumerate(lengths):
        if isinstance(length, int):
            target.append(length)
        else:
            target.append(0 if place < len(own) and own[place] == length else -1)
    if target.count(-1) > 1:
        raise CannotAdapt(
            f"it needs a Reshape to {list(lengths)}, of which more than one length is not fixed"
        )
    return reshaped(rewrite, data, target)
