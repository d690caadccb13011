"""Operators whose forms below 6 may say which inputs' memory they reuse, in ``consumed_inputs``.

Some of them take floats only there.
"""

from __future__ import annotations

import onnx_ir as ir

from opsets.families.copies import cast
from opsets.registry import adapts, unchanged
from opsets.rewrite import Rewrite

OPERATORS = [
    "Ceil",
    "Elu",
    "Exp",
    "Floor",
    "HardSigmoid",
    "LeakyRelu",
    "Log",
    "Max",
    "Mean",
    "Min",
    "PRelu",
    "Reciprocal",
    "Relu",
    "Sigmoid",
    "Sqrt",
    "Sum",
    "Tanh",
]

for operator in OPERATORS:
    unchanged(operator, 6, 5, "consumed_inputs may be left out, and nothing else changed")


def integers_in_double(rewrite: Rewrite) -> None:
    """Integers in double and back: exact while inputs and result stay below 2**53.

    A quotient is cut off towards 0, as that of integers is.
    """
    first, *_ = values = [value for value in rewrite.node.inputs if value is not None]
    if first.dtype is None or not first.dtype.is_integer():
        return
    operator, shape = rewrite.node.op_type, rewrite.node.outputs[0].shape
    numbers = [cast(rewrite, value, ir.DataType.DOUBLE) for value in values]
    result = rewrite.add(operator, numbers, rewrite.node.attributes, shape=shape)
    rewrite.bound(f"{operator} of integers below 6: exact up to 2**53")
    rewrite.replace(cast(rewrite, result, first.dtype))


for operator in ("Abs", "Add", "Div", "Mul", "Neg", "Sub"):
    adapts(operator, 6, 5)(integers_in_double)


@adapts("Selu", 6, 5)
def selu_6_to_5(rewrite: Rewrite) -> None:
    """The defaults got more digits at 6, so those of 6 are written out."""
    for name, default in (("alpha", 1.6732631921768188), ("gamma", 1.0507010221481323)):
        rewrite.set_attribute(name, rewrite.real(name, default))


def forget_consumed_inputs(rewrite: Rewrite) -> None:
    """Which memory may be written over is not said from 6 on."""
    rewrite.drop_attribute("consumed_inputs")


for operator in (
    *OPERATORS,
    *("Abs", "Add", "BatchNormalization", "Clip", "Div", "Dropout", "InstanceNormalization", "Mul", "Neg"),
    "Sub",
):
    adapts(operator, 5, 6)(forget_consumed_inputs)


@adapts("Selu", 5, 6)
def selu_5_to_6(rewrite: Rewrite) -> None:
    """The defaults had fewer digits below 6, so those are written out."""
    forget_consumed_inputs(rewrite)
    for name, default in (("alpha", 1.6732), ("gamma", 1.0507)):
        rewrite.set_attribute(name, rewrite.real(name, default))
