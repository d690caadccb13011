"""Celu: new at 12."""

from __future__ import annotations

from opsets.errors import CannotAdapt
from opsets.families.arithmetic import with_number
from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("Celu", 12, 11)
def celu_12_to_11(rewrite: Rewrite) -> None:
    """``alpha * Elu(x / alpha)``: exact for alpha 1, else to rounding; infinite where ``x / alpha`` is."""
    data, alpha = rewrite.required(0), rewrite.real("alpha", 1.0)
    if alpha <= 0:
        raise CannotAdapt(f"its alpha is {alpha}, not above 0")
    if alpha == 1:
        rewrite.replace(rewrite.add("Elu", [data], {"alpha": 1.0}))
        return
    rewrite.bound("Celu below 12: relative error at most 1e-6, infinite beyond 3.4e38 times alpha")
    exponential = rewrite.add("Elu", [with_number(rewrite, "Div", data, alpha, "alpha")], {"alpha": 1.0})
    rewrite.replace(with_number(rewrite, "Mul", exponential, alpha, "alpha"))
