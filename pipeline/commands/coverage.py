"""The command that makes tables and a page of what sweeps have found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.sweeps.ledger import read
from publishing.coverage import Row, by_source, read_table, table
from publishing.coverage_notes import NOTES, Note, read_notes
from publishing.errors import PublishError
from publishing.pages.catalogue import assets
from publishing.pages.coverage import coverage_page

PAGE = "index.html"


def write_coverage(ledgers: Sequence[Path], folder: Path, style: str | None = None) -> list[Path]:
    """Write ``<source>.csv`` for each source in ``ledgers`` into ``folder``, and the page of all that it has.

    What ``notes.toml`` in it says of models that failed stands beside their reasons there. ``style`` is where
    the page finds the catalogue's, with a slash behind it; None writes that as well. Returns the tables and
    the page. Raises UsageError, with nothing written.
    """
    rows = list(read(ledgers).values())
    tables = {source: table(some) for source, some in by_source(rows).items()}
    known = {file.stem: file.read_text(encoding="utf-8") for file in folder.glob("*.csv")} | tables
    if not known:
        raise UsageError(f"{folder} has no tables, and no ledger was named. Name those of a sweep.")
    try:
        listed = [row for name in sorted(known) for row in read_table(known[name], f"{folder / name}.csv")]
        notes = _notes(folder / NOTES, listed)
    except PublishError as error:
        raise UsageError(str(error)) from error
    folder.mkdir(parents=True, exist_ok=True)
    for source, text in tables.items():
        (folder / f"{source}.csv").write_text(text, encoding="utf-8")
    for place, content in ({} if style else assets()).items():
        (folder / place).parent.mkdir(exist_ok=True)
        (folder / place).write_bytes(content)
    (folder / PAGE).write_bytes(coverage_page(listed, style or "assets/", notes))
    return [*(folder / f"{source}.csv" for source in tables), folder / PAGE]


def _notes(file: Path, rows: Sequence[Row]) -> dict[str, Note]:
    return read_notes(file.read_text(encoding="utf-8"), str(file), rows) if file.exists() else {}
