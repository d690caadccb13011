"""ArgMax and ArgMin: ``select_last_index`` since 12, negative axes since 11; 13 changed only the types."""

from __future__ import annotations

import numpy as np

from opsets.families.axes import axis_from_back
from opsets.registry import adapts
from opsets.rewrite import Rewrite


def last_index_to_first(rewrite: Rewrite) -> None:
    """The last one is the first of the reversed axis, whose places a constant translates back."""
    last = rewrite.integer("select_last_index", 0)
    rewrite.drop_attribute("select_last_index")
    if not last:
        return
    data, axis = rewrite.required(0), rewrite.integer("axis", 0)
    places = rewrite.initializer(np.arange(rewrite.length(data, axis), dtype=np.int64)[::-1], "places")
    # Neither Gather nor the operator itself knows negative axes below 11; this step leads to 11.
    reversed_ = rewrite.add("Gather", [data, places], {"axis": axis})
    found = rewrite.add(rewrite.node.op_type, [reversed_], dict(rewrite.node.attributes))
    rewrite.replace(rewrite.add("Gather", [places, found], {"axis": 0}))


for operator in ("ArgMax", "ArgMin"):
    adapts(operator, 12, 11)(last_index_to_first)
    adapts(operator, 11, 10)(axis_from_back(0))
