"""Mish: new at 18."""

from __future__ import annotations

from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("Mish", 18, 17)
def mish_18_to_17(rewrite: Rewrite) -> None:
    """``x * tanh(softplus(x))``, which is the operator's definition."""
    data = rewrite.required(0)
    gate = rewrite.add("Tanh", [rewrite.add("Softplus", [data])])
    rewrite.replace(rewrite.add("Mul", [data, gate], shape=data.shape))
