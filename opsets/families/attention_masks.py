"""Which keys a query may attend to: masks of bools, of floats that are added, and the order in time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np
import onnx_ir as ir

from opsets.facts.lengths import Length
from opsets.rewrite import Rewrite


def is_open(length: Length) -> bool:
    return not isinstance(length, int)


def both(rewrite: Rewrite, conditions: Sequence[ir.Value]) -> ir.Value:
    """Whether all ``conditions`` hold."""
    return reduce(lambda one, other: rewrite.add("And", [one, other]), conditions)


def steps_of(rewrite: Rewrite, values: Sequence[ir.Value]) -> Length:
    """The steps in time, along the last axis but one, of ``values`` one after the other."""
    return sum(rewrite.lengths(value)[-2] for value in values)


def positions(rewrite: Rewrite, values: Sequence[ir.Value], *, column: bool = False) -> ir.Value:
    """The numbers of the steps of ``values`` one after the other: (steps), or (steps, 1) as a column."""
    steps = steps_of(rewrite, values)
    if not is_open(steps):
        numbers = np.arange(steps, dtype=np.int64)
        return rewrite.initializer(numbers[:, None] if column else numbers, "positions")
    parts = [rewrite.add("Shape", [value], {"start": -2, "end": -1}) for value in values]
    count = reduce(lambda one, other: rewrite.add("Add", [one, other]), parts)
    axis = rewrite.initializer(np.array([0], dtype=np.int64), "axis")
    first, one = (rewrite.initializer(np.array(number, dtype=np.int64), "number") for number in (0, 1))
    numbered = rewrite.add("Range", [first, rewrite.add("Squeeze", [count, axis]), one])
    if not column:
        return numbered
    return rewrite.add("Unsqueeze", [numbered, rewrite.initializer(np.array([1], dtype=np.int64), "axis")])


def reaching(rewrite: Rewrite, mask: ir.Value, keys: Sequence[ir.Value]) -> ir.Value:
    """``mask`` with a last axis as long as there are keys: those that it does not reach are not attended."""
    own, wanted = rewrite.lengths(mask)[-1], steps_of(rewrite, keys)
    if own in (1, wanted):
        return mask
    if is_open(own) or is_open(wanted):
        rewrite.bound(f"Attention below {rewrite.opset + 1}: exact where its mask reaches all keys")
        return mask
    pads = np.zeros(2 * rewrite.rank(mask), dtype=np.int64)
    pads[-1] = wanted - own
    never = False if mask.dtype == ir.DataType.BOOL else -np.inf
    filler = rewrite.initializer(np.array(never, dtype=rewrite.kind(mask)), "never")
    return rewrite.add("Pad", [mask, rewrite.initializer(pads, "pads"), filler])


def mask_of(
    rewrite: Rewrite, given: ir.Value | None, keys: Sequence[ir.Value], query: ir.Value
) -> ir.Value | None:
    """The mask that is ``given`` together with that of ``is_causal``; None without either.

    Bools, or numbers that are added, in float32 unless they are given in float64: old operators know it
    best, and half precision is too narrow.
    """
    mask = None if given is None else reaching(rewrite, given, keys)
    if mask is not None and mask.dtype not in (ir.DataType.BOOL, ir.DataType.DOUBLE, ir.DataType.FLOAT):
        mask = rewrite.add("Cast", [mask], {"to": int(ir.DataType.FLOAT)})
    if not rewrite.integer("is_causal", 0):
        return mask
    order = _not_later(rewrite, keys, query)
    if mask is None:
        return order
    if mask.dtype == ir.DataType.BOOL:
        return rewrite.add("And", [mask, order])
    return rewrite.add("Add", [mask, added(rewrite, order, rewrite.kind(mask))])


def added(rewrite: Rewrite, mask: ir.Value, kind: np.dtype[Any]) -> ir.Value:
    """What is added to the scores: minus infinity for a key that is not attended."""
    if mask.dtype != ir.DataType.BOOL:
        return mask
    array = rewrite.constant_unless_weight(mask)
    if array is not None:
        return rewrite.initializer(np.where(array, 0, -np.inf).astype(kind), "mask")
    zero, never = (rewrite.initializer(np.array(number, dtype=kind), "masked") for number in (0, -np.inf))
    return rewrite.add("Where", [mask, zero, never])


def _not_later(rewrite: Rewrite, keys: Sequence[ir.Value], query: ir.Value) -> ir.Value:
    """Whether a key stands no later than a query, which comes after all but the last of ``keys``."""
    queries, places = positions(rewrite, [query], column=True), positions(rewrite, keys)
    before = [rewrite.lengths(value)[-2] for value in keys[:-1]]
    arrays = [rewrite.constant_or_none(value) for value in (queries, places)]
    if arrays[0] is not None and arrays[1] is not None and not any(map(is_open, before)):
        return rewrite.initializer(arrays[1] <= arrays[0] + sum(before), "order")
    for value in keys[:-1]:
        queries = rewrite.add("Add", [queries, rewrite.add("Shape", [value], {"start": -2, "end": -1})])
    return rewrite.add("LessOrEqual", [places, queries])


def finite(rewrite: Rewrite, mask: ir.Value) -> ir.Value:
    """As :func:`added`, with the lowest number for minus infinity: its sum with a score stays a number."""
    kind = np.dtype(np.float32) if mask.dtype == ir.DataType.BOOL else rewrite.kind(mask)
    lowest, array = np.finfo(kind).min, rewrite.constant_unless_weight(mask)
    if array is not None:
        numbers = np.where(array, 0, lowest) if array.dtype == np.bool_ else np.maximum(array, lowest)
        return rewrite.initializer(numbers.astype(kind), "mask")
    if mask.dtype != ir.DataType.BOOL:
        return rewrite.add("Clip", [mask, rewrite.initializer(np.array(lowest, dtype=kind), "lowest")])
    one, most = (rewrite.initializer(np.array(number, dtype=kind), "masked") for number in (1, -lowest))
    attended = rewrite.add("Cast", [mask], {"to": int(ir.DataType.FLOAT)})
    return rewrite.add("Mul", [rewrite.add("Sub", [attended, one]), most])


def some_key(rewrite: Rewrite, mask: ir.Value, probabilities: ir.Value) -> ir.Value:
    """The probabilities, and zeros for a query that may attend to no key."""
    array = rewrite.constant_unless_weight(mask)
    if array is not None:
        attended = array if array.dtype == np.bool_ else array > -np.inf
        some = attended.any(axis=-1, keepdims=True)
        if some.all():
            return probabilities
        factors = rewrite.factors(some.astype(rewrite.kind(probabilities)), "some_key")
        return rewrite.add("Mul", [probabilities, factors])
    if mask.dtype != ir.DataType.BOOL:
        lowest = rewrite.number(np.finfo(rewrite.kind(mask)).min, mask, "lowest")
        mask = rewrite.add("Not", [rewrite.add("Less", [mask, lowest])])
    numbers = rewrite.add("Cast", [mask], {"to": int(probabilities.dtype or 0)})
    axes = rewrite.initializer(np.array([-1], dtype=np.int64), "last")
    some_value = rewrite.add("ReduceMax", [numbers, axes], {"keepdims": 1})
    return rewrite.add("Mul", [probabilities, some_value])
