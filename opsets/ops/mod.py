"""Mod: floats without ``fmod`` since 28."""

from __future__ import annotations

from opsets.graph import Rewrite
from opsets.registry import adapts


@adapts("Mod", 28, 27)
def mod_28_to_27(rewrite: Rewrite) -> None:
    """Floats by the operator's own formula, ``a - floor(a / b) * b``; exact as far as a / b is."""
    data, divisor = rewrite.required(0), rewrite.required(1)
    if rewrite.kind(data).kind != "f" or rewrite.integer("fmod", 0):
        return
    rewrite.bound("Mod of floats below 28: as exact as the quotient, and NaN for an infinite divisor")
    whole = rewrite.add("Floor", [rewrite.add("Div", [data, divisor])])
    rewrite.replace(rewrite.add("Sub", [data, rewrite.add("Mul", [whole, divisor])]))
