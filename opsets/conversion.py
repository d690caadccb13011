"""A model at another opset with a report of it, or everything that stands in its way."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import onnx

from opsets.advice import advice_for, named_axes
from opsets.errors import RetargetError, printable
from opsets.nodes import nodes_of
from opsets.obstacles import described
from opsets.static_axes import FixedAxes, StaticAxes, fixed_axes, told_of
from opsets.steps import Walked, walk_to
from opsets.writing import fault_of_source, write_model


@dataclass(frozen=True)
class Retargeted:
    """A model at its new opset, and what was done to it."""

    model: onnx.ModelProto
    rewrites: tuple[str, ...]
    """One line per kind of rewrite, such as ``Softmax 13 to 12: 2 nodes``, in the order of the walk."""
    bounds: tuple[str, ...]
    """What is not exact, such as ``Erf below 9: absolute error at most 1e-6``; empty where all is."""


def convert(
    source: onnx.ModelProto, current: int, target: int, static: StaticAxes | None = None
) -> Retargeted:
    """``source``, of opset ``current``, at opset ``target``, with the lengths that ``static`` gives its axes.

    What the model declares of its values stands, unless something else is computed; what inference
    found out on the way does not stay. Raises :class:`RetargetError`, and where ``static`` does not suit the
    model :class:`AxesError`.
    """
    fixed = fixed_axes(source, static) if static else None
    with _without_collector():
        return _converted(source, current, target, fixed)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Let circular garbage lie meanwhile.

    A graph is circular wherever one looks, and almost all of it stays: the collector would go through it
    again and again, for a quarter of the time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _converted(source: onnx.ModelProto, current: int, target: int, fixed: FixedAxes | None) -> Retargeted:
    try:
        walked = walk_to(source, current, target, fixed)
    except RetargetError:
        raise
    except Exception as error:
        fault = fault_of_source(source, fixed)
        if fault is None:
            raise
        raise RetargetError(fault) from error
    if walked.obstacles:
        raise _refusal(walked, source, current, target, fixed)
    lines = (*(told_of(source, fixed) if fixed else ()), *_report(walked))
    return Retargeted(write_model(walked.model, source, target, fixed), lines, walked.bounds)


def _refusal(
    walked: Walked, source: onnx.ModelProto, current: int, target: int, fixed: FixedAxes | None
) -> RetargetError:
    """Why ``walked`` did not arrive. What cannot be read of a valid source is so because of an obstacle."""
    defects = [obstacle for obstacle in walked.obstacles if obstacle.is_defect]
    obstacles = [obstacle for obstacle in walked.obstacles if not obstacle.is_defect]
    fault = fault_of_source(source, fixed) if defects else None
    if fault:
        return RetargetError(f"{fault}; see {defects[0].node}")
    if not obstacles:
        return RetargetError(described(defects, {}))
    advice = advice_for(obstacles, source, current, target, fixed)
    helpful = {axis: None for axes in advice.values() for axis in axes}
    sentences = {obstacle: f"fixing {named_axes(axes)} would help" for obstacle, axes in advice.items()}
    is_proven = any(obstacle.is_proven and obstacle not in advice for obstacle in obstacles)
    return RetargetError(described(obstacles, sentences), tuple(helpful), is_proven=is_proven)


def _report(walked: Walked) -> tuple[str, ...]:
    lines = []
    if walked.sorted:
        lines.append(_line("Nodes sorted", walked.sorted))
    for name, (declared, computed) in walked.corrected.items():
        lines.append(printable(f"Declared shape corrected: {name!r} from {declared} to {computed}"))
    if walked.folded > 0:
        lines.append(_line("Nodes folded", walked.folded))
    lines += [_line(kind, count) for kind, count in walked.rewrites.items()]
    foreign = Counter(node.domain for node in nodes_of(walked.model.graph) if node.domain)
    lines += [
        printable(_line(f"Left as they are, of domain {domain!r}", foreign[domain]))
        for domain in sorted(foreign)
    ]
    return tuple(lines)


def _line(kind: str, count: int) -> str:
    return f"{kind}: {count} node{'s' * (count > 1)}"
