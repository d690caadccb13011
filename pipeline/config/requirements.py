"""Packages that code of the user's needs beside those of its environment: what can be wrong with them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from converters.interface import Source
from converters.registry import SOURCES
from pipeline.config.code_files import split_function
from pipeline.config.schema import ModelEntry

PINNED = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)==([A-Za-z0-9.+!_-]+)")
"""A package and its version, as PEP 440 spells it, and nothing beside them."""


def canonical(package: str) -> str:
    """The one spelling of the name of a package (PEP 503)."""
    return re.sub(r"[-_.]+", "-", package).lower()


def requirement_mistakes(entry: ModelEntry, source: Source) -> Iterator[str]:
    """Why the ``requirements`` of ``entry`` cannot be installed."""
    if not entry.requirements:
        return
    if not source.reads_code:
        yield f"requirements are for code of your own (source: pytorch), and {source.name} has what it needs."
        return
    if not all(split_function(pattern)[1] for pattern in entry.patterns):
        yield "a TorchScript archive imports nothing. Remove requirements from this entry."
    lock = (SOURCES[source.environment].folder / "requirements.lock").read_text(encoding="utf-8")
    there = {canonical(name): version for name, version in PINNED.findall(lock)}
    asked: set[str] = set()
    for requirement in entry.requirements:
        pinned = PINNED.fullmatch(requirement)
        if not pinned:
            yield f"{requirement!r} is not pinned: give NAME==VERSION, so that the same is installed again."
            continue
        name = canonical(pinned[1])
        if name in there:
            yield f"the environment has {name} {there[name]} already. Remove {requirement} from requirements."
        if name in asked:
            yield f"requirements have {name} twice. Remove one."
        asked.add(name)
