"""The verdicts of one model as a matrix: a row for each file, a column for each runtime that was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from publishing.pages import verdicts
from publishing.record import Record

Kind = Literal["agrees", "differs", "silent"]

_SYMBOLS: Mapping[Kind, str] = {"agrees": "✓", "differs": "✗", "silent": "–"}
_SAYS_NOTHING = ("unsupported", "missing")
"""Outcomes that speak neither for nor against a file."""


@dataclass(frozen=True)
class Cell:
    """What one runtime made of one file; errors are relative to the largest reference logit."""

    kind: Kind
    outcome: str
    """In a word: ``agrees``, ``disagrees``, or what became of it instead of running."""
    worst: float | None
    """The largest relative error over all data sets; None where there is none."""
    version: str
    role: str
    reason: str
    comparisons: Mapping[str, Mapping[str, Any]]
    """Per data set, as the record has them."""

    @property
    def symbol(self) -> str:
        """A sign that tells the kinds apart without colours."""
        return _SYMBOLS[self.kind]


@dataclass(frozen=True)
class Matrix:
    """Cells by row and column; None where a runtime was not asked."""

    runtimes: tuple[str, ...]
    rows: tuple[tuple[Record, tuple[Cell | None, ...]], ...]


def matrix(records: Sequence[Record]) -> Matrix:
    """Lay out the verdicts of ``records``, in their order; judges come before second opinions."""
    judges: dict[str, bool] = {}
    for record in records:
        for name, runtime in record.verdict["runtimes"].items():
            judges[name] = judges.get(name, False) or bool(runtime["judge"])
    runtimes = tuple(sorted(judges, key=lambda name: (not judges[name], name)))
    rows = tuple((record, tuple(_cell(record, name) for name in runtimes)) for record in records)
    return Matrix(runtimes, rows)


def _cell(record: Record, name: str) -> Cell | None:
    runtime = record.verdict["runtimes"].get(name)
    if runtime is None:
        return None
    kind, outcome = _outcome(runtime)
    return Cell(
        kind=kind,
        outcome=outcome,
        worst=verdicts.worst_error(runtime),
        version=runtime["version"],
        role=_role(runtime),
        reason=runtime["reason"],
        comparisons=runtime["comparisons"],
    )


def _outcome(runtime: Mapping[str, Any]) -> tuple[Kind, str]:
    if runtime["outcome"] == "ran":
        return ("agrees", "agrees") if verdicts.agrees(runtime) else ("differs", "disagrees")
    return ("silent" if runtime["outcome"] in _SAYS_NOTHING else "differs"), runtime["outcome"]


def _role(runtime: Mapping[str, Any]) -> str:
    role = "its word alone decides" if runtime["judge"] else "a second opinion"
    return role if runtime["independent"] else f"{role}, and not independent of this project"
