"""Which keys a query may attend to: masks of bools, of floats that are added, and the order in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt
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


@dataclass(frozen=True)
class AttentionMask:
    """What is added to the scores: 0 or a number where a key is attended, minus infinity where not."""

    value: ir.Value
    array: npt.NDArray[np.floating] | None
    """The same, where it is constant."""

    @classmethod
    def of(
        cls, rewrite: Rewrite, index: int, keys: Sequence[ir.Value], query: ir.Value, kind: ir.DataType
    ) -> AttentionMask | None:
        """The mask in input ``index`` and that of ``is_causal``, in type ``kind``; None without either."""
        mask, given = None, rewrite.input(index)
        if given is not None:
            mask = cls._added(rewrite, reaching(rewrite, given, keys), kind)
        if rewrite.integer("is_causal", 0):
            order = cls._added(rewrite, _not_later(rewrite, keys, query), kind)
            mask = order if mask is None else cls._sum(rewrite, mask, order)
        return mask

    @classmethod
    def _added(cls, rewrite: Rewrite, mask: ir.Value, kind: ir.DataType) -> AttentionMask:
        array = rewrite.constant_unless_weight(mask)
        if array is not None:
            numbers = np.where(array, 0, -np.inf) if array.dtype == np.bool_ else array
            return cls._constant(rewrite, numbers.astype(kind.numpy()))
        if mask.dtype != ir.DataType.BOOL:
            same = mask.dtype == kind
            return cls(mask if same else rewrite.add("Cast", [mask], {"to": int(kind)}), None)
        zero, never = (
            rewrite.initializer(np.array(number, dtype=kind.numpy()), "masked") for number in (0, -np.inf)
        )
        return cls(rewrite.add("Where", [mask, zero, never]), None)

    @classmethod
    def _constant(cls, rewrite: Rewrite, array: npt.NDArray[np.floating]) -> AttentionMask:
        return cls(rewrite.initializer(array, "mask"), array)

    @classmethod
    def _sum(cls, rewrite: Rewrite, first: AttentionMask, second: AttentionMask) -> AttentionMask:
        if first.array is not None and second.array is not None:
            return cls._constant(rewrite, first.array + second.array)
        return cls(rewrite.add("Add", [first.value, second.value]), None)


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


def finite(rewrite: Rewrite, mask: AttentionMask) -> ir.Value:
    """The mask with the lowest number for minus infinity: a sum of it and a score stays a number."""
    lowest = np.finfo(rewrite.kind(mask.value)).min
    if mask.array is not None:
        if np.isfinite(mask.array).all():
            return mask.value
        return rewrite.initializer(np.maximum(mask.array, lowest), "mask")
    return rewrite.add("Clip", [mask.value, rewrite.number(lowest, mask.value, "lowest")])


def some_key(rewrite: Rewrite, mask: AttentionMask, probabilities: ir.Value) -> ir.Value:
    """The probabilities, and zeros for a query that may attend to no key."""
    if mask.array is not None:
        some = np.isfinite(mask.array).any(axis=-1, keepdims=True)
        if some.all():
            return probabilities
        factors = rewrite.factors(some.astype(rewrite.kind(probabilities)), "some_key")
        return rewrite.add("Mul", [probabilities, factors])
    axes = rewrite.initializer(np.array([-1], dtype=np.int64), "last")
    largest = rewrite.add("ReduceMax", [mask.value, axes], {"keepdims": 1})
    lowest = rewrite.number(np.finfo(rewrite.kind(largest)).min, largest, "lowest")
    some_value = rewrite.add("Not", [rewrite.add("Less", [largest, lowest])])
    factor = rewrite.add("Cast", [some_value], {"to": int(probabilities.dtype or 0)})
    return rewrite.add("Mul", [probabilities, factor])
