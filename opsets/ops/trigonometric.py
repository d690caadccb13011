"""Sin, Cos, Tan, Asin, Acos and Atan: new at 7."""

from __future__ import annotations

import math

import onnx_ir as ir

from opsets.families.arithmetic import clip, polynomial, with_number
from opsets.registry import adapts
from opsets.rewrite import Rewrite

# sin(r) / r for |r| up to pi / 2 and atan(r) / r for |r| up to tan(pi / 8), in r squared, the highest
# power first: interpolated at Chebyshev's points, absolute error below 1e-10 and 1e-9.
SINE = (
    -2.388910309875e-08,
    2.752526342289e-06,
    -1.984086105604e-04,
    8.333330973249e-03,
    -1.666666661679e-01,
    9.999999999829e-01,
)
ARCTANGENT = (
    -0.060260709469,
    0.105697380074,
    -0.142395204926,
    0.19998182384,
    -0.333333068809,
    0.999999999371,
)

PI_IN_PARTS = (3.140625, 9.67502593994140625e-4, 1.509957990978376432e-7)
"""Their sum is pi; the products of the first two with whole numbers up to 4096 are exact in float32."""

WAVES = "absolute error at most 1e-6 for |x| below 1e4"


def _odd(rewrite: Rewrite, value: ir.Value, coefficients: tuple[float, ...]) -> ir.Value:
    square = rewrite.add("Mul", [value, value])
    return rewrite.add("Mul", [value, polynomial(rewrite, square, coefficients)])


def _wave(rewrite: Rewrite, data: ir.Value, *, cosine: bool) -> ir.Value:
    """The sine or cosine: that of the distance to the nearest zero, with the sign of the half-wave."""
    turns = with_number(rewrite, "Mul", data, 1 / math.pi, "turns")
    whole = rewrite.add("Floor", [turns if cosine else with_number(rewrite, "Add", turns, 0.5, "half")])
    zero = with_number(rewrite, "Add", whole, 0.5, "half") if cosine else whole
    for part in PI_IN_PARTS:
        data = rewrite.add("Sub", [data, with_number(rewrite, "Mul", zero, part, "part_of_pi")])
    halves = rewrite.add("Floor", [with_number(rewrite, "Mul", whole, 0.5, "half")])
    odd = rewrite.add("Sub", [whole, rewrite.add("Add", [halves, halves])])
    factor = 2.0 if cosine else -2.0
    signs = with_number(rewrite, "Mul", odd, factor, "factor")
    signs = with_number(rewrite, "Add", signs, -factor / 2, "offset")
    return rewrite.add("Mul", [_odd(rewrite, data, SINE), signs])


def _half_angle(rewrite: Rewrite, data: ir.Value) -> ir.Value:
    """The tangent of half the angle whose tangent is ``data``."""
    root = with_number(rewrite, "Add", rewrite.add("Mul", [data, data]), 1, "one")
    root = with_number(rewrite, "Add", rewrite.add("Sqrt", [root]), 1, "one")
    return rewrite.add("Div", [data, root])


def _arcsine(rewrite: Rewrite, data: ir.Value) -> ir.Value:
    """Twice the angle with tangent ``x / (1 + sqrt((1 - x) * (1 + x)))``, which is 1 at most."""
    above = with_number(rewrite, "Add", data, 1, "one")
    below = with_number(rewrite, "Add", rewrite.add("Neg", [data]), 1, "one")
    root = rewrite.add("Sqrt", [rewrite.add("Mul", [above, below])])
    half = rewrite.add("Div", [data, with_number(rewrite, "Add", root, 1, "one")])
    quarter = _half_angle(rewrite, half)
    return with_number(rewrite, "Mul", _odd(rewrite, quarter, ARCTANGENT), 4, "four")


@adapts("Sin", 7, 6)
def sin_7_to_6(rewrite: Rewrite) -> None:
    """A polynomial of the distance to the nearest zero: absolute error at most 1e-6 for |x| below 1e4."""
    rewrite.bound(f"Sin below 7: {WAVES}")
    rewrite.replace(_wave(rewrite, rewrite.required(0), cosine=False))


@adapts("Cos", 7, 6)
def cos_7_to_6(rewrite: Rewrite) -> None:
    """A polynomial of the distance to the nearest zero: absolute error at most 1e-6 for |x| below 1e4."""
    rewrite.bound(f"Cos below 7: {WAVES}")
    rewrite.replace(_wave(rewrite, rewrite.required(0), cosine=True))


@adapts("Tan", 7, 6)
def tan_7_to_6(rewrite: Rewrite) -> None:
    """The sine divided by the cosine, each with an absolute error of at most 1e-6 for |x| below 1e4."""
    data = rewrite.required(0)
    rewrite.bound(f"Tan below 7: sine by cosine, each with {WAVES}")
    waves = [_wave(rewrite, data, cosine=False), _wave(rewrite, data, cosine=True)]
    rewrite.replace(rewrite.add("Div", waves))


@adapts("Asin", 7, 6)
def asin_7_to_6(rewrite: Rewrite) -> None:
    """Four times the arcus tangent of a quarter of the angle: absolute error at most 1e-6."""
    rewrite.bound("Asin below 7: absolute error at most 1e-6")
    rewrite.replace(_arcsine(rewrite, rewrite.required(0)))


@adapts("Acos", 7, 6)
def acos_7_to_6(rewrite: Rewrite) -> None:
    """``pi / 2 - asin(x)``: absolute error at most 1e-6."""
    rewrite.bound("Acos below 7: absolute error at most 1e-6")
    negative = rewrite.add("Neg", [_arcsine(rewrite, rewrite.required(0))])
    rewrite.replace(with_number(rewrite, "Add", negative, math.pi / 2, "half_pi"))


@adapts("Atan", 7, 6)
def atan_7_to_6(rewrite: Rewrite) -> None:
    """Four times the arcus tangent of a quarter of the angle: absolute error at most 1e-6.

    Beyond 1e9 it is half of pi in float32, and is computed as at 1e9, whose square is finite.
    """
    quarter = _half_angle(rewrite, _half_angle(rewrite, clip(rewrite, rewrite.required(0), -1e9, 1e9)))
    rewrite.bound("Atan below 7: absolute error at most 1e-6")
    rewrite.replace(with_number(rewrite, "Mul", _odd(rewrite, quarter, ARCTANGENT), 4, "four"))
