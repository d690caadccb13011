"""QuantizeLinear: new at 10; a scale per channel since 13, per block and 16 bits since 21.

19 brought floats of 8 bits, 23 a ``precision``; 24, 25 and 28 changed only the accepted types.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.families.quantized import SHORT, as_float, drop_axes, is_single, saturated, spread
from opsets.families.types import WHY
from opsets.registry import adapts, alike
from opsets.rewrite import Rewrite

for newer in (28, 25, 24):
    alike("QuantizeLinear", newer, newer - 1, WHY)


@adapts("QuantizeLinear", 23, 22)
def quantize_linear_23_to_22(rewrite: Rewrite) -> None:
    """Below 23 data and scale are of one type, and it divides in that type."""
    kinds = {rewrite.required(index).dtype for index in (0, 1)}
    precision = rewrite.integer("precision", 0)
    if len(kinds) > 1 or precision not in (0, *(kind.value for kind in kinds if kind)):
        raise CannotAdapt("it divides in another type than that of its data")
    rewrite.drop_attribute("precision")


@adapts("QuantizeLinear", 21, 20)
def quantize_linear_21_to_20(rewrite: Rewrite) -> None:
    """Blocks and 16 bits are spelt out in floats; the zero point alone says the type."""
    kind = ir.DataType(rewrite.integer("output_dtype", 0))
    zero = rewrite.input(2)
    block = rewrite.integer("block_size", 0)
    if block or (kind if zero is None else zero.dtype) in SHORT:
        _by_parts(rewrite, block)
        return
    if zero is None and kind not in (ir.DataType.UNDEFINED, ir.DataType.UINT8):
        lengths = rewrite.lengths(rewrite.required(1))
        if not all(isinstance(length, int) for length in lengths):
            raise CannotAdapt("it has no zero point, and the length of its scale is not fixed")
        rewrite.set_input(2, rewrite.initializer(np.zeros(lengths, dtype=kind.numpy()), "zero_point"))
    rewrite.drop_attribute("output_dtype")
    rewrite.drop_attribute("block_size")


@adapts("QuantizeLinear", 19, 18)
def quantize_linear_19_to_18(rewrite: Rewrite) -> None:
    """``saturate`` is about floats of 8 bits only, which are refused."""
    rewrite.drop_attribute("saturate")
    if rewrite.kind(rewrite.required(1)) != np.float32:
        raise CannotAdapt("its scale is no float32")


@adapts("QuantizeLinear", 13, 12)
def quantize_linear_13_to_12(rewrite: Rewrite) -> None:
    """A scale per channel is spelt out in floats."""
    if not is_single(rewrite, rewrite.required(1)):
        _by_parts(rewrite)
        return
    drop_axes(rewrite)
    rewrite.drop_attribute("axis")


@adapts("QuantizeLinear", 10, 9)
def quantize_linear_10_to_9(rewrite: Rewrite) -> None:
    """Spelt out in floats: divided, rounded half to even, shifted, clipped and cast."""
    _by_parts(rewrite)


def _by_parts(rewrite: Rewrite, block: int = 0) -> None:
    data, scale, zero = rewrite.required(0), rewrite.required(1), rewrite.input(2)
    axis = rewrite.integer("axis", 1)
    asked = ir.DataType(rewrite.integer("output_dtype", 0))
    kind = (zero.dtype if zero is not None else asked) or ir.DataType.UINT8
    if scale.dtype != ir.DataType.FLOAT:
        raise CannotAdapt("its scale is no float32")
    ratio = rewrite.add("Div", [as_float(rewrite, data), spread(rewrite, scale, data, axis, block)])
    shift = None if zero is None else spread(rewrite, zero, data, axis, block, "zero_point")
    rewrite.replace(saturated(rewrite, ratio, shift, kind))


@adapts("QuantizeLinear", 12, 13)
def quantize_linear_12_to_13(rewrite: Rewrite) -> None:
    """One element is a scalar, as one axis means a scale per channel from 13 on."""
    if is_single(rewrite, rewrite.required(1)):
        drop_axes(rewrite)
