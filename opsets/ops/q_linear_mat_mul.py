"""QLinearMatMul and MatMulInteger: new at 10; 21 changed only the accepted types."""

from __future__ import annotations

import onnx_ir as ir

from opsets.families.quantized import as_float, bounded, centred, is_single, saturated, spread
from opsets.families.types import WHY
from opsets.registry import adapts, alike
from opsets.rewrite import Rewrite

alike("QLinearMatMul", 21, 20, WHY)

ROWS, COLUMNS = -2, -1


def _parameter(rewrite: Rewrite, index: int, data: ir.Value, axis: int, purpose: str) -> ir.Value:
    """A scale or zero point: one for all, one per row or column, or of as many axes as the matrices."""
    value = rewrite.required(index)
    if not is_single(rewrite, value) and (rewrite.rank(value) > 1 or rewrite.rank(data) == 1):
        return as_float(rewrite, value)
    if axis == COLUMNS and not is_single(rewrite, value):
        array = rewrite.constant_or_none(value)  # as it is, it broadcasts to vectors as well
        return as_float(rewrite, value) if array is None else rewrite.initializer(array.astype("f4"), purpose)
    return spread(rewrite, value, data, axis, purpose=purpose)


@adapts("QLinearMatMul", 10, 9)
def q_linear_mat_mul_10_to_9(rewrite: Rewrite) -> None:
    """A MatMul of floats that hold the integers; exact while its sums stay below 2**24."""
    left, right = rewrite.required(0), rewrite.required(3)
    left_zero = _parameter(rewrite, 2, left, ROWS, "a_zero_point")
    right_zero = _parameter(rewrite, 5, right, COLUMNS, "b_zero_point")
    sums = rewrite.add("MatMul", [centred(rewrite, left, left_zero), centred(rewrite, right, right_zero)])
    scale = rewrite.add(
        "Mul",
        [_parameter(rewrite, 1, left, ROWS, "a_scale"), _parameter(rewrite, 4, right, COLUMNS, "b_scale")],
    )
    factor = rewrite.add("Div", [scale, _parameter(rewrite, 6, sums, ROWS, "y_scale")])
    kind = rewrite.required(7).dtype
    assert kind is not None
    zero = _parameter(rewrite, 7, sums, ROWS, "y_zero_point")
    rewrite.replace(saturated(rewrite, rewrite.add("Mul", [sums, factor]), zero, kind))
    bounded(rewrite)


@adapts("MatMulInteger", 10, 9)
def mat_mul_integer_10_to_9(rewrite: Rewrite) -> None:
    """A MatMul of floats that hold the integers; exact while its sums stay below 2**24."""
    inputs = []
    for index, axis in ((0, ROWS), (1, COLUMNS)):
        value = rewrite.required(index)
        zero = (
            None if rewrite.input(2 + index) is None else _parameter(rewrite, 2 + index, value, axis, "zero")
        )
        inputs.append(centred(rewrite, value, zero))
    sums = rewrite.add("MatMul", inputs)
    rewrite.replace(rewrite.add("Cast", [sums], {"to": ir.DataType.INT32.value}))
    bounded(rewrite)
