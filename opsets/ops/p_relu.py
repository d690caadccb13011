"""PRelu: one slope per channel or one for all below 7, ``consumed_inputs`` below 6."""

from __future__ import annotations

import onnx_ir as ir

from opsets.families.broadcasting import binary, with_axes_behind
from opsets.families.copies import reshaped
from opsets.registry import adapts, alike
from opsets.rewrite import Rewrite

alike("PRelu", 9, 8, "only the accepted types changed")


@adapts("PRelu", 7, 6)
def p_relu_7_to_6(rewrite: Rewrite) -> None:
    """A slope per channel loses its other axes; any other is multiplied with what is negative. Exact."""
    data, slope = rewrite.required(0), rewrite.required(1)
    lengths, own = rewrite.lengths(data), rewrite.lengths(slope)
    aligned = [1] * (len(lengths) - len(own)) + own
    others = [length for axis, length in enumerate(aligned) if axis != 1]
    if all(length == 1 for length in own) or (len(lengths) > 1 and all(length == 1 for length in others)):
        if len(own) != 1:
            rewrite.set_input(1, _flat(rewrite, slope))
        return
    negative = rewrite.add("Relu", [rewrite.add("Neg", [data])])
    scaled = binary(rewrite, "Mul", negative, slope)
    rewrite.replace(binary(rewrite, "Sub", rewrite.add("Relu", [data]), scaled))


def _flat(rewrite: Rewrite, slope: ir.Value) -> ir.Value:
    array = rewrite.constant_or_none(slope)
    if array is not None:
        return rewrite.initializer(array.reshape(-1), "slope")
    return reshaped(rewrite, slope, [-1])


@adapts("PRelu", 6, 7)
def p_relu_6_to_7(rewrite: Rewrite) -> None:
    """A slope per channel gets the axes that stand behind the channels."""
    slope = rewrite.required(1)
    own = rewrite.lengths(slope)
    if all(length == 1 for length in own):
        if len(own) > 1:
            rewrite.set_input(1, _flat(rewrite, slope))
        return
    behind = rewrite.rank(rewrite.required(0)) - 1 - len(own)
    if behind > 0:
        rewrite.set_input(1, with_axes_behind(rewrite, slope, behind))
