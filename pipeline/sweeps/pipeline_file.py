"""The pipeline file of a sweep: models of a source by the hundred, with random weights."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from converters.catalogue import ListedModel
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
    """The names of the models that are swept, in the order of the alphabet: one of each network.

    Raises UsageError where there is no such source, or nothing fits.
    """
    fitting, largest = models_fitting(settings.source, settings.patterns), settings.max_parameters
    names = [
        name
        for name in one_of_each_network(fitting, settings.patterns)
        if largest is None or (fitting[name].parameters or 0) <= largest
    ]
    if not names:
        raise UsageError(f"--max-params: all {len(fitting)} models that fit are larger. Give more.")
    return names


def one_of_each_network(fitting: Mapping[str, ListedModel], asked: Sequence[str]) -> list[str]:
    """The names of ``fitting``, sorted, without those that say which pretrained weights a network has.

    timm writes them behind a dot, as in ``resnet50.a1_in1k``. A sweep has random weights, so that names
    which differ in nothing else are the same to it: neither in how many parameters they have nor in the
    size of their pictures. Names in ``asked`` stay.
    """
    names, known = list[str](), set[tuple[str, int | None, tuple[int, int, int]]]()
    for name in sorted(fitting):
        network = name.partition(".")[0], fitting[name].parameters, fitting[name].input_size
        if name in asked or network not in known:
            names.append(name)
        known.add(network)
    return names


def write_pipeline_files(settings: SweepSettings, names: Sequence[str], folder: Path) -> list[Path]:
    """Write the pipeline files of a sweep into ``folder``: with them, each of its models can be run alone.

    Names that differ in capitals alone, as paddle/VGG16 and paddle/vgg16, may not stand in one, since they
    would be one file on some systems: the second of each is in ``pipeline-2.yaml``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    entry = {
        "source": settings.source,
        "weights": {"random": 0},
        "limits": {"seconds": settings.seconds, "memory_gib": settings.memory_gib},
    }
    files = []
    for number, some in enumerate(_apart(names), 1):
        value = {
            "publish": "zoo",
            "opsets": list(settings.opsets),
            "models": [{**entry, "models": list(some)}],
        }
        files.append(folder / (f"pipeline-{number}.yaml" if number > 1 else "pipeline.yaml"))
        files[-1].write_text(yaml.safe_dump(value, sort_keys=False), encoding="utf-8")
    return files


def _apart(names: Sequence[str]) -> list[list[str]]:
    """``names`` in groups, in none of which two differ in capitals alone."""
    groups, earlier = list[list[str]](), Counter[str]()
    for name in names:
        number = earlier[name.lower()]
        earlier[name.lower()] += 1
        groups += [[]] if number == len(groups) else []
        groups[number].append(name)
    return groups
