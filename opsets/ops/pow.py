"""Pow: integers and an exponent of another type since 12; 7 to 6 stands with the other broadcasting."""

from __future__ import annotations

from opsets.families.integers import as_double, as_type_of, is_integer
from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("Pow", 12, 11)
def pow_12_to_11(rewrite: Rewrite) -> None:
    """The exponent in the type of the base; an integer base in double and back."""
    base, exponent = rewrite.required(0), rewrite.required(1)
    if is_integer(base):
        power = rewrite.add("Pow", [as_double(rewrite, base), as_double(rewrite, exponent)])
        rewrite.bound("Pow of integers below 12: exact while its result stays below 2**53")
        rewrite.replace(as_type_of(rewrite, power, base))
    elif exponent.dtype != base.dtype:
        array = rewrite.constant_or_none(exponent)
        if array is None:
            rewrite.set_input(1, as_type_of(rewrite, exponent, base))
        else:
            rewrite.set_input(1, rewrite.initializer(array.astype(rewrite.kind(base)), "exponent"))
