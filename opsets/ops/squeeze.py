"""Squeeze and Unsqueeze: axes are an input since 13, and may count from the back since 11."""

from __future__ import annotations

from opsets.families.axes import axes_input_to_attribute, axes_to_input, normalise_axes
from opsets.registry import adapts
from opsets.rewrite import Rewrite

adapts("Squeeze", 13, 12)(axes_input_to_attribute)
adapts("Unsqueeze", 13, 12)(axes_input_to_attribute)


@adapts("Squeeze", 11, 10)
def squeeze_11_to_10(rewrite: Rewrite) -> None:
    """Axes count from the front of the input, and stand in order."""
    _in_order(rewrite, 0)


@adapts("Unsqueeze", 11, 10)
def unsqueeze_11_to_10(rewrite: Rewrite) -> None:
    """Axes count from the front of the output, and stand in order."""
    _in_order(rewrite, len(rewrite.integers("axes") or ()))


def _in_order(rewrite: Rewrite, more: int) -> None:
    """The axes of a tensor that has ``more`` axes than the input."""
    axes = rewrite.integers("axes") or []
    if axes != sorted(axes) or any(axis < 0 for axis in axes):
        rank = rewrite.rank(rewrite.required(0)) + more
        rewrite.set_attribute("axes", sorted(normalise_axes(rewrite, "axes", rank) or []))


adapts("Squeeze", 12, 13)(axes_to_input)
adapts("Unsqueeze", 12, 13)(axes_to_input)
