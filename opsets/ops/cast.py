"""Cast: ``round_mode`` since 24, ``saturate`` since 19, strings since 9; a type was named by text below 6."""

from __future__ import annotations

import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.families.conditions import numbers_of
from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("Cast", 24, 23)
def cast_24_to_23(rewrite: Rewrite) -> None:
    """``round_mode`` decides nothing but casts to float8e8m0, a type that 23 does not have."""
    rewrite.drop_attribute("round_mode")


@adapts("Cast", 19, 18)
def cast_19_to_18(rewrite: Rewrite) -> None:
    """``saturate`` decides nothing but casts to 8-bit floats, types that 18 does not have."""
    rewrite.drop_attribute("saturate")


@adapts("Cast", 9, 8)
def cast_9_to_8(rewrite: Rewrite) -> None:
    """Strings are neither read nor written below 9."""
    if ir.DataType.STRING in (rewrite.integer("to", 0), rewrite.required(0).dtype):
        raise CannotAdapt("it reads or writes text")


@adapts("Cast", 6, 5)
def cast_6_to_5(rewrite: Rewrite) -> None:
    """The type by its name; a comparison as float32 is computed in numbers, as no runtime knows this form.

    Exact, but for NaN and two infinities of one sign as operands of a comparison: both give NaN.
    """
    data, kind = rewrite.required(0), ir.DataType(rewrite.integer("to", 0))
    if data.dtype == kind:
        rewrite.forward(data)
        return
    array = rewrite.constant_or_none(data)
    if array is not None:  # a weight too: no runtime knows this form
        rewrite.forward(rewrite.initializer(array.astype(kind.numpy()), "cast"))
        return
    if data.dtype == ir.DataType.BOOL and kind == ir.DataType.FLOAT:
        numbers = numbers_of(rewrite, data)
        if numbers is not None:
            rewrite.bound("Conditions as numbers below 6: NaN where NaN or infinities are compared")
            rewrite.replace(numbers)
            return
    rewrite.set_attribute("to", kind.name)


@adapts("Cast", 5, 6)
def cast_5_to_6(rewrite: Rewrite) -> None:
    """The type by its number."""
    name = rewrite.text("to", "")
    if name.upper() not in ir.DataType.__members__:
        raise CannotAdapt(f"it casts to {name!r}, which is no type")
    rewrite.set_attribute("to", int(ir.DataType[name.upper()]))
