"""LayerNormalization: new at 17."""

from __future__ import annotations

import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.graph import Rewrite
from opsets.registry import adapts


@adapts("LayerNormalization", 17, 16)
def layer_normalization_17_to_16(rewrite: Rewrite) -> None:
    """Mean and deviation spelt out, in the order of the operator's own definition; float32 only."""
    data, scale, bias = rewrite.required(0), rewrite.required(1), rewrite.input(2)
    if data.dtype != ir.DataType.FLOAT:
        raise CannotAdapt(f"its input is {data.dtype}, and only float32 is normalised in its own type")
    axis = rewrite.integer("axis", -1)
    axes = list(range(axis, rewrite.rank(data) if axis >= 0 else 0))
    over = {"axes": axes, "keepdims": 1}
    mean = rewrite.add("ReduceMean", [data], over)
    centred = rewrite.add("Sub", [data, mean])
    variance = rewrite.add("ReduceMean", [rewrite.add("Mul", [centred, centred])], over)
    epsilon = rewrite.number(rewrite.real("epsilon", 1e-5), data, "epsilon")
    deviation = rewrite.add("Sqrt", [rewrite.add("Add", [variance, epsilon])])
    result = rewrite.add("Mul", [rewrite.add("Div", [centred, deviation]), scale])
    if bias is not None:
        result = rewrite.add("Add", [result, bias])
    if rewrite.is_used(2):
        rewrite.replace(result, mean, rewrite.add("Reciprocal", [deviation]))
    elif rewrite.is_used(1):
        rewrite.replace(result, mean)
    else:
        rewrite.replace(result)
