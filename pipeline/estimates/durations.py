"""About how long a model takes: as long as it took here before, or as follows from its size.

The formula, with W the bytes of the weights in GB::

    export    = start of the framework + seconds per GB * W
    unit      = seconds per unit + seconds per GB * W      (retarget, run in each runtime, archive, publish)
    benchmark = start of the framework and of each runtime, all load W, and each computes what
                ``latency/schedule.py`` says, with so long for a picture: seconds + seconds per GB * W

Its coefficients come from two cores with nothing else to do: small models of every source, and a VGG-16
at one opset through torchvision (35 s; the formula says 37), Paddle (44 and 34) and MXNet (26 and 30).
Timing in three runtimes without a framework took 5 s for 0.2 MB (the formula says 7) and 29 s for 46 MB (24).
Where this machine has done other models, the formula is multiplied by the median of what these took
beside what it says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import median
from typing import Literal

from converters.interface import Source
from converters.registry import SOURCES
from latency.schedule import computing_seconds
from pipeline.estimates.history import BENCHMARK, Entry

EXPORT_PER_GB = 30.0
UNIT, UNIT_PER_GB = 1.0, 16.0
RUNTIME_START, LOAD_PER_GB = 1.0, 3.0
PICTURE, PICTURE_PER_GB = 0.0005, 0.4


def export_seconds(source: Source, weights: int) -> float:
    """The seconds that the formula gives for an export of ``weights`` bytes."""
    return source.start_seconds + EXPORT_PER_GB * weights / 1e9


def unit_seconds(weights: int) -> float:
    """The seconds that the formula gives for one opset of a model."""
    return UNIT + UNIT_PER_GB * weights / 1e9


def benchmark_seconds(source: Source, weights: int, runtimes: int) -> float:
    """The seconds that the formula gives for timing one unit in so many runtimes, beside its framework."""
    gigabytes = weights / 1e9
    each = LOAD_PER_GB * gigabytes + computing_seconds(PICTURE + PICTURE_PER_GB * gigabytes)
    return source.start_seconds + each + runtimes * (RUNTIME_START + each)


class Durations:
    """What the history of this machine says of the models in it, and of others."""

    def __init__(self, history: Mapping[str, Entry], runtimes: int) -> None:
        """``history`` as :func:`pipeline.estimates.history.read_history` gives it.

        ``runtimes`` is the number of those that a benchmark of this machine times.
        """
        self._runtimes = runtimes
        self._measured = {name: seconds for name, entry in history.items() if (seconds := _seconds(entry))}
        self._export_pace = _pace(
            (export, export_seconds(SOURCES[source], size))
            for name, (size, export, _) in self._measured.items()
            if (source := name.partition("/")[0]) in SOURCES
        )
        self._unit_pace = _pace((unit, unit_seconds(size)) for size, _, unit in self._measured.values())
        self._timed = {name: timed for name, entry in history.items() if (timed := _timed_seconds(entry))}
        self._benchmark_pace = _pace(
            (seconds, benchmark_seconds(SOURCES[source], size, runtimes))
            for name, seconds in self._timed.items()
            if (source := name.partition("/")[0]) in SOURCES
            and isinstance(size := history[name].get("bytes"), int)
        )

    def of_model(
        self, name: str, source: Source, weights: int, units: int
    ) -> tuple[float, Literal["history", "formula"]]:
        """About how many seconds ``units`` opsets of a model of ``weights`` bytes take, and who says so."""
        measured = self._measured.get(name)
        if measured:
            return measured[1] + units * measured[2], "history"
        export = self._export_pace * export_seconds(source, weights)
        return export + units * self._unit_pace * unit_seconds(weights), "formula"

    def of_benchmarks(
        self, name: str, source: Source, weights: int, units: int
    ) -> tuple[float, Literal["history", "formula"]]:
        """About how many seconds timing ``units`` of a model of ``weights`` bytes takes, and who says so."""
        if name in self._timed:
            return units * self._timed[name], "history"
        return units * self._benchmark_pace * benchmark_seconds(source, weights, self._runtimes), "formula"


def _timed_seconds(entry: Entry) -> float | None:
    """The seconds that it took to time a unit, where an entry has them."""
    seconds = entry.get("seconds")
    taken = seconds.get(BENCHMARK) if isinstance(seconds, dict) else None
    return float(taken) if isinstance(taken, int | float) else None


def _seconds(entry: Entry) -> tuple[int, float, float] | None:
    """Bytes, seconds of the export and seconds of a unit, where an entry has them all."""
    seconds, size = entry.get("seconds"), entry.get("bytes")
    if not isinstance(seconds, dict) or not isinstance(size, int):
        return None
    export, unit = seconds.get("export"), seconds.get("unit")
    if not isinstance(export, int | float) or not isinstance(unit, int | float):
        return None
    return size, float(export), float(unit)


def _pace(pairs: Iterable[tuple[float, float]]) -> float:
    """The median of what was taken beside what the formula says; 1 where nothing was."""
    ratios = [taken / estimated for taken, estimated in pairs]
    return median(ratios) if ratios else 1.0
