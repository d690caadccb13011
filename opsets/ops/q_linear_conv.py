"""QLinearConv and ConvInteger: new at 10."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir

from opsets.families.quantized import as_float, bounded, centred, saturated, spread
from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("QLinearConv", 10, 9)
def q_linear_conv_10_to_9(rewrite: Rewrite) -> None:
    """A Conv of floats that hold the integers; exact while its sums stay below 2**24."""
    data, weight, bias = rewrite.required(0), rewrite.required(3), rewrite.input(8)
    attributes = _attributes(rewrite)
    zero = spread(rewrite, rewrite.required(2), data, 1, purpose="x_zero_point")
    weight_zero = spread(rewrite, rewrite.required(5), weight, 0, purpose="w_zero_point")
    inputs = [centred(rewrite, data, zero), centred(rewrite, weight, weight_zero)]
    if bias is not None:
        inputs.append(as_float(rewrite, bias))
    sums = rewrite.add("Conv", inputs, attributes)
    result_zero = spread(rewrite, rewrite.required(7), sums, 1, purpose="y_zero_point")
    scaled = rewrite.add("Mul", [sums, _factor(rewrite, sums)])
    kind = rewrite.required(7).dtype
    assert kind is not None
    rewrite.replace(saturated(rewrite, scaled, result_zero, kind))
    bounded(rewrite)


def _factor(rewrite: Rewrite, sums: ir.Value) -> ir.Value:
    """What a sum of products is worth in units of the result, per channel where the weights' scale is."""
    values = [rewrite.required(index) for index in (1, 4, 6)]
    arrays = [rewrite.constant_or_none(value) for value in values]
    if all(array is not None for array in arrays):
        data_scale, weight_scale, result_scale = (np.asarray(array, dtype=np.float32) for array in arrays)
        factor = rewrite.initializer(data_scale * weight_scale / result_scale, "factor")
    else:
        product = rewrite.add("Mul", [values[0], values[1]])
        factor = rewrite.add("Div", [product, values[2]])
    return spread(rewrite, factor, sums, 1, purpose="factor")


@adapts("ConvInteger", 10, 9)
def conv_integer_10_to_9(rewrite: Rewrite) -> None:
    """A Conv of floats that hold the integers; exact while its sums stay below 2**24."""
    inputs = []
    for index, axis in ((0, 1), (1, 0)):
        value, zero = rewrite.required(index), rewrite.input(2 + index)
        if zero is not None:
            zero = spread(rewrite, zero, value, axis, purpose="zero_point")
        inputs.append(centred(rewrite, value, zero))
    sums = rewrite.add("Conv", inputs, _attributes(rewrite))
    rewrite.replace(rewrite.add("Cast", [sums], {"to": ir.DataType.INT32.value}))
    bounded(rewrite)


def _attributes(rewrite: Rewrite) -> dict[str, Any]:
    return {name: attribute.value for name, attribute in rewrite.node.attributes.items()}
