"""Squeeze and Unsqueeze: axes are an input since 13."""

from __future__ import annotations

from opsets.families.axes import axes_input_to_attribute
from opsets.registry import adapts

adapts("Squeeze", 13, 12)(axes_input_to_attribute)
adapts("Unsqueeze", 13, 12)(axes_input_to_attribute)
