"""LayerNormalization: new at 17."""

from __future__ import annotations

import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("LayerNormalization", 17, 16)
def layer_normalization_17_to_16(rewrite: Rewrite) -> None:
    """Mean and deviation spelt out, in the order and in the type of the operator's own definition.

    That is float32 whatever the input is (``stash_type``); the result has the type of the input
    before scale and bias.
    """
    data, scale, bias = rewrite.required(0), rewrite.required(1), rewrite.input(2)
    if rewrite.integer("stash_type", int(ir.DataType.FLOAT)) != ir.DataType.FLOAT:
        raise CannotAdapt("its mean is computed in another type than float32 (stash_type)")
    axis = rewrite.integer("axis", -1)
    axes = list(range(axis, rewrite.rank(data) if axis >= 0 else 0))
    over = {"axes": axes, "keepdims": 1}
    exact = _cast(rewrite, data, ir.DataType.FLOAT)
    mean = rewrite.add("ReduceMean", [exact], over)
    centred = rewrite.add("Sub", [exact, mean])
    variance = rewrite.add("ReduceMean", [rewrite.add("Mul", [centred, centred])], over)
    epsilon = rewrite.number(rewrite.real("epsilon", 1e-5), exact, "epsilon")
    deviation = rewrite.add("Sqrt", [rewrite.add("Add", [variance, epsilon])])
    normalised = _cast(rewrite, rewrite.add("Div", [centred, deviation]), data.dtype)
    result = rewrite.add("Mul", [normalised, scale])
    if bias is not None:
        result = rewrite.add("Add", [result, bias])
    if rewrite.is_used(2):
        rewrite.replace(result, mean, rewrite.add("Reciprocal", [deviation]))
    elif rewrite.is_used(1):
        rewrite.replace(result, mean)
    else:
        rewrite.replace(result)


def _cast(rewrite: Rewrite, value: ir.Value, kind: ir.DataType | None) -> ir.Value:
    if kind is None or value.dtype == kind:
        return value
    return rewrite.add("Cast", [value], {"to": int(kind)})
