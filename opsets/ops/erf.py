"""Erf: new at 9; 13 changed only the accepted types."""

from __future__ import annotations

from opsets.families.arithmetic import clip, polynomial
from opsets.registry import adapts
from opsets.rewrite import Rewrite

# The rational approximation that Eigen and XLA use for float32, in x squared, the highest power first.
NUMERATOR = (
    -2.72614225801306e-10,
    2.77068142495902e-08,
    -2.10102402082508e-06,
    -5.69250639462346e-05,
    -7.34990630326855e-04,
    -2.95459980854025e-03,
    -1.60960333262415e-02,
)
DENOMINATOR = (
    -1.45660718464996e-05,
    -2.13374055278905e-04,
    -1.68282697438203e-03,
    -7.37332916720468e-03,
    -1.42647390514189e-02,
)


@adapts("Erf", 9, 8)
def erf_9_to_8(rewrite: Rewrite) -> None:
    """``c * P(c * c) / Q(c * c)`` with x clipped to -4 .. 4, where erf is 1 in float32.

    Absolute error at most 5e-7 in float32, relative error as well (for numbers that are not denormal).
    """
    clipped = clip(rewrite, rewrite.required(0), -4.0, 4.0)
    square = rewrite.add("Mul", [clipped, clipped])
    numerator = rewrite.add("Mul", [clipped, polynomial(rewrite, square, NUMERATOR)])
    quotient = rewrite.add("Div", [numerator, polynomial(rewrite, square, DENOMINATOR)])
    rewrite.bound("Erf below 9: absolute error at most 1e-6")
    rewrite.replace(clip(rewrite, quotient, -1.0, 1.0))
