"""Operators whose forms below 6 may say which inputs' memory they reuse, in ``consumed_inputs``."""

from __future__ import annotations

from opsets.graph import Rewrite
from opsets.registry import adapts, unchanged

OPERATORS = [
    "Abs",
    "Add",
    "Ceil",
    "Div",
    "Elu",
    "Exp",
    "Floor",
    "HardSigmoid",
    "LeakyRelu",
    "Log",
    "Max",
    "Mean",
    "Min",
    "Mul",
    "Neg",
    "PRelu",
    "Reciprocal",
    "Relu",
    "Sigmoid",
    "Sqrt",
    "Sub",
    "Sum",
    "Tanh",
]

for operator in OPERATORS:
    unchanged(operator, 6, 5, "consumed_inputs may be left out, and else only the accepted types changed")


@adapts("Selu", 6, 5)
def selu_6_to_5(rewrite: Rewrite) -> None:
    """The defaults got more digits at 6, so those of 6 are written out."""
    for name, default in (("alpha", 1.6732631921768188), ("gamma", 1.0507010221481323)):
        rewrite.set_attribute(name, rewrite.real(name, default))
