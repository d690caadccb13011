"""CausalConvWithState: new at 27."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("CausalConvWithState", 27, 26)
def causal_conv_with_state_27_to_26(rewrite: Rewrite) -> None:
    """A convolution of each channel with what came before it, which is zeros at first; and its end."""
    data, weight, bias, past = (rewrite.input(index) for index in range(4))
    assert data is not None
    assert weight is not None
    before, channels = rewrite.length(weight, 2) - 1, rewrite.length(weight, 0)
    if past is not None:
        padded = rewrite.add("Concat", [past, data], {"axis": 2})
    else:
        padded = rewrite.add("Pad", [data, _numbers(rewrite, [0, 0, before, 0, 0, 0], "pads")])
    result = rewrite.add("Conv", [padded, weight, *([] if bias is None else [bias])], {"group": channels})
    result = _activated(rewrite, result, rewrite.text("activation", "none"))
    if not rewrite.is_used(1):
        rewrite.replace(result)
        return
    start = -before or _END  # of a kernel of one element no step is left
    bounds = [
        _numbers(rewrite, [number], name) for number, name in ((start, "start"), (_END, "end"), (2, "axis"))
    ]
    rewrite.replace(result, rewrite.add("Slice", [padded, *bounds]))


_END = np.iinfo(np.int64).max


def _numbers(rewrite: Rewrite, numbers: list[int], purpose: str) -> ir.Value:
    return rewrite.initializer(np.array(numbers, dtype=np.int64), purpose)


def _activated(rewrite: Rewrite, value: ir.Value, activation: str) -> ir.Value:
    """Swish, whose other name is SiLU, in float32 as the operator is defined; or nothing."""
    if activation == "none":
        return value
    if activation not in ("silu", "swish"):
        raise CannotAdapt(f"its activation {activation!r} is not known")
    kind = value.dtype
    if kind == ir.DataType.FLOAT:
        return rewrite.add("Swish", [value])
    exact = rewrite.add("Swish", [rewrite.add("Cast", [value], {"to": int(ir.DataType.FLOAT)})])
    return rewrite.add("Cast", [exact], {"to": int(kind or 0)})
