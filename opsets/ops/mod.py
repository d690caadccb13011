"""Mod: new at 10, floats without ``fmod`` since 28."""

from __future__ import annotations

import onnx_ir as ir

from opsets.families.arithmetic import NARROW, sign
from opsets.families.integers import as_type_of
from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("Mod", 28, 27)
def mod_28_to_27(rewrite: Rewrite) -> None:
    """Floats by ``fmod``, one divisor more where the rest has the other sign; exact, signs of zero aside."""
    data, divisor = rewrite.required(0), rewrite.required(1)
    if rewrite.kind(data).kind != "f" or rewrite.integer("fmod", 0):
        return
    rest = rewrite.add("Mod", [data, divisor], {"fmod": 1})
    zero = rewrite.number(0, data, "zero")
    below = [rewrite.add("Less", [value, zero]) for value in (rest, divisor)]
    left = rewrite.add("Not", [rewrite.add("Equal", [rest, zero])])
    other_sign = rewrite.add("And", [left, rewrite.add("Xor", below)])
    rewrite.replace(rewrite.add("Where", [other_sign, rewrite.add("Add", [rest, divisor]), rest]))


@adapts("Mod", 10, 9)
def mod_10_to_9(rewrite: Rewrite) -> None:
    """What the whole quotients leave over.

    Integers: exact where twice the divisor fits into the type; those of 8 and 16 bits in 32. Floats
    (``fmod``): the rest has the sign of the dividend; as exact as the quotient.
    """
    data, divisor = rewrite.required(0), rewrite.required(1)
    if rewrite.kind(data).kind == "f":
        rewrite.bound("Mod of floats below 10: as exact as the quotient, and NaN for an infinite divisor")
        quotient = rewrite.add("Div", [data, divisor])
        whole = rewrite.add("Floor", [rewrite.add("Abs", [quotient])])
        whole = rewrite.add("Mul", [whole, sign(rewrite, quotient)])
        rewrite.replace(rewrite.add("Sub", [data, rewrite.add("Mul", [whole, divisor])]))
        return
    numbers = [data, divisor]
    if data.dtype in NARROW:
        numbers = [rewrite.add("Cast", [value], {"to": int(ir.DataType.INT32)}) for value in numbers]
    rest = _left_over(rewrite, numbers[0], numbers[1])
    if rewrite.kind(data).kind == "i" and not rewrite.integer("fmod", 0):
        # It has the sign of the dividend; one divisor more and another division give it the divisor's.
        rest = _left_over(rewrite, rewrite.add("Add", [rest, numbers[1]]), numbers[1])
    rewrite.replace(rest if data.dtype not in NARROW else as_type_of(rewrite, rest, data))


def _left_over(rewrite: Rewrite, data: ir.Value, divisor: ir.Value) -> ir.Value:
    """``data - data / divisor * divisor`` of integers, whose quotient is cut off towards 0."""
    whole = rewrite.add("Div", [data, divisor])
    return rewrite.add("Sub", [data, rewrite.add("Mul", [whole, divisor])])
