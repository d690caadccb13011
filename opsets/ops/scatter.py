"""Scatter, ScatterElements and ScatterND: ``reduction`` since 16, by max and min since 18; new at 9 and 11.

13 changed only the accepted types.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.families.arithmetic import clip, with_number
from opsets.families.axes import normalise_axis, summed
from opsets.families.copies import cast, elements_of
from opsets.families.indices import (
    fixed_lengths,
    flat_along_axis,
    flat_from_front,
    flat_of_tuples,
    from_front_of,
    in_shape,
    length_at_run_time,
    places_along,
)
from opsets.registry import adapts, alike, refuses
from opsets.rewrite import Rewrite

LARGEST_MASK = 1 << 22
"""Elements of all updates against all rows."""

_REDUCING = {"add": "Add", "mul": "Mul", "max": "Max", "min": "Min"}


def without_newest_reductions(rewrite: Rewrite) -> None:
    """Below 18 there is no ``reduction`` by max or min."""
    if rewrite.text("reduction", "none") in ("max", "min"):
        _reduced(rewrite)


def without_reduction(rewrite: Rewrite) -> None:
    """Below 16 an element is overwritten, and nothing else."""
    if rewrite.text("reduction", "none") != "none":
        _reduced(rewrite)
    else:
        rewrite.drop_attribute("reduction")


@adapts("ScatterElements", 11, 10)
def scatter_elements_11_to_10(rewrite: Rewrite) -> None:
    """The older name is Scatter, whose indices count from the front."""
    data = rewrite.required(0)
    axis = normalise_axis(rewrite, "axis", 0, rewrite.rank(data))
    indices = from_front_of(rewrite, rewrite.required(1), data, axis)
    rewrite.replace(rewrite.add("Scatter", [data, indices, rewrite.required(2)], {"axis": axis}))


@adapts("ScatterND", 11, 10)
def scatter_nd_11_to_10(rewrite: Rewrite) -> None:
    """Constant indices choose between data and updates; others scatter in a matrix of the slices."""
    if rewrite.constant_or_none(rewrite.required(1)) is not None:
        _written_out(rewrite)
        return
    data, updates = rewrite.required(0), rewrite.required(2)
    places = _places(rewrite)
    lengths = fixed_lengths(rewrite, data)
    count = prod(fixed_lengths(rewrite, places))
    rows = prod(lengths[: rewrite.length(rewrite.required(1), -1)])
    width = prod(lengths) // rows
    column = in_shape(rewrite, places, [count, 1])
    shape = rewrite.initializer(np.array([count, width]), "shape")
    parts = (in_shape(rewrite, data, [rows, width]), rewrite.add("Expand", [column, shape]))
    result = rewrite.add("Scatter", [*parts, in_shape(rewrite, updates, [count, width])], {"axis": 0})
    rewrite.replace(in_shape(rewrite, result, lengths))


@adapts("Scatter", 9, 8)
def scatter_9_to_8(rewrite: Rewrite) -> None:
    """Constant indices choose between data and updates; others are compared with all places."""
    if rewrite.constant_or_none(rewrite.required(1)) is not None:
        _written_out(rewrite)
        return
    data, places, updates = (rewrite.required(index) for index in range(3))
    if rewrite.rank(data) != 1:
        lengths = fixed_lengths(rewrite, data)
        places = flat_from_front(rewrite, places, lengths, rewrite.integer("axis", 0))
        data, places, updates = (
            in_shape(rewrite, each, [prod(fixed_lengths(rewrite, each))]) for each in (data, places, updates)
        )
    if (elements_of([*rewrite.lengths(data), *rewrite.lengths(places)]) or 0) > LARGEST_MASK:
        raise CannotAdapt("its indices are computed at run time, and there are too many of them")
    both = rewrite.add("Concat", [data, updates], {"axis": 0})
    result = rewrite.add("Gather", [both, _from_both(rewrite, data, places)], {"axis": 0})
    rewrite.replace(in_shape(rewrite, result, rewrite.lengths(rewrite.required(0))))


def _from_both(rewrite: Rewrite, data: ir.Value, places: ir.Value) -> ir.Value:
    """What each element of the row ``data`` becomes, with the updates of ``places`` behind it.

    The number of its last update, from 1 and 0 for none, is the largest of those that meet it. In float32, as
    older opsets neither compare nor copy integers.
    """
    rewrite.bound("Scatter below 9, its indices computed at run time: exact for up to 2**24 elements")
    real = ir.DataType.FLOAT
    none = rewrite.initializer(np.array([-1], np.float32), "none")
    met = rewrite.add("Concat", [none, cast(rewrite, places, real)], {"axis": 0})
    rows, updates = (cast(rewrite, places_along(rewrite, each, 0), real) for each in (data, met))
    column, row = (rewrite.add("Unsqueeze", [each], {"axes": [axis]}) for each, axis in ((rows, 1), (met, 0)))
    apart = [rewrite.add("Less", pair) for pair in ([column, row], [row, column])]
    equal = cast(rewrite, rewrite.add("Not", [rewrite.add("Or", apart)]), real)
    numbers = rewrite.add("Mul", [equal, rewrite.add("Unsqueeze", [updates], {"axes": [0]})])
    last = rewrite.add("ReduceMax", [numbers], {"axes": [1], "keepdims": 0}, shape=rows.shape)
    length = rewrite.lengths(data)[0]
    behind = (
        rewrite.number(length, rows, "length")
        if isinstance(length, int)
        else cast(rewrite, length_at_run_time(rewrite, data, 0), real)
    )
    # An element without one stays where it is: row + 0 * (length - 1 - row) + 0.
    away = rewrite.add("Sub", [with_number(rewrite, "Sub", behind, 1, "one"), rows])
    moved = rewrite.add("Mul", [clip(rewrite, last, 0.0, 1.0), away])
    return cast(rewrite, rewrite.add("Add", [rewrite.add("Add", [rows, moved]), last]), ir.DataType.INT64)


for operator in ("ScatterElements", "ScatterND"):
    adapts(operator, 18, 17)(without_newest_reductions)
    adapts(operator, 16, 15)(without_reduction)
    alike(operator, 13, 12, "only the accepted types changed")
refuses("Scatter", 11, 10, "it is deprecated at 11 and not valid there; use ScatterElements")


def _places(rewrite: Rewrite) -> ir.Value:
    """Where the updates go, by number: elements of flat data, or slices along the indexed axes."""
    indices, lengths = rewrite.required(1), _indexed(rewrite)
    if rewrite.node.op_type == "ScatterND":
        return flat_of_tuples(rewrite, indices, lengths)
    return flat_along_axis(rewrite, indices, lengths, rewrite.integer("axis", 0) % len(lengths))


def _reduced(rewrite: Rewrite) -> None:
    """Constant indices: update by update. Others: every row of data against every update, by a mask.

    The order of sums and products may differ from that of the operator.
    """
    if rewrite.constant_or_none(rewrite.required(1)) is not None:
        _written_out(rewrite)
        return
    data, updates = rewrite.required(0), rewrite.required(2)
    reduction = rewrite.text("reduction", "none")
    places = _places(rewrite)
    count, rows = prod(fixed_lengths(rewrite, places)), prod(_indexed(rewrite))
    width = prod(fixed_lengths(rewrite, data)) // rows
    if count * rows * width > LARGEST_MASK:
        raise CannotAdapt(
            f"its indices are computed at run time, and {count} updates of {rows} rows too many"
        )
    numbers = np.arange(rows, dtype=rewrite.kind(places)).reshape(1, rows, 1)
    met = rewrite.add(
        "Equal", [in_shape(rewrite, places, [count, 1, 1]), rewrite.initializer(numbers, "numbers")]
    )
    neutral = rewrite.initializer(np.array(_neutral(reduction, rewrite.kind(data))), "neutral")
    candidates = rewrite.add("Where", [met, in_shape(rewrite, updates, [count, 1, width]), neutral])
    if reduction == "add":
        change = summed(rewrite, candidates, 0)
    else:
        name = {"mul": "ReduceProd", "max": "ReduceMax", "min": "ReduceMin"}[reduction]
        change = rewrite.add(name, [candidates], {"axes": [0], "keepdims": 0})
    change = in_shape(rewrite, change, rewrite.lengths(data))
    rewrite.replace(rewrite.add(_REDUCING[reduction], [data, change]))


def _neutral(reduction: str, kind: np.dtype[Any]) -> npt.NDArray[Any]:
    """What changes nothing."""
    if reduction in ("add", "mul"):
        return np.array(reduction == "mul", dtype=kind)
    if kind.kind == "f":
        return np.array(-np.inf if reduction == "max" else np.inf, dtype=kind)
    return np.array(np.iinfo(kind).min if reduction == "max" else np.iinfo(kind).max, dtype=kind)


def _indexed(rewrite: Rewrite) -> list[int]:
    """The lengths of the axes that the indices speak of."""
    data = rewrite.required(0)
    if rewrite.node.op_type == "ScatterND":
        return fixed_lengths(rewrite, data, rewrite.length(rewrite.required(1), -1))
    return fixed_lengths(rewrite, data)


def _written_out(rewrite: Rewrite) -> None:
    """Data and updates one behind the other, and of them what constant indices choose for each place.

    With a reduction, places that are met more than once take their updates one after the other. Exact.
    """
    rewrite.constant(1, "indices")
    data, updates = rewrite.required(0), rewrite.required(2)
    places = rewrite.constant_or_none(_places(rewrite))
    assert places is not None
    lengths = _indexed(rewrite)
    rows, rest = prod(lengths), rewrite.lengths(data)[len(lengths) :]
    laid, added = in_shape(rewrite, data, [rows, *rest]), in_shape(rewrite, updates, [places.size, *rest])
    reduction = rewrite.text("reduction", "none")
    rounds = _rounds(places.reshape(-1), rows)
    if reduction == "none":
        rounds = [np.maximum.reduce(rounds)] if rounds else []
    for chosen in rounds:
        laid = _round(rewrite, laid, added, chosen, _REDUCING.get(reduction))
    if laid is data:
        rewrite.forward(data)
    else:
        rewrite.replace(in_shape(rewrite, laid, rewrite.lengths(data)))


def _rounds(places: npt.NDArray[np.int64], rows: int) -> list[npt.NDArray[np.int64]]:
    """For each place the number of its first update, of its second, and so on; -1 for none."""
    rounds: list[npt.NDArray[np.int64]] = []
    met = np.zeros(rows, dtype=np.int64)
    for update, place in enumerate(places):
        if met[place] == len(rounds):
            rounds.append(np.full(rows, -1, dtype=np.int64))
        rounds[met[place]][place] = update
        met[place] += 1
    return rounds


def _round(
    rewrite: Rewrite, data: ir.Value, updates: ir.Value, chosen: npt.NDArray[np.int64], operator: str | None
) -> ir.Value:
    """One update for each row at most; without ``operator`` it takes the row's place."""
    rows = len(chosen)
    if operator is None:
        both = rewrite.add("Concat", [data, updates], {"axis": 0})
        from_both = np.where(chosen < 0, np.arange(rows), chosen + rows)
        return rewrite.add("Gather", [both, rewrite.initializer(from_both, "chosen")], {"axis": 0})
    met = np.flatnonzero(chosen >= 0)
    mine, theirs = (rewrite.initializer(places, "places") for places in (met, chosen[met]))
    old = rewrite.add("Gather", [data, mine], {"axis": 0})
    new = rewrite.add(operator, [old, rewrite.add("Gather", [updates, theirs], {"axis": 0})])
    both = rewrite.add("Concat", [data, new], {"axis": 0})
    from_both = np.arange(rows)
    from_both[met] = rows + np.arange(len(met))
    return rewrite.add("Gather", [both, rewrite.initializer(from_both, "chosen")], {"axis": 0})


@adapts("Scatter", 10, 11)
def scatter_10_to_11(rewrite: Rewrite) -> None:
    """The newer name is ScatterElements."""
    inputs = [rewrite.required(index) for index in range(3)]
    attributes = {"axis": rewrite.integer("axis", 0)}
    rewrite.replace(rewrite.add("ScatterElements", inputs, attributes, shape=rewrite.node.outputs[0].shape))
