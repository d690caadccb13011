"""Accuracy against size or latency as a drawing: places for an SVG whose marks are links."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from publishing.benchmarks import Benchmark, best_latency
from publishing.pages.catalogue_model import Model
from publishing.pages.error_plot import SHAPES
from publishing.pages.formatting import size
from publishing.pages.latency import milliseconds

WIDTH, HEIGHT = 760, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 740, 16, 306


@dataclass(frozen=True)
class Point:
    """One model at its place, in the units of the drawing."""

    x: float
    y: float
    path: str
    """Of the model's page, from the publish folder."""
    text: str
    shape: str
    number: int
    """Of its source, from 0, which decides about colour and shape."""


@dataclass(frozen=True)
class AccuracyPlot:
    """All that the template draws of one choice of the horizontal axis."""

    name: str
    """``size`` or ``latency``."""
    title: str
    axis: str
    points: tuple[Point, ...]
    ticks: tuple[tuple[float, str], ...]
    levels: tuple[tuple[float, str], ...]
    sources: tuple[tuple[str, str, int], ...]
    """Framework, shape and number of each source that has a point."""
    note: str
    left: int = _LEFT
    right: int = _RIGHT
    top: int = _TOP
    bottom: int = _BOTTOM
    width: int = WIDTH
    height: int = HEIGHT


def accuracy_plots(models: Sequence[Model]) -> list[AccuracyPlot]:
    """Draw the models whose accuracy is known, by size and, where there are times, by latency."""
    known = [model for model in models if model.top1 is not None]
    if not known:
        return []
    sources = sorted({model.source: model.main.framework for model in known}.items())
    plots = [_plot("size", known, {model.path: float(model.main_bytes) for model in known}, sources, "")]
    machine, timed = _of_one_machine(known)
    if timed:
        others = sum(model.benchmark is not None for model in known) - len(timed)
        left_out = f" {others} measured on other machines or threads are left out." if others else ""
        note = f"The fastest runtime with one picture at a time, on {machine}.{left_out}"
        those = [model for model in known if model.path in timed]
        plots.append(_plot("latency", those, timed, sources, note))
    return plots


def _of_one_machine(models: Sequence[Model]) -> tuple[str, dict[str, float]]:
    """The machine that most were timed on, and their seconds by path: others' times compare with nothing."""
    machines = {model.path: _machine(model.benchmark) for model in models if model.benchmark}
    if not machines:
        return "", {}
    [(machine, _)] = Counter(machines.values()).most_common(1)
    best = {model.path: best_latency(model.benchmark) for model in models if model.benchmark}
    timed = {path: found[1] for path, found in best.items() if found and machines[path] == machine}
    return machine, timed


def _machine(benchmark: Benchmark) -> str:
    threads = "1 thread" if benchmark.threads == 1 else f"{benchmark.threads} threads"
    return f"{benchmark.processor['name']} with {threads}"


def _plot(
    name: str,
    models: Sequence[Model],
    values: dict[str, float],
    sources: Sequence[tuple[str, str]],
    note: str,
) -> AccuracyPlot:
    numbers = {source: number for number, (source, _) in enumerate(sources)}
    levels = _levels([model.top1 or 0.0 for model in models])
    low, high = math.log10(min(values.values()) / 1.3), math.log10(max(values.values()) * 1.3)
    write = size if name == "size" else milliseconds
    unit = 1.0 if name == "size" else 1e-3

    def across(value: float) -> float:
        return round(_LEFT + (_RIGHT - _LEFT) * (math.log10(value) - low) / (high - low), 1)

    def up(percent: float) -> float:
        return round(_BOTTOM - (_BOTTOM - _TOP) * (percent - levels[0]) / (levels[-1] - levels[0]), 1)

    points = []
    for model in models:
        number, value = numbers[model.source], values[model.path]
        said = write(round(value)) if name == "size" else milliseconds(value)
        text = f"{model.name} of {model.source}: {model.top1:g}% {model.top1_kind}, {said}"
        shape = SHAPES[number % len(SHAPES)]
        points.append(Point(across(value), up(model.top1 or 0.0), model.path, text, shape, number))
    ticks = tuple(
        (across(tick * unit), size(round(tick)) if name == "size" else f"{tick:g} ms")
        for tick in _ticks(10**low / unit, 10**high / unit)
    )
    used = {model.source for model in models}
    return AccuracyPlot(
        name,
        f"Top-1 accuracy against {name}",
        "size of the model file" if name == "size" else "median latency of one picture",
        tuple(points),
        ticks,
        tuple((up(level), f"{level:g}%") for level in levels),
        tuple(
            (framework, SHAPES[numbers[source] % len(SHAPES)], numbers[source])
            for source, framework in sources
            if source in used
        ),
        note,
    )


def _levels(percents: Sequence[float]) -> list[float]:
    """Round percents from below the least to above the most, at most nine of them."""
    step = next(
        step for step in (1, 2, 5, 10, 20) if (max(percents) - min(percents)) / step <= 6 or step == 20
    )
    first, last = math.floor(min(percents) / step), math.floor(max(percents) / step) + 1
    return [float(step * number) for number in range(first, last + 1)]


def _ticks(low: float, high: float) -> Iterator[float]:
    """1, 2 and 5 times the powers of ten between two values; fewer where they are far apart."""
    steps = (1, 2, 5) if math.log10(high / low) < 3 else (1,)
    for exponent in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1):
        for step in steps:
            if low <= step * 10.0**exponent <= high:
                yield step * 10.0**exponent
