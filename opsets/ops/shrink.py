"""Shrink: new at 9. ThresholdedRelu: new at 10."""

from __future__ import annotations

import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.families.arithmetic import with_number
from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("ThresholdedRelu", 10, 9)
def thresholded_relu_10_to_9(rewrite: Rewrite) -> None:
    """The number where it is above ``alpha``, 0 elsewhere. Exact."""
    data = rewrite.required(0)
    above = with_number(rewrite, "Greater", data, rewrite.real("alpha", 1.0), "alpha")
    rewrite.replace(rewrite.add("Where", [above, data, rewrite.number(0, data, "zero")]))


@adapts("Shrink", 9, 8)
def shrink_9_to_8(rewrite: Rewrite) -> None:
    """The number, ``bias`` nearer to 0, where it is beyond ``lambd``. Exact for finite numbers.

    With equal ``lambd`` and ``bias`` it is the difference of two Relus; otherwise what is not beyond is
    multiplied by 0.
    """
    data = rewrite.required(0)
    if data.dtype is None or not data.dtype.is_floating_point():
        raise CannotAdapt(f"its input is {data.dtype}, and only floats are known below 9")
    edge, bias = rewrite.real("lambd", 0.5), rewrite.real("bias", 0.0)
    if edge == bias:
        above = rewrite.add("Relu", [with_number(rewrite, "Sub", data, edge, "lambd")])
        negative = rewrite.add("Neg", [data])
        below = rewrite.add("Relu", [with_number(rewrite, "Sub", negative, edge, "lambd")])
        rewrite.replace(rewrite.add("Sub", [above, below]))
        return
    rewrite.bound("Shrink below 9: NaN for infinities")
    sides = [_beyond(rewrite, data, "Less", -edge, bias), _beyond(rewrite, data, "Greater", edge, -bias)]
    rewrite.replace(rewrite.add("Add", sides))


def _beyond(rewrite: Rewrite, data: ir.Value, operator: str, edge: float, bias: float) -> ir.Value:
    """``data + bias`` where it is beyond ``edge``, 0 elsewhere."""
    assert data.dtype is not None
    beyond = with_number(rewrite, operator, data, edge, "lambd")
    mask = rewrite.add("Cast", [beyond], {"to": int(data.dtype)})
    return rewrite.add("Mul", [with_number(rewrite, "Add", data, bias, "bias"), mask])
