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
    # Relu and not Min and Max, which OpenVINO does not compile for two scalars in their forms below 8.
    least, most = (rewrite.add(f"Reduce{bound}", [data], {"keepdims": 0}) for bound in ("Min", "Max"))
    high, negated = rewrite.add("Relu", [most]), rewrite.add("Relu", [rewrite.add("Neg", [least])])
    width = rewrite.add("Div", [rewrite.add("Add", [high, negated]), rewrite.number(255.0, data, "levels")])
    flat = rewrite.add("Not", [rewrite.add("Greater", [width, none])])
    scale = rewrite.add("Add", [width, rewrite.add("Cast", [flat], {"to": 1})])
    nothing = rewrite.initializer(np.array(0, dtype=np.uint8), "zero_point")
    zero = rewrite.add("QuantizeLinear", [negated, scale, nothing])
    rewrite.replace(rewrite.add("QuantizeLinear", [data, scale, zero]), scale, zero)
