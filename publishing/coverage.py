"""What became of every model of a source at each opset that was tried: rows, and the tables that keep them.

A table is CSV as RFC 4180 has it, a row for each model and opset, sorted. Mappings are written as
``export 5.1; parity 2.3``.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

from publishing.errors import PublishError
from publishing.pages.formatting import natural

PUBLISHED = "published"
VERIFIED = "verified"
ONNX_FILES = "onnx"
"""The source of files that others made: no framework is asked, and nothing is published."""


@dataclass(frozen=True)
class Row:
    """One model at one opset."""

    model: str
    """``<source>/<name>``."""
    opset: int
    stage: str
    """The last one of :func:`stages_of` its source, or the one that it did not get past."""
    cause: str
    """Empty where it was published; else one word or two by which failures are counted."""
    reason: str
    """What was said of it, the first line."""
    family: str
    parameters: int | None
    """Learned values, as the source's list has them."""
    error: float | None
    """The largest error of any runtime, relative to the largest reference logit."""
    runtimes: Mapping[str, str]
    """``ok``, ``wrong``, or why it computed nothing, by runtime; empty where none was asked."""
    seconds: Mapping[str, float]
    """By stage; of what a model's opsets share, the whole."""
    peak_memory: Mapping[str, int]
    """The most resident bytes of any process, by stage."""
    versions: Mapping[str, str]

    @property
    def good(self) -> bool:
        return self.stage == stages_of(self.source)[-1]

    @property
    def source(self) -> str:
        return self.model.partition("/")[0]


STAGES = ("environment", "build", "export", "retarget", "parity", "publish", PUBLISHED)
"""Where a model can end, in their order. A network that its framework cannot build ends at ``build``."""
FILE_STAGES = ("read", "retarget", "parity", VERIFIED)
"""The same of a file that somebody else made."""
COLUMNS = tuple(field.name for field in fields(Row))


def stages_of(source: str) -> tuple[str, ...]:
    """Where a model of ``source`` can end, in their order; what ends at the last one is right."""
    return FILE_STAGES if source == ONNX_FILES else STAGES


def by_source(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """The rows of each source, in the order of the alphabet."""
    listed = list(rows)
    sources = sorted({row.source for row in listed})
    return {source: [row for row in listed if row.source == source] for source in sources}


def table(rows: Iterable[Row]) -> str:
    """The CSV of ``rows``, in one order whatever theirs."""
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in sorted(rows, key=lambda row: (natural(row.model), row.model, row.opset)):
        writer.writerow([_written(getattr(row, column)) for column in COLUMNS])
    return output.getvalue()


def _written(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return "; ".join(f"{name} {value[name]}" for name in value)
    return value


def read_table(text: str, name: str) -> list[Row]:
    """The rows of a CSV that :func:`table` has written.

    Raises PublishError that names the table, ``name``, and the line.
    """
    reader = csv.reader(io.StringIO(text))
    try:
        header, *lines = reader
        if tuple(header) != COLUMNS:
            raise ValueError(f"its columns are not {', '.join(COLUMNS)}")
        return [_row(dict(zip(COLUMNS, line, strict=True))) for line in lines]
    except (ValueError, csv.Error) as error:
        raise PublishError(f"{name}:{reader.line_num} is no table of a sweep: {error}") from error


def _row(cells: Mapping[str, str]) -> Row:
    return Row(
        model=cells["model"],
        opset=int(cells["opset"]),
        stage=cells["stage"],
        cause=cells["cause"],
        reason=cells["reason"],
        family=cells["family"],
        parameters=int(cells["parameters"]) if cells["parameters"] else None,
        error=float(cells["error"]) if cells["error"] else None,
        runtimes=_pairs(cells["runtimes"]),
        seconds={name: float(value) for name, value in _pairs(cells["seconds"]).items()},
        peak_memory={name: int(value) for name, value in _pairs(cells["peak_memory"]).items()},
        versions=_pairs(cells["versions"]),
    )


def _pairs(text: str) -> dict[str, str]:
    return {name: value for name, _, value in (part.partition(" ") for part in text.split("; ") if part)}
