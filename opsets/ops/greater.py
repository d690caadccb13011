"""Greater and Less: integers since 9; with "or equal" since 12."""

from __future__ import annotations

from opsets.families.arithmetic import bound_of_double
from opsets.families.integers import as_double, is_integer
from opsets.registry import adapts
from opsets.rewrite import Rewrite


def or_equal(rewrite: Rewrite) -> None:
    """Exact: integers that are not the opposite; floats that are one or the other, which a NaN never is."""
    operands = [rewrite.required(0), rewrite.required(1)]
    strict = rewrite.node.op_type.removesuffix("OrEqual")
    if is_integer(operands[0]):
        opposite = rewrite.add("Less" if strict == "Greater" else "Greater", operands)
        rewrite.replace(rewrite.add("Not", [opposite]))
        return
    rewrite.replace(rewrite.add("Or", [rewrite.add(strict, operands), rewrite.add("Equal", operands)]))


def of_integers(rewrite: Rewrite) -> None:
    """Integers in double: exact for 32 bits and fewer, and up to 2**53."""
    operands = [rewrite.required(0), rewrite.required(1)]
    if is_integer(operands[0]):
        bound_of_double(rewrite)
        rewrite.replace(rewrite.add(rewrite.node.op_type, [as_double(rewrite, value) for value in operands]))


for operator in ("Greater", "Less"):
    adapts(f"{operator}OrEqual", 12, 11)(or_equal)
    adapts(operator, 9, 8)(of_integers)
