"""HardSwish: new at 14."""

from __future__ import annotations

from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("HardSwish", 14, 13)
def hard_swish_14_to_13(rewrite: Rewrite) -> None:
    """``x * HardSigmoid(x)`` with slope 1/6 and offset 1/2, which is the operator's definition."""
    data = rewrite.required(0)
    gate = rewrite.add("HardSigmoid", [data], {"alpha": 1.0 / 6.0, "beta": 0.5}, shape=data.shape)
    rewrite.replace(rewrite.add("Mul", [data, gate], shape=data.shape))
