"""Which open axes are the reason why a model cannot be said: it is tried whether fixing them helps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import onnx

from opsets.obstacles import Obstacle, Origin
from opsets.static_axes import Axis, FixedAxes, follow_names, inputs_of, is_open
from opsets.steps import walk_to
from opsets.writing import fault_of_source

_LENGTHS = (224, 64, 7)
"""Lengths to try; not every model takes every picture."""

OpenAxes = Mapping[Axis, str]
"""Axes, and what the model calls them."""


def advice_for(
    obstacles: Sequence[Obstacle],
    source: onnx.ModelProto,
    current: int,
    target: int,
    fixed: FixedAxes | None = None,
) -> dict[Obstacle, OpenAxes]:
    """Which axes, of those that are not ``fixed``, have to be so for some of ``obstacles`` to go away."""
    known = dict(fixed.lengths) if fixed else {}
    axes = {axis: symbol for axis, symbol in _open_axes(source).items() if axis not in known}
    if not axes:
        return {}
    batches = {symbol for (_, axis), symbol in axes.items() if axis == 0}
    others = {key: symbol for key, symbol in axes.items() if symbol not in batches}
    advice: dict[Obstacle, OpenAxes] = {}
    for chosen in (axes, others) if others and others != axes else (axes,):  # first what helps most
        left = _left(source, current, target, chosen, known)
        gone = [obstacle for obstacle in obstacles if left is not None and obstacle.origin not in left]
        if not gone:
            break
        advice.update(dict.fromkeys(gone, chosen))
    return advice


def _open_axes(source: onnx.ModelProto) -> dict[Axis, str]:
    """The axes of inputs that are not fixed, and what they are called; two of one name have one length."""
    return {
        (name, axis): entry.dim_param or f"{name}[{axis}]"
        for name, axes in inputs_of(source).items()
        for axis, entry in enumerate(axes or ())
        if is_open(entry)
    }


def _left(
    source: onnx.ModelProto, current: int, target: int, axes: OpenAxes, known: Mapping[Axis, int]
) -> set[Origin] | None:
    """The nodes that still stop with ``axes`` fixed; None where no length is known to suit the model."""
    for length in _LENGTHS:
        try:
            fixed = follow_names(source, {**known, **dict.fromkeys(axes, length)})
            if fault_of_source(source, fixed) is None:
                return {obstacle.origin for obstacle in walk_to(source, current, target, fixed).obstacles}
        except Exception:  # noqa: BLE001, S112 - whatever a length does that does not suit: it is only a trial
            continue
    return None


def named_axes(axes: OpenAxes) -> str:
    """``axes`` in words, those of an input together."""
    inputs: dict[str, list[str]] = {}
    for (name, axis), symbol in axes.items():
        called = "" if symbol == f"{name}[{axis}]" else f" ({symbol})"
        inputs.setdefault(name, []).append(f"{axis}{called}")
    return ", ".join(
        f"{'axes' if len(entries) > 1 else 'axis'} {' and '.join(entries)} of the input {name!r}"
        for name, entries in inputs.items()
    )
