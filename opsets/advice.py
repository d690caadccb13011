"""Which open axes are the reason why a model cannot be said: it is tried whether fixing them helps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import onnx

from opsets.descent import descend
from opsets.obstacles import Obstacle, Origin
from opsets.reading import OpenAxis
from opsets.writing import fault_of_source

_LENGTHS = (224, 64, 7)
"""Lengths to try; not every model takes every picture."""


def advice_for(
    obstacles: Sequence[Obstacle], source: onnx.ModelProto, current: int, target: int
) -> dict[Obstacle, str]:
    """For those of ``obstacles`` that go away once axes of the inputs are fixed: which axes these are."""
    axes = _open_axes(source)
    if not axes:
        return {}
    batches = {symbol for (_, axis), symbol in axes.items() if axis == 0}
    others = {key: symbol for key, symbol in axes.items() if symbol not in batches}
    advice: dict[Obstacle, str] = {}
    for chosen in (axes, others) if others and others != axes else (axes,):  # first what helps most
        left = _left(source, current, target, chosen)
        gone = [obstacle for obstacle in obstacles if left is not None and obstacle.origin not in left]
        if not gone:
            break
        advice.update(dict.fromkeys(gone, f"fixing {_named(chosen)} would help"))
    return advice


def _open_axes(source: onnx.ModelProto) -> dict[OpenAxis, str]:
    """The axes of inputs that are not fixed, and what they are called; two of one name have one length."""
    constants = {tensor.name for tensor in source.graph.initializer}
    return {
        (value.name, axis): entry.dim_param or f"{value.name}[{axis}]"
        for value in source.graph.input
        if value.name not in constants and value.type.HasField("tensor_type")
        for axis, entry in enumerate(value.type.tensor_type.shape.dim)
        if not entry.HasField("dim_value")
    }


def _left(
    source: onnx.ModelProto, current: int, target: int, axes: Mapping[OpenAxis, str]
) -> set[Origin] | None:
    """The nodes that still stop with ``axes`` fixed; None where no length is known to suit the model."""
    for length in _LENGTHS:
        fixed = dict.fromkeys(axes, length)
        try:
            if fault_of_source(source, fixed) is None:
                return {obstacle.origin for obstacle in descend(source, current, target, fixed).obstacles}
        except Exception:  # noqa: BLE001, S112 - whatever a length does that does not suit: it is only a trial
            continue
    return None


def _named(axes: Mapping[OpenAxis, str]) -> str:
    inputs: dict[str, list[str]] = {}
    for (name, axis), symbol in axes.items():
        called = "" if symbol == f"{name}[{axis}]" else f" ({symbol})"
        inputs.setdefault(name, []).append(f"{axis}{called}")
    return ", ".join(
        f"{'axes' if len(entries) > 1 else 'axis'} {' and '.join(entries)} of the input {name!r}"
        for name, entries in inputs.items()
    )
