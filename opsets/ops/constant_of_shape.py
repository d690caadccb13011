"""ConstantOfShape: new at 9."""

from __future__ import annotations

import numpy as np

from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("ConstantOfShape", 9, 8)
def constant_of_shape_9_to_8(rewrite: Rewrite) -> None:
    """One element, expanded."""
    attribute = rewrite.node.attributes.get("value")
    element = np.zeros(1, np.float32) if attribute is None else attribute.as_tensor().numpy().reshape(1)
    rewrite.replace(rewrite.add("Expand", [rewrite.initializer(element, "element"), rewrite.required(0)]))
