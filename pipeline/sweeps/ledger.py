"""What became of each model and opset of a sweep, a line of JSON each: resumable, merged by concatenation.

A line is a :class:`publishing.coverage.Row` as JSON. The last line of a model and opset counts, so a ledger
that was taken up again, and those of several shards one after the other, are ledgers. A line that a killed
run has cut is passed over: that model is swept again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError
from publishing.coverage import Row

_FIELDS = {field.name for field in fields(Row)}


def append(ledger: Path, rows: Iterable[Row]) -> None:
    """Add ``rows``, and let them be on the disk when this returns."""
    lines = "".join(json.dumps(asdict(row), sort_keys=True) + "\n" for row in rows)
    with ledger.open("ab+") as stream:
        if stream.tell() and not _ends_a_line(ledger):
            lines = "\n" + lines
        stream.write(lines.encode())
        stream.flush()
        os.fsync(stream.fileno())


def _ends_a_line(file: Path) -> bool:
    with file.open("rb") as stream:
        stream.seek(-1, os.SEEK_END)
        return stream.read() == b"\n"


def read(ledgers: Iterable[Path]) -> dict[tuple[str, int], Row]:
    """The rows by model and opset, in the order of their first lines.

    Raises UsageError where a file cannot be read, or is another kind of file.
    """
    rows: dict[tuple[str, int], Row] = {}
    for ledger in ledgers:
        try:
            lines = ledger.read_text(encoding="utf-8").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{ledger} cannot be read: {error}. Name a ledger of a sweep.") from error
        for number, line in enumerate(lines, 1):
            value = _value(line)
            if value is None:
                continue
            if not isinstance(value, dict) or set(value) != _FIELDS:
                raise UsageError(
                    f"{ledger}:{number} is no line of a ledger. Name one that a sweep has written."
                )
            row = Row(**value)
            rows[row.model, row.opset] = row
    return rows


def _value(line: str) -> Any:
    """What a line says; None of an empty one, and of the beginning of one, as a killed run leaves it."""
    if not line.strip():
        return None
    try:
        return json.loads(line) or line  # what is false says nothing, and is no row
    except ValueError:
        return None if line.startswith("{") else line
