"""Polynomials, signs and integers in floating point, in operators of any opset."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir as ir

from opsets.families.broadcasting import binary
from opsets.families.integers import replace_in_double
from opsets.rewrite import Rewrite

NARROW = frozenset({ir.DataType.INT8, ir.DataType.UINT8, ir.DataType.INT16, ir.DataType.UINT16})
"""Integers that old arithmetic does not take."""


def with_number(rewrite: Rewrite, operator: str, value: ir.Value, number: float, purpose: str) -> ir.Value:
    """``operator`` of ``value`` and a constant of its type."""
    return binary(rewrite, operator, value, rewrite.number(number, value, purpose))


def polynomial(rewrite: Rewrite, value: ir.Value, coefficients: Sequence[float]) -> ir.Value:
    """The polynomial with ``coefficients``, the highest first, by Horner's rule: two nodes for each."""
    result = with_number(rewrite, "Mul", value, coefficients[0], "coefficient")
    for coefficient in coefficients[1:-1]:
        result = with_number(rewrite, "Add", result, coefficient, "coefficient")
        result = binary(rewrite, "Mul", result, value)
    return with_number(rewrite, "Add", result, coefficients[-1], "coefficient")


def clip(rewrite: Rewrite, value: ir.Value, low: float, high: float) -> ir.Value:
    """``value`` between two numbers, below opset 11."""
    return rewrite.add("Clip", [value], {"min": low, "max": high}, shape=value.shape)


def sign(rewrite: Rewrite, value: ir.Value) -> ir.Value:
    """-1, 0 or 1 for a float32 ``value`` below opset 11; exact, the smallest numbers included.

    It is blown up and clipped twice, as one factor is not enough for numbers below 1e-38. No Cast,
    which no runtime computes below opset 6.
    """
    for _ in range(2):
        value = clip(rewrite, with_number(rewrite, "Mul", value, 1e30, "factor"), -1.0, 1.0)
    return value


def is_number(rewrite: Rewrite, value: ir.Value) -> ir.Value:
    """Whether a float is no NaN: of every number, it is below 1 or its negative below 0. At opset 7 or above.

    OpenVINO finds a NaN greater than any number, so Greater is not asked.
    """
    below = with_number(rewrite, "Less", value, 1, "one")
    above = with_number(rewrite, "Less", rewrite.add("Neg", [value]), 0, "zero")
    return rewrite.add("Or", [below, above])


def through_double(rewrite: Rewrite) -> None:
    """Compute the node's operator, which only picks of its inputs, in double, and cast back."""
    bound_of_double(rewrite)
    replace_in_double(rewrite)


def bound_of_double(rewrite: Rewrite) -> None:
    """Say that the node's integers are exact in double up to 2**53, where they may be larger."""
    if rewrite.kind(rewrite.required(0)).itemsize == 8:
        rewrite.bound(f"{rewrite.node.op_type} of integers below {rewrite.opset + 1}: exact up to 2**53")
