"""The error by opset as a drawing: positions for an SVG, on a logarithmic scale."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from publishing.pages.formatting import bound, error
from publishing.pages.prose import runtime_title
from publishing.pages.verdict_matrix import Cell, Matrix

WIDTH, HEIGHT = 560, 270
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 548, 14, 226
_STEP = 7
"""Between the marks of two runtimes at one opset, so that equal errors do not hide each other."""
SHAPES = (
    "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
    "M-3.5-3.5h7v7h-7z",
    "M0-4.8L4.6 3.6H-4.6z",
    "M0-5L5 0L0 5L-5 0z",
    "M-4.6-3.6H4.6L0 4.8z",
    "M-1.5-4.5h3v3h3v3h-3v3h-3v-3h-3v-3h3z",
)
"""The paths of marks around (0, 0), so that colour is not all that tells them apart."""


@dataclass(frozen=True)
class Mark:
    """One error at its place, in the units of the drawing."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Series:
    """One runtime: its marks, and a line through those at neighbouring opsets."""

    name: str
    number: int
    """From 0, which decides about colour and dashes."""
    shape: str
    """The path of its mark, around (0, 0)."""
    marks: tuple[Mark, ...]
    line: str
    """The path of its line."""


@dataclass(frozen=True)
class Plot:
    """All that the template draws; ``decades`` and ``columns`` are labels with their places."""

    series: tuple[Series, ...]
    decades: tuple[tuple[float, str], ...]
    columns: tuple[tuple[float, str], ...]
    tolerance: str
    """The path of the tolerance, which may differ from opset to opset."""
    tolerance_label: tuple[float, str]
    summary: str
    """What is to be seen, in a sentence."""
    left: int = _LEFT
    right: int = _RIGHT
    top: int = _TOP
    bottom: int = _BOTTOM
    width: int = WIDTH
    height: int = HEIGHT


class _Scale:
    """From an error to its height; 0, which has no logarithm, gets a line of its own at the bottom."""

    def __init__(self, values: Sequence[float]) -> None:
        positive = [value for value in values if value > 0]
        self.exact = len(positive) < len(values)
        self.lowest = math.floor(math.log10(min(positive)))
        self.highest = max(math.ceil(math.log10(max(positive))), self.lowest + 1)
        self._steps = self.highest - self.lowest + (1 if self.exact else 0)

    def __call__(self, value: float) -> float:
        above = math.log10(value) - self.lowest + (1 if self.exact else 0) if value > 0 else 0.0
        return round(_BOTTOM - (_BOTTOM - _TOP) * above / self._steps, 1)

    def decades(self) -> Iterator[tuple[float, str]]:
        if self.exact:
            yield self(0), "0"
        stride = 1 if self._steps <= 8 else 2
        for exponent in range(self.lowest, self.highest + 1, stride):
            yield self(10.0**exponent), f"1e{exponent}" if exponent else "1"


def plot(verdicts: Matrix) -> Plot | None:
    """Draw the largest relative error of each runtime by opset, or nothing where no runtime ran.

    The rows are of one precision; each has a column of the drawing.
    """
    cells = [cell for _, row in verdicts.rows for cell in row]
    errors = [cell.worst for cell in cells if cell and cell.worst is not None]
    if not errors:
        return None
    tolerances = [float(record.verdict["tolerance"]["relative"]) for record, _ in verdicts.rows]
    scale = _Scale([*errors, *tolerances])
    band = (_RIGHT - _LEFT) / len(verdicts.rows)
    centres = [round(_LEFT + band * (index + 0.5), 1) for index in range(len(verdicts.rows))]
    heights = [scale(tolerance) for tolerance in tolerances]
    return Plot(
        series=tuple(_all_series(verdicts, centres, scale)),
        decades=tuple(scale.decades()),
        columns=tuple((x, str(record.opset)) for x, (record, _) in zip(centres, verdicts.rows, strict=True)),
        tolerance=f"M{_LEFT} {heights[0]}"
        + "".join(f"V{y}H{_LEFT + band * (index + 1):.1f}" for index, y in enumerate(heights)),
        tolerance_label=(heights[-1], f"tolerance {bound(tolerances[-1])}"),
        summary=_summary(verdicts, errors),
    )


def _all_series(verdicts: Matrix, centres: Sequence[float], scale: _Scale) -> Iterator[Series]:
    for number, name in enumerate(verdicts.runtimes):
        shift = _STEP * (number - (len(verdicts.runtimes) - 1) / 2)
        column = [(record.opset, row[number]) for record, row in verdicts.rows]
        places = [
            _mark(cell, opset, x + shift, scale) for (opset, cell), x in zip(column, centres, strict=True)
        ]
        marks = tuple(mark for mark in places if mark)
        if marks:
            yield Series(runtime_title(name), number, SHAPES[number % len(SHAPES)], marks, _line(places))


def _mark(cell: Cell | None, opset: int, x: float, scale: _Scale) -> Mark | None:
    if cell is None or cell.worst is None:
        return None
    return Mark(round(x, 1), scale(cell.worst), f"opset {opset}: {error(cell.worst)}, {cell.outcome}")


def _line(places: Sequence[Mark | None]) -> str:
    """A path through the marks that follow each other; a gap stays a gap."""
    path, drawing = "", False
    for mark in places:
        if mark:
            path += f"{'L' if drawing else 'M'}{mark.x} {mark.y}"
        drawing = mark is not None
    return path


def _summary(verdicts: Matrix, errors: Sequence[float]) -> str:
    span = f"from {error(min(errors))} to {error(max(errors))}"
    return f"Largest relative error of {', '.join(map(runtime_title, verdicts.runtimes))} by opset, {span}."
