"""About how long a model takes: as long as it took here before, or as follows from its size.

The formula, with W the bytes of the weights in GB::

    export = start of the framework + seconds per GB * W
    unit   = seconds per unit + seconds per GB * W      (retarget, run in each runtime, archive, publish)

Its coefficients come from two cores with nothing else to do: small models of every source, and a VGG-16
at one opset through torchvision (35 s; the formula says 37), Paddle (44 and 34) and MXNet (26 and 30).
Where this machine has done other models, the formula is multiplied by the median of what these took
beside what it says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import median
from typing import Literal

from converters.interface import Source
from converters.registry import SOURCES
from pipeline.estimates.history import Entry

EXPORT_PER_GB = 30.0
UNIT, UNIT_PER_GB = 1.0, 16.0


def export_seconds(source: Source, weights: int) -> float:
    """The seconds that the formula gives for an export of ``weights`` bytes."""
    return source.start_seconds + EXPORT_PER_GB * weights / 1e9


def unit_seconds(weights: int) -> float:
    """The seconds that the formula gives for one opset of a model."""
    return UNIT + UNIT_PER_GB * weights / 1e9


class Durations:
    """What the history of this machine says of the models in it, and of others."""

    def __init__(self, history: Mapping[str, Entry]) -> None:
        """``history`` as :func:`pipeline.estimates.history.read_history` gives it."""
        self._measured = {name: seconds for name, entry in history.items() if (seconds := _seconds(entry))}
        self._export_pace = _pace(
            (export, export_seconds(SOURCES[source], size))
            for name, (size, export, _) in self._measured.items()
            if (source := name.partition("/")[0]) in SOURCES
        )
        self._unit_pace = _pace((unit, unit_seconds(size)) for size, _, unit in self._measured.values())

    def of_model(
        self, name: str, source: Source, weights: int, units: int
    ) -> tuple[float, Literal["history", "formula"]]:
        """About how many seconds ``units`` opsets of a model of ``weights`` bytes take, and who says so."""
        measured = self._measured.get(name)
        if measured:
            return measured[1] + units * measured[2], "history"
        export = self._export_pace * export_seconds(source, weights)
        return export + units * self._unit_pace * unit_seconds(weights), "formula"


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
