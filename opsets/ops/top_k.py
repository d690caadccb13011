"""TopK: the smallest, any order, integers and negative axes since 11; ``k`` an input since 10."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from opsets.families.axes import normalise_axis
from opsets.families.integers import as_double, as_type_of, is_integer
from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("TopK", 11, 10)
def top_k_11_to_10(rewrite: Rewrite) -> None:
    """The smallest are the largest of the negated; integers are compared as doubles, exact up to 2**53."""
    data, largest = rewrite.required(0), rewrite.integer("largest", 1)
    rewrite.drop_attribute("sorted")  # sorted is one of the orders that the newer form allows
    rewrite.drop_attribute("largest")
    if rewrite.has("axis"):
        normalise_axis(rewrite, "axis", -1, rewrite.rank(data))
    if largest and not is_integer(data):
        return
    wide = as_double(rewrite, data) if is_integer(data) else data
    if data.dtype in (ir.DataType.INT64, ir.DataType.UINT64):
        rewrite.bound("TopK of 64-bit integers below 11: exact while they stay below 2**53")
    turned = wide if largest else rewrite.add("Neg", [wide])
    values, indices = rewrite.add_many(
        "TopK", [turned, rewrite.required(1)], dict(rewrite.node.attributes), 2
    )
    if not largest:
        values = rewrite.add("Neg", [values])
    if is_integer(data):
        values = as_type_of(rewrite, values, data)
    rewrite.replace(values, indices)


@adapts("TopK", 10, 9)
def top_k_10_to_9(rewrite: Rewrite) -> None:
    """A constant number of elements becomes the ``k`` attribute."""
    count = rewrite.constant(1, "number of elements")
    assert count is not None
    rewrite.set_attribute("k", int(count.reshape(-1)[0]))
    rewrite.keep_inputs(1)


@adapts("TopK", 9, 10)
def top_k_9_to_10(rewrite: Rewrite) -> None:
    """``k`` becomes an input."""
    count = rewrite.integer("k", 0)
    rewrite.drop_attribute("k")
    rewrite.set_input(1, rewrite.initializer(np.array([count], dtype=np.int64), "k"))
