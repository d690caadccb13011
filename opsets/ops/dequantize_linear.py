"""DequantizeLinear: new at 10; a scale per channel since 13, per block and 16 bits since 21.

23 brought ``output_dtype``; 19, 24, 25 and 28 changed only the accepted types.
"""

from __future__ import annotations

import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.families.quantized import SHORT, as_dequantized, centred, drop_axes, is_single, spread
from opsets.families.types import WHY
from opsets.registry import adapts, alike
from opsets.rewrite import Rewrite

for newer in (28, 25, 24, 19):
    alike("DequantizeLinear", newer, newer - 1, WHY)


@adapts("DequantizeLinear", 23, 22)
def dequantize_linear_23_to_22(rewrite: Rewrite) -> None:
    """Below 23 the result is of the scale's type."""
    if rewrite.integer("output_dtype", 0) not in (0, rewrite.required(1).dtype):
        raise CannotAdapt("its result is of another type than its scale")
    rewrite.drop_attribute("output_dtype")


@adapts("DequantizeLinear", 21, 20)
def dequantize_linear_21_to_20(rewrite: Rewrite) -> None:
    """Exact: blocks and 16 bits are spelt out in floats."""
    block = rewrite.integer("block_size", 0)
    if block or rewrite.required(0).dtype in SHORT:
        _by_parts(rewrite, block)
        return
    rewrite.drop_attribute("block_size")


@adapts("DequantizeLinear", 13, 12)
def dequantize_linear_13_to_12(rewrite: Rewrite) -> None:
    """Exact: a scale per channel is multiplied by after a scale of 1."""
    if not is_single(rewrite, rewrite.required(1)):
        _by_parts(rewrite)
        return
    drop_axes(rewrite)
    rewrite.drop_attribute("axis")


@adapts("DequantizeLinear", 10, 9)
def dequantize_linear_10_to_9(rewrite: Rewrite) -> None:
    """Exact: cast, shifted and multiplied."""
    _by_parts(rewrite)


def _by_parts(rewrite: Rewrite, block: int = 0) -> None:
    data, scale, zero = rewrite.required(0), rewrite.required(1), rewrite.input(2)
    axis = rewrite.integer("axis", 1)
    if scale.dtype != ir.DataType.FLOAT:
        raise CannotAdapt("its scale is no float32")
    shift = None if zero is None else spread(rewrite, zero, data, axis, block, "zero_point")
    numbers = centred(rewrite, as_dequantized(rewrite, data), shift)
    factor = rewrite.constant_or_none(scale)
    if factor is not None and (factor == 1).all():
        rewrite.forward(numbers)
        return
    rewrite.replace(rewrite.add("Mul", [numbers, spread(rewrite, scale, data, axis, block)]))


@adapts("DequantizeLinear", 12, 13)
def dequantize_linear_12_to_13(rewrite: Rewrite) -> None:
    """One element is a scalar, as one axis means a scale per channel from 13 on."""
    if is_single(rewrite, rewrite.required(1)):
        drop_axes(rewrite)
