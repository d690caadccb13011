"""Gelu: new at 20."""

from __future__ import annotations

import math

from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("Gelu", 20, 19)
def gelu_20_to_19(rewrite: Rewrite) -> None:
    """``x/2 * (1 + erf(x / sqrt(2)))``, or its approximation by tanh: the operator's two definitions."""
    data = rewrite.required(0)
    if rewrite.text("approximate", "none") == "tanh":
        square = rewrite.add("Mul", [data, data])
        cube = rewrite.add("Mul", [square, data])
        bent = rewrite.add("Mul", [cube, rewrite.number(0.044715, data, "cubic")])
        scale = rewrite.number(math.sqrt(2 / math.pi), data, "scale")
        gate = rewrite.add("Tanh", [rewrite.add("Mul", [rewrite.add("Add", [data, bent]), scale])])
    else:
        root = rewrite.number(math.sqrt(2), data, "root")
        gate = rewrite.add("Erf", [rewrite.add("Div", [data, root])])
    raised = rewrite.add("Add", [gate, rewrite.number(1, data, "one")])
    half = rewrite.add("Mul", [data, rewrite.number(0.5, data, "half")])
    rewrite.replace(rewrite.add("Mul", [half, raised]))
