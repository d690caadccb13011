"""Which records a card puts together, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

from publishing.pages.formatting import listed, natural, spelled
from publishing.pages.markdown import code
from publishing.record import Record


def sorted_by(record: Record) -> tuple[Any, ...]:
    """Return the key of a record's place: source, family, model (``vgg9`` before ``vgg16``), opset."""
    return (
        record.source,
        record.family,
        natural(record.model),
        record.model,
        record.opset,
        precision(record),
    )


def precision(record: Record) -> str:
    """Return what stands behind the opset in a unit's name: ``int8``, ``batch1``; empty for float32."""
    return record.name.partition("@")[2].partition("-")[2]


def fixed_batch(record: Record) -> int | None:
    """Return the number of pictures that a file takes at a time; None where that is open."""
    first = record.io_ports["inputs"][0]["shape"][:1]
    return first[0] if first and isinstance(first[0], int) else None


def opsets(records: Iterable[Record]) -> str:
    """Name the opsets of some files: ``opset 7``, ``opsets 3 to 12``."""
    numbers = sorted({record.opset for record in records})
    return f"opset{'s' if len(numbers) > 1 else ''} {spelled(numbers)}"


def grouped(records: Iterable[Record], key: Callable[[Record], Hashable]) -> list[list[Record]]:
    """Put together what is equal by ``key``, in the order of the first of each."""
    groups: dict[Hashable, list[Record]] = {}
    for record in records:
        groups.setdefault(key(record), []).append(record)
    return list(groups.values())


def representatives(records: Iterable[Record]) -> list[Record]:
    """Return one record of each model: of the newest opset, in float32 where there is one."""
    return [
        max(some, key=lambda record: (not precision(record), record.opset))
        for some in grouped(records, lambda record: (record.source, record.family, record.model))
    ]


def named(models: Iterable[Record]) -> str:
    """Write the models' names as Markdown, each once."""
    return listed(code(name) for name in dict.fromkeys(model.model for model in models))


def shared(models: Sequence[Record], say: Callable[[Record], str]) -> list[tuple[str, str]]:
    """Say each thing once: of whom, empty where it is true of all models, and what."""
    groups = grouped(models, say)
    return [("" if len(groups) == 1 else named(some), say(some[0])) for some in groups]


def family_title(records: Sequence[Record]) -> str:
    """Return a family's name as its models spell it: ``RepVGG`` of ``RepVGG_A0``."""
    family = records[0].family
    spelled = [
        record.model[: len(family)] for record in records if record.model.lower().startswith(family.lower())
    ]
    return max(spelled, key=lambda name: sum(map(str.isupper, name)), default=family)
