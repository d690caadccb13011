"""Swish: new at 24."""

from __future__ import annotations

from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("Swish", 24, 23)
def swish_24_to_23(rewrite: Rewrite) -> None:
    """``x * sigmoid(alpha * x)``, which is the operator's definition."""
    data, alpha = rewrite.required(0), rewrite.real("alpha", 1.0)
    scaled = data if alpha == 1 else rewrite.add("Mul", [data, rewrite.number(alpha, data, "alpha")])
    rewrite.replace(rewrite.add("Mul", [data, rewrite.add("Sigmoid", [scaled])]))
