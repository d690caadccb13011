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
from opsets.steps import Walked, Walking
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
    return Conversion(source, current, static).at(target, last=True)


class Conversion:
    """A model at one opset after the other; what it is made of for the first is not made again."""

    def __init__(self, source: onnx.ModelProto, current: int, static: StaticAxes | None = None) -> None:
        """Of ``source``, at opset ``current``; nothing is done yet but that ``static`` is looked at."""
        self._source, self._current = source, current
        self._fixed = fixed_axes(source, static) if static else None
        self._walking: Walking | None = None

    def at(self, target: int, *, last: bool = False) -> Retargeted:
        """What :func:`convert` says of ``target``. With ``last`` nothing is asked for behind it."""
        with _without_collector():
            walked = self._walked(target, last=last)
            if walked.obstacles:
                raise _refusal(walked, self._source, self._current, target, self._fixed)
            told = told_of(self._source, self._fixed) if self._fixed else ()
            lines = (*told, *_report(walked))
            return Retargeted(
                write_model(walked.model, self._source, target, self._fixed), lines, walked.bounds
            )

    def _walked(self, target: int, *, last: bool) -> Walked:
        """From where the model is, or anew where ``target`` does not lie behind that."""
        walking, self._walking = self._walking, None  # one that broke off is of no use
        try:
            if walking is None or not self._lies_behind(target, walking.reached):
                walking = Walking(self._source, self._current, self._fixed)
            walked = walking.at(target, last=last)
        except RetargetError:
            raise
        except Exception as error:
            fault = fault_of_source(self._source, self._fixed)
            if fault is None:
                raise
            raise RetargetError(fault) from error
        self._walking = None if last else walking
        return walked

    def _lies_behind(self, target: int, reached: int) -> bool:
        return self._current >= reached > target or self._current <= reached < target


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
