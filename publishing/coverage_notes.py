"""What is known about failures beyond their reasons: ``notes.toml`` beside the tables of a coverage.

A table for each model, by its name::

    ["timm/efficientnet_b3_gn"]
    because = "the operator or the fault of a framework that is behind it"
    issue = "https://github.com/owner/project/issues/1"   # where it is public
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from publishing.coverage import Row
from publishing.errors import PublishError

NOTES = "notes.toml"


@dataclass(frozen=True)
class Note:
    """What is known about the failures of one model."""

    because: str
    issue: str
    """An address, or empty."""


def read_notes(text: str, name: str, rows: Iterable[Row]) -> dict[str, Note]:
    """The notes in ``text`` by model, each of a model that fails in ``rows``.

    Raises PublishError that names the file, ``name``: also where a model is right by now, so that no note
    stays when what it speaks of is gone.
    """
    failed = {row.model for row in rows if not row.good}
    try:
        entries = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PublishError(f"{name} is no TOML: {error}") from error
    return {model: _note(model, entry, name, model in failed) for model, entry in entries.items()}


def _note(model: str, entry: object, name: str, fails: bool) -> Note:
    if not isinstance(entry, Mapping) or not set(entry) <= {"because", "issue"}:
        raise PublishError(f"{name}: {model} may have 'because' and 'issue', and nothing else")
    because, issue = entry.get("because"), entry.get("issue", "")
    if not isinstance(because, str) or not because or not isinstance(issue, str):
        raise PublishError(f"{name}: {model} needs a text 'because', and 'issue' is an address")
    if issue and not issue.startswith("https://"):
        raise PublishError(f"{name}: the issue of {model}, {issue!r}, is no https:// address")
    if not fails:
        raise PublishError(f"{name} has a note on {model}, which fails in no table: take it out")
    return Note(because, issue)
