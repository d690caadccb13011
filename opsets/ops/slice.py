"""Slice: ``axes`` from the back since 11; its parameters are inputs since 10, ``steps`` are new there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.facts.lengths import FAR
from opsets.families.copies import cast
from opsets.families.indices import from_front_of, places_along
from opsets.families.parameters import integers_to_input
from opsets.registry import adapts
from opsets.rewrite import Rewrite

Integers = npt.NDArray[np.int64]
END = int(np.iinfo(np.int32).max)
"""The end of an axis of any length, as the older form spells it."""


@adapts("Slice", 11, 10)
def slice_11_to_10(rewrite: Rewrite) -> None:
    """Constant negative axes are counted from the front."""
    axes = rewrite.constant(3, "axes")
    if axes is not None and (axes < 0).any():
        rank = rewrite.rank(rewrite.required(0))
        rewrite.set_input(3, rewrite.initializer(np.where(axes < 0, axes + rank, axes), "axes"))


@adapts("Slice", 10, 9)
def slice_10_to_9(rewrite: Rewrite) -> None:
    """Constant parameters become attributes, of one axis each; a step other than 1 becomes a Gather.

    Bounds that are computed at run time are compared with the places along the axis: see :func:`_compressed`.
    """
    value = rewrite.required(0)
    starts, ends = (rewrite.constant_or_none(rewrite.required(index)) for index in (1, 2))
    axes, steps = rewrite.constant(3, "axes"), rewrite.constant(4, "steps")
    if starts is None or ends is None:
        rewrite.replace(_compressed(rewrite, axes, steps))
        return
    axes = np.arange(len(starts)) if axes is None else axes
    steps = np.ones(len(starts), dtype=np.int64) if steps is None else steps
    lengths = rewrite.lengths(value)
    for axis, start, end, step in zip(*(map(int, part) for part in (axes, starts, ends, steps)), strict=True):
        length = lengths[axis]
        if isinstance(length, int):
            value = _cut(rewrite, value, axis, _kept(length, start, end, step))
        elif step == 1:
            value = _open_end(rewrite, value, axis, start, end)
        else:
            raise CannotAdapt(f"it steps by {step} along axis {axis}, whose length is not fixed ({length})")
    if value is rewrite.required(0):
        rewrite.forward(value)
    else:
        rewrite.replace(value)


def _kept(length: int, start: int, end: int, step: int) -> range:
    """The places kept of an axis of ``length``, with bounds clamped as the operator's text has it."""
    lowest, highest = (0, length) if step > 0 else (-1, length - 1)
    start, end = (bound + length if bound < 0 else bound for bound in (start, end))
    return range(min(max(start, 0), highest), min(max(end, lowest), highest), step)


def _cut(rewrite: Rewrite, value: ir.Value, axis: int, kept: range) -> ir.Value:
    """The part ``kept`` of an axis whose length is known."""
    if kept == range(rewrite.length(value, axis)):
        return value
    if not kept:
        kept = range(0)
    if kept.step == 1:
        return rewrite.add("Slice", [value], {"axes": [axis], "starts": [kept.start], "ends": [kept.stop]})
    return rewrite.add(
        "Gather", [value, rewrite.initializer(np.array(kept, dtype=np.int64), "kept")], {"axis": axis}
    )


def _open_end(rewrite: Rewrite, value: ir.Value, axis: int, start: int, end: int) -> ir.Value:
    """A part of an axis of any length, with bounds that fit into 32 bits."""
    start, end = (END if bound >= FAR else max(bound, -END) for bound in (start, end))
    if start in (0, -END) and end == END:
        return value
    return rewrite.add("Slice", [value], {"axes": [axis], "starts": [start], "ends": [end]})


def _compressed(rewrite: Rewrite, axes: Integers | None, steps: Integers | None) -> ir.Value:
    """The input with what is not between its bounds left out, one axis after the other.

    Bounds need not be clamped for that: no place is beyond the end of its axis.
    """
    value, bounds = rewrite.required(0), [rewrite.required(1), rewrite.required(2)]
    count = rewrite.length(bounds[0], 0)
    axes = np.arange(count) if axes is None else axes
    if steps is not None and (steps != 1).any():
        step = next(int(step) for step in steps if step != 1)
        raise CannotAdapt(f"it steps by {step} between bounds that are computed at run time")
    result = rewrite.lengths(rewrite.node.outputs[0])
    for number, axis in enumerate(map(int, axes)):
        lengths = rewrite.lengths(value)
        kept = _kept_at_run_time(rewrite, value, axis, [_entry(rewrite, some, number) for some in bounds])
        lengths[axis] = result[axis]
        value = rewrite.add("Compress", [value, kept], {"axis": axis}, shape=rewrite.shape(lengths))
    return value


def _kept_at_run_time(rewrite: Rewrite, value: ir.Value, axis: int, bounds: Sequence[ir.Value]) -> ir.Value:
    """For each place along ``axis``, whether it is between ``bounds``, scalars of 64 bits."""
    places = places_along(rewrite, value, axis)
    start, end = (from_front_of(rewrite, bound, value, axis) for bound in bounds)
    before_end = rewrite.add("Less", [places, end])
    if rewrite.constant_or_none(start) == 0:
        return before_end
    return rewrite.add("And", [rewrite.add("Not", [rewrite.add("Less", [places, start])]), before_end])


def _entry(rewrite: Rewrite, bounds: ir.Value, number: int) -> ir.Value:
    """Entry ``number`` of ``bounds`` as a scalar of 64 bits."""
    constant = rewrite.constant_or_none(bounds)
    if constant is not None:
        return rewrite.initializer(np.array(constant[number], dtype=np.int64), "bound")
    place = rewrite.initializer(np.array(number, dtype=np.int64), "number")
    return cast(rewrite, rewrite.add("Gather", [bounds, place]), ir.DataType.INT64)


@adapts("Slice", 9, 10)
def slice_9_to_10(rewrite: Rewrite) -> None:
    """The parameters become inputs."""
    for index, name in enumerate(("starts", "ends", "axes"), 1):
        integers_to_input(rewrite, name, index)
