"""The pipeline file of a sweep: models of a source by the hundred, with random weights."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from pipeline.config.versions import parse_opsets
from pipeline.errors import UsageError
from pipeline.planning.names import models_fitting

_FACTORS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}


@dataclass(frozen=True)
class SweepSettings:
    """What a sweep is about."""

    source: str
    patterns: tuple[str, ...]
    """Names, or globs over names; none: all."""
    opsets: tuple[int, ...]
    max_parameters: int | None
    """Models with more learned values are left out; those of unknown size are not."""
    seconds: float
    """The limit of each process."""
    memory_gib: float
    """The same."""


def parse_parameters(text: str) -> int:
    """Read a number of parameters, such as ``50M``, ``1.5G`` or ``300000``. Raises UsageError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([kKmMgG]?)", text.strip())
    if not match:
        raise UsageError(f"--max-params: {text!r} is no number of parameters. Give one such as 50M.")
    return round(float(match[1]) * _FACTORS[match[2].lower()])


def opsets_of(text: str) -> tuple[int, ...]:
    """Read ``3,7,9-12``. Raises UsageError."""
    try:
        return parse_opsets(text)
    except ValueError as error:
        raise UsageError(f"--opsets: {error}.") from error


def models_of(settings: SweepSettings) -> list[str]:
    """The names of the models that are swept, in the order of the alphabet.

    Raises UsageError where there is no such source, or nothing fits.
    """
    fitting, largest = models_fitting(settings.source, settings.patterns), settings.max_parameters
    names = [
        name for name in sorted(fitting) if largest is None or (fitting[name].parameters or 0) <= largest
    ]
    if not names:
        raise UsageError(f"--max-params: all {len(fitting)} models that fit are larger. Give more.")
    return names


def write_pipeline_file(settings: SweepSettings, names: Sequence[str], folder: Path) -> Path:
    """Write the pipeline file of a sweep into ``folder``: with it, each of its models can be run alone."""
    folder.mkdir(parents=True, exist_ok=True)
    entry = {
        "source": settings.source,
        "models": list(names),
        "weights": {"random": 0},
        "limits": {"seconds": settings.seconds, "memory_gib": settings.memory_gib},
    }
    value = {"publish": "zoo", "opsets": list(settings.opsets), "models": [entry]}
    file = folder / "pipeline.yaml"
    file.write_text(yaml.safe_dump(value, sort_keys=False), encoding="utf-8")
    return file
