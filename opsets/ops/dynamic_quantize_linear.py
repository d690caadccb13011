"""DynamicQuantizeLinear: new at 11."""

from __future__ import annotations

import numpy as np

from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("DynamicQuantizeLinear", 11, 10)
def dynamic_quantize_linear_11_to_10(rewrite: Rewrite) -> None:
    """Its definition; QuantizeLinear makes the zero point too, as it rounds and saturates alike.

    As onnxruntime has it, the scale is 1 where all is zero.
    """
    data = rewrite.required(0)
    none = rewrite.number(0.0, data, "zero")
    low, high = (
        rewrite.add(bound, [rewrite.add(f"Reduce{bound}", [data], {"keepdims": 0}), none])
        for bound in ("Min", "Max")
    )
    width = rewrite.add("Div", [rewrite.add("Sub", [high, low]), rewrite.number(255.0, data, "levels")])
    flat = rewrite.add("Not", [rewrite.add("Greater", [width, none])])
    scale = rewrite.add("Add", [width, rewrite.add("Cast", [flat], {"to": 1})])
    nothing = rewrite.initializer(np.array(0, dtype=np.uint8), "zero_point")
    zero = rewrite.add("QuantizeLinear", [rewrite.add("Neg", [low]), scale, nothing])
    rewrite.replace(rewrite.add("QuantizeLinear", [data, scale, zero]), scale, zero)
