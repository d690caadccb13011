"""Accuracy against size or latency as a drawing: places for an SVG whose marks are links."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from publishing.benchmarks import Benchmark, best_latency
from publishing.pages.accuracies import data_set_of, first_measured
from publishing.pages.catalogue_model import Model, precision_of
from publishing.pages.error_plot import SHAPES
from publishing.pages.formatting import size
from publishing.pages.latency import milliseconds
from publishing.record import Record

WIDTH, HEIGHT = 760, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 740, 16, 306
_MEASURED = "#accuracy"
"""The place on a model's page of what was measured of each of its files."""


@dataclass(frozen=True)
class Point:
    """One file at its place, in the units of the drawing."""

    x: float
    y: float
    path: str
    """Of the model's page, from the publish folder."""
    text: str
    shape: str
    number: int
    """Of its source, from 0, which decides about colour and shape."""
    place: str = ""
    """On the page, with its ``#``; empty for the whole of it."""
    precision: str = ""
    """Which decides about the filling; empty for float32."""
    line: str = ""
    """The path, around the point, of the line from the model's file in float32, where that is drawn."""
    same_pictures: bool = True
    """Whether the accuracies at both ends of the line are of the same pictures."""


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
    precisions: tuple[str, ...]
    """The lower ones that have a point."""
    note: str
    other_pictures: bool
    """Whether a line has accuracies of different pictures at its ends."""
    left: int = _LEFT
    right: int = _RIGHT
    top: int = _TOP
    bottom: int = _BOTTOM
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True)
class _File:
    """A file whose accuracy is known: the one that stands for its model, or one in a lower precision."""

    model: Model
    record: Record
    percent: float
    figure: Mapping[str, Any] | None
    """What was measured; None where the accuracy is that of a document."""

    @property
    def is_main(self) -> bool:
        return self.record.name == self.model.main.name

    @property
    def precision(self) -> str:
        """Empty for float32, as the source has it or simplified."""
        return precision_of(self.record) if self.record.reduction else ""

    @property
    def benchmark(self) -> Benchmark | None:
        return self.model.benchmarks.get(self.record.name)

    @property
    def text(self) -> str:
        """What there is to say of it, without its size or time."""
        lower = f" in {self.precision}" if self.precision else ""
        said = "reported" if self.figure is None else f"measured on {data_set_of(self.figure)}"
        return f"{self.model.name} of {self.model.source}{lower}: {self.percent:g}% {said}"


def accuracy_plots(models: Sequence[Model]) -> list[AccuracyPlot]:
    """Draw the files whose accuracy is known, by size and, where there are times, by latency.

    Of a model these are the file that stands for it, and the newest of each lower precision of which an
    accuracy was measured.
    """
    files = [file for model in models for file in _files_of(model)]
    if not files:
        return []
    sources = sorted({file.model.source: file.model.main.framework for file in files}.items())
    sizes = {file.record.name: float(file.record.files["onnx"].bytes) for file in files}
    plots = [_plot("size", files, sizes, sources, "")]
    machine, timed = _of_one_machine(files)
    if timed:
        others = sum(file.benchmark is not None for file in files) - len(timed)
        left_out = f" {others} measured on other machines or threads are left out." if others else ""
        note = f"The fastest runtime with one picture at a time, on {machine}.{left_out}"
        those = [file for file in files if file.record.name in timed]
        plots.append(_plot("latency", those, timed, sources, note))
    return plots


def _files_of(model: Model) -> Iterator[_File]:
    main = first_measured(model.main)
    if model.top1 is not None:
        yield _File(model, model.main, model.top1, main)
    for records in model.precisions.values():
        measured = [record for record in records if record.reduction and record.accuracy]
        if measured and measured[-1].name != model.main.name:
            figure = max(measured[-1].accuracy, key=lambda each: _likeness(each, main))
            yield _File(model, measured[-1], round(float(figure["top1"]["percent"]), 2), figure)


def _likeness(figure: Mapping[str, Any], other: Mapping[str, Any] | None) -> tuple[bool, bool, int]:
    """The larger, the better a figure stands beside another one: of the same pictures, then runtime."""
    same = _of_same_pictures(figure, other)
    runtime = other is not None and figure["runtime"] == other["runtime"]
    return same, same and runtime, int(figure["data_set"]["pictures"])


def _of_same_pictures(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> bool:
    return bool(one and other and one["data_set"]["sha256"] == other["data_set"]["sha256"])


def _of_one_machine(files: Sequence[_File]) -> tuple[str, dict[str, float]]:
    """The machine that most were timed on, and their seconds by name: others' times compare with nothing."""
    benchmarks = {file.record.name: file.benchmark for file in files if file.benchmark}
    if not benchmarks:
        return "", {}
    machines = {name: _machine(benchmark) for name, benchmark in benchmarks.items()}
    [(machine, _)] = Counter(machines.values()).most_common(1)
    best = {name: best_latency(benchmark) for name, benchmark in benchmarks.items()}
    return machine, {name: found[1] for name, found in best.items() if found and machines[name] == machine}


def _machine(benchmark: Benchmark) -> str:
    threads = "1 thread" if benchmark.threads == 1 else f"{benchmark.threads} threads"
    return f"{benchmark.processor['name']} with {threads}"


def _plot(
    name: str,
    files: Sequence[_File],
    values: dict[str, float],
    sources: Sequence[tuple[str, str]],
    note: str,
) -> AccuracyPlot:
    """Draw ``files`` by ``values``, bytes or seconds by the names of the records."""
    numbers = {source: number for number, (source, _) in enumerate(sources)}
    levels = _levels([file.percent for file in files])
    low, high = math.log10(min(values.values()) / 1.3), math.log10(max(values.values()) * 1.3)
    unit = 1.0 if name == "size" else 1e-3

    def across(value: float) -> float:
        return round(_LEFT + (_RIGHT - _LEFT) * (math.log10(value) - low) / (high - low), 1)

    def up(percent: float) -> float:
        return round(_BOTTOM - (_BOTTOM - _TOP) * (percent - levels[0]) / (levels[-1] - levels[0]), 1)

    places = {file.record.name: (across(values[file.record.name]), up(file.percent)) for file in files}
    mains = {file.model.path: file for file in files if file.is_main}
    points = []
    for file in files:
        value = values[file.record.name]
        said = size(round(value)) if name == "size" else milliseconds(value)
        points.append(_point(file, mains.get(file.model.path), places, said, numbers[file.model.source]))
    ticks = tuple(
        (across(tick * unit), size(round(tick)) if name == "size" else f"{tick:g} ms")
        for tick in _ticks(10**low / unit, 10**high / unit)
    )
    used = {file.model.source for file in files}
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
        tuple(sorted({point.precision for point in points} - {""})),
        note,
        not all(point.same_pictures for point in points),
    )


def _point(
    file: _File, main: _File | None, places: Mapping[str, tuple[float, float]], said: str, number: int
) -> Point:
    x, y = places[file.record.name]
    line = ""
    if main and not file.is_main:
        from_x, from_y = places[main.record.name]
        line = f"M{from_x - x:.1f} {from_y - y:.1f}L0 0"
    return Point(
        x,
        y,
        file.model.path,
        f"{file.text}, {said}",
        SHAPES[number % len(SHAPES)],
        number,
        _MEASURED if file.precision else "",
        file.precision,
        line,
        not line or _of_same_pictures(file.figure, main.figure if main else None),
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
