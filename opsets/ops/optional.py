"""Optional, OptionalHasElement and OptionalGetElement: new at 15; 18 also takes what is no optional."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from opsets.registry import adapts, impossible
from opsets.rewrite import Rewrite

for operator in ("Optional", "OptionalGetElement", "OptionalHasElement"):
    impossible(operator, 15, 14, "no operator below 15 makes or takes a value of optional type")


@adapts("OptionalGetElement", 18, 17)
def optional_get_element_18_to_17(rewrite: Rewrite) -> None:
    """A tensor or a sequence is its own element."""
    value = rewrite.required(0)
    if not isinstance(value.type, ir.OptionalType):
        rewrite.forward(value)


@adapts("OptionalHasElement", 18, 17)
def optional_has_element_18_to_17(rewrite: Rewrite) -> None:
    """A tensor or a sequence is there; an input that is left out is not."""
    value = rewrite.input(0)
    if value is None or not isinstance(value.type, ir.OptionalType):
        rewrite.forward(rewrite.initializer(np.array(value is not None), "present"))
