"""Max and Min: integers since 12, numpy's broadcasting since 8, ``consumed_inputs`` below 6."""

from __future__ import annotations

import math
from functools import reduce

import onnx_ir as ir

from opsets.families.arithmetic import through_double
from opsets.families.broadcasting import together, zeros_like
from opsets.families.integers import is_integer
from opsets.registry import adapts
from opsets.rewrite import Rewrite


def max_12_to_11(rewrite: Rewrite) -> None:
    """Integers in double: exact for 32 bits and fewer, and up to 2**53."""
    if is_integer(rewrite.required(0)):
        through_double(rewrite)


def max_8_to_7(rewrite: Rewrite) -> None:
    """Operands of several shapes are brought to one, two at a time; a constant number is a bound of Clip.

    Exact, signs of zero aside.
    """
    inputs = [value for value in rewrite.node.inputs if value is not None]
    first = rewrite.lengths(inputs[0])
    if all(rewrite.lengths(value) == first for value in inputs[1:]):
        return
    operator = rewrite.node.op_type
    rewrite.replace(reduce(lambda a, b: _of_two(rewrite, operator, a, b), inputs))


def _of_two(rewrite: Rewrite, operator: str, a: ir.Value, b: ir.Value) -> ir.Value:
    whole = together(rewrite, rewrite.lengths(a), rewrite.lengths(b))
    for value, other in ((a, b), (b, a)):
        array = rewrite.constant_or_none(other)
        if array is not None and array.size == 1 and rewrite.lengths(value) == whole and _is_float(value):
            number = float(array.reshape(-1)[0])
            bounds = (number, math.inf) if operator == "Max" else (-math.inf, number)
            return rewrite.add("Clip", [value], dict(zip(("min", "max"), bounds, strict=True)))
    return rewrite.add(operator, [_to(rewrite, a, b, whole), _to(rewrite, b, a, whole)])


def _to(rewrite: Rewrite, value: ir.Value, other: ir.Value, whole: list[object]) -> ir.Value:
    """``value`` of lengths ``whole``, which it has together with ``other``."""
    if rewrite.lengths(value) == whole:
        return value
    return rewrite.add("Add", [value, zeros_like(rewrite, other)])


def _is_float(value: ir.Value) -> bool:
    return value.dtype == ir.DataType.FLOAT  # the type of Clip's bounds


for operator in ("Max", "Min"):
    adapts(operator, 12, 11)(max_12_to_11)
    adapts(operator, 8, 7)(max_8_to_7)
