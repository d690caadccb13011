"""Constant: short forms since 12, any type since 9; an initialiser says the same in every opset.

Reading a model makes initialisers of its Constants. What is left are those that make a graph output.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.registry import adapts
from opsets.rewrite import Rewrite

KINDS = {"value_float": np.float32, "value_floats": np.float32, "value_int": np.int64, "value_ints": np.int64}


def constant_to_initializer(rewrite: Rewrite) -> None:
    """Hand on an initialiser of the same elements."""
    (name, attribute), *_ = rewrite.node.attributes.items()
    if name == "value":
        array = attribute.as_tensor().numpy()
    elif name in KINDS:
        array = np.array(attribute.value, dtype=KINDS[name])
    else:
        raise CannotAdapt(f"its {name} is no tensor of numbers")
    value = rewrite.initializer(array, "value")
    rewrite.replace(rewrite.add("Identity", [value], shape=ir.Shape(array.shape)))


for newer in (25, 24, 23, 21, 19, 13, 12, 11, 9):
    adapts("Constant", newer, newer - 1)(constant_to_initializer)

    adapts("Constant", newer - 1, newer)(constant_to_initializer)
