"""Squeeze and Unsqueeze: axes are an input since 13, and may count from the back since 11."""

from __future__ import annotations

from opsets.families.axes import axes_from_back, axes_input_to_attribute, normalise_axes
from opsets.graph import Rewrite
from opsets.registry import adapts

adapts("Squeeze", 13, 12)(axes_input_to_attribute)
adapts("Unsqueeze", 13, 12)(axes_input_to_attribute)
adapts("Squeeze", 11, 10)(axes_from_back)


@adapts("Unsqueeze", 11, 10)
def unsqueeze_11_to_10(rewrite: Rewrite) -> None:
    """Axes count from the front of the output, and stand in order."""
    axes = rewrite.integers("axes") or []
    if axes != sorted(axes) or any(axis < 0 for axis in axes):
        rank = rewrite.rank(rewrite.required(0)) + len(axes)
        normalised = normalise_axes(rewrite, "axes", rank) or []
        rewrite.set_attribute("axes", sorted(normalised))
