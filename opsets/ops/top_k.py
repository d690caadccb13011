"""TopK: the smallest, any order, integers and negative axes since 11; ``k`` an input since 10."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from opsets.facts.lengths import Length
from opsets.families.axes import normalise_axis
from opsets.families.copies import cast
from opsets.families.counting import first_places
from opsets.families.indices import places_along
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
    """A constant number of elements becomes the ``k`` attribute; for any other all elements are compared."""
    count = rewrite.constant_or_none(rewrite.required(1))
    if count is None:
        rewrite.replace(*_by_comparing(rewrite))
        return
    rewrite.set_attribute("k", int(count.reshape(-1)[0]))
    rewrite.keep_inputs(1)


def _by_comparing(rewrite: Rewrite) -> list[ir.Value]:
    """The largest and their places, by how many stand before each: larger ones, and equal ones ahead."""
    rewrite.bound(
        "TopK below 10, its k computed at run time: exact where no element is a NaN, up to 2**24 elements"
    )
    data, outputs = rewrite.required(0), rewrite.node.outputs
    last = rewrite.rank(data) - 1
    axis = rewrite.integer("axis", -1) % (last + 1)
    order = [*range(last + 1)]
    order[axis], order[last] = last, axis
    turned = data if axis == last else rewrite.add("Transpose", [data], {"perm": order})
    chosen, places = _chosen(rewrite, turned, rewrite.lengths(outputs[0])[axis])
    row = rewrite.add("Unsqueeze", [turned], {"axes": [last]})
    found = [
        rewrite.add("Where", [chosen, row, rewrite.number(0, row, "none")]),
        rewrite.add("Mul", [cast(rewrite, chosen, ir.DataType.FLOAT), places]),
    ]
    values, numbers = (
        rewrite.add("ReduceSum", [each], {"axes": [last + 1], "keepdims": 0}) for each in found
    )
    results = [values, cast(rewrite, numbers, ir.DataType.INT64)]
    if axis == last:
        return results
    return [rewrite.add("Transpose", [each], {"perm": order}) for each in results]


def _chosen(rewrite: Rewrite, data: ir.Value, count: Length) -> tuple[ir.Value, ir.Value]:
    """For each of the ``count`` largest along the last axis of ``data``, which one it is; and all places.

    In float32, as older opsets neither compare nor copy integers.
    """
    rank, real = rewrite.rank(data), ir.DataType.FLOAT
    places = cast(rewrite, places_along(rewrite, data, rank - 1), real)
    larger, unequal = _compared(rewrite, data, rank - 1)
    ahead = rewrite.add("Less", [places, rewrite.add("Unsqueeze", [places], {"axes": [1]})])
    before = rewrite.add("Or", [larger, rewrite.add("And", [rewrite.add("Not", [unequal]), ahead])])
    number = rewrite.add("ReduceSum", [cast(rewrite, before, real)], {"axes": [rank], "keepdims": 0})
    number = rewrite.add("Unsqueeze", [number], {"axes": [rank - 1]})
    wanted = cast(rewrite, first_places(rewrite, rewrite.required(1), count), real)
    wanted = rewrite.add("Unsqueeze", [wanted], {"axes": [1]})
    less, more = rewrite.add("Less", [number, wanted]), rewrite.add("Less", [wanted, number])
    return rewrite.add("Not", [rewrite.add("Or", [less, more])]), places


def _compared(rewrite: Rewrite, data: ir.Value, axis: int) -> tuple[ir.Value, ir.Value]:
    """Whether each element along the last ``axis`` is smaller than each other one, and whether unequal."""
    column, row = (rewrite.add("Unsqueeze", [data], {"axes": [place]}) for place in (axis + 1, axis))
    smaller = rewrite.add("Less", [column, row])
    return smaller, rewrite.add("Or", [smaller, rewrite.add("Less", [row, column])])


@adapts("TopK", 9, 10)
def top_k_9_to_10(rewrite: Rewrite) -> None:
    """``k`` becomes an input."""
    count = rewrite.integer("k", 0)
    rewrite.drop_attribute("k")
    rewrite.set_input(1, rewrite.initializer(np.array([count], dtype=np.int64), "k"))
