"""What is published beside what documents say of it: sizes, parameters and multiply-adds, as tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.planning.jobs import ModelJob, Plan
from pipeline.terminal.output import console_for_output, print_line
from pipeline.terminal.text_tables import Column, Table, markdown, print_table
from pipeline.terminal.wording import one_line
from publishing.pages.markdown import inline

if TYPE_CHECKING:
    from publishing.record import Record

MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class Published:
    """A model of a pipeline file, with the records of what is published of it."""

    job: ModelJob
    records: tuple[Record, ...]
    """In the order of the opsets."""

    @property
    def missing(self) -> list[int]:
        """The opsets that the file asks for and that are not published."""
        published_opsets = {record.opset for record in self.records}
        return [unit.opset for unit in self.job.units if unit.opset not in published_opsets]


def published_models(plan: Plan) -> list[Published]:
    """The models of a plan with their records."""
    published = plan.published
    return [
        Published(job, tuple(published[unit.name].record for unit in job.units if unit.name in published))
        for job in plan.jobs
    ]


_FIGURES = (
    Column("model", numbers=False),
    Column("opsets", numbers=False),
    Column("parameters\nours (M)"),
    Column("\ntheirs"),
    Column("\ndifference"),
    Column("multiply-\nadds (G)"),
    Column("in their\nway (G)"),
    Column("\ntheirs"),
    Column("\ndifference"),
    Column("reported\ntop-1 (%)"),
    Column("\ntop-5"),
    Column("note", numbers=False),
)

_FILES = (
    Column("file", numbers=False),
    Column(".onnx\n(MiB)"),
    Column("\ntheirs"),
    Column(".tar.gz\n(MiB)"),
    Column("\ntheirs"),
    Column("ONNX\nversion"),
    Column("\ntheirs"),
    Column("opset"),
    Column("IR\nversion"),
    Column("reported\ntop-1 (%)"),
    Column("\ntop-5"),
)


class Notes:
    """The explanations under a table, each told once."""

    def __init__(self) -> None:
        self._texts: dict[str, int] = {}

    def mark(self, text: str) -> str:
        """The mark of ``text``, such as ``[1]``."""
        return f"[{self._texts.setdefault(text, len(self._texts) + 1)}]"

    def lines(self, write: Callable[[str], str]) -> list[str]:
        """Every note behind its mark, as ``write`` writes what others said."""
        return [f"[{number}] {write(text)}" for text, number in self._texts.items()]


def figures_table(models: Sequence[Published], notes: Notes, *, gaps: bool) -> Table:
    """A row for each model and document, and with ``gaps`` one for what is not published of it."""
    return Table(_FIGURES, tuple(row for model in models for row in _figures_rows(model, notes, gaps)))


def _figures_rows(model: Published, notes: Notes, gaps: bool) -> Iterator[tuple[str, ...]]:
    name = model.job.name
    if not model.records:
        yield _row(_FIGURES, name, "not published yet")
        return
    for opsets, figures in _alike(model.records):
        ours, reported = _ours(figures), figures["reported"]
        first = (name, opsets)
        for document in reported or [{}]:
            yield (*first, *_beside(ours, document, notes))
            first = ("", "")
    if gaps and model.missing:
        yield _row(_FIGURES, "", f"{spelled(model.missing)} not published yet")


def _alike(records: Sequence[Record]) -> list[tuple[str, Mapping[str, Any]]]:
    """Opsets with the same figures: all of them, where nothing is amiss."""
    groups: list[tuple[list[int], Mapping[str, Any]]] = []
    for record in records:
        same = next((opsets for opsets, figures in groups if figures == record.figures), None)
        if same is None:
            groups.append(([record.opset], record.figures))
        else:
            same.append(record.opset)
    return [(spelled(opsets), figures) for opsets, figures in groups]


def spelled(opsets: Sequence[int]) -> str:
    """Opsets in short: ``3-5, 9``."""
    ranges: list[list[int]] = []
    for opset in opsets:
        if ranges and ranges[-1][-1] == opset - 1:
            ranges[-1].append(opset)
        else:
            ranges.append([opset])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in ranges)


def _ours(figures: Mapping[str, Any]) -> tuple[str, str]:
    counted = figures["multiply_adds"]
    return _short(figures["parameters"] / 1e6), _short(counted["total"] / 1e9) if counted else "unknown"


def _short(value: float) -> str:
    """Three digits behind the point, or three that say something."""
    return f"{value:.3f}" if value >= 0.1 else f"{value:.3g}"


def _beside(ours: tuple[str, str], document: Mapping[str, Any], notes: Notes) -> Iterator[str]:
    """The cells behind the opsets."""
    parameters, operations = document.get("parameters", {}), document.get("operations", {})
    way = operations.get("ours")
    yield from (ours[0], _given(parameters.get("reported")), _percent(parameters))
    yield from (ours[1], "" if way is None else _short(way / 1e9))
    yield from (_given(operations.get("reported")), _percent(operations))
    yield from (_given(document.get("top1")), _given(document.get("top5")))
    yield " ".join(
        notes.mark(f"{what.replace('_', ' ')}: {document[what]['explanation']}")
        for what in ("input_size", "parameters", "operations")
        if document.get(what, {}).get("explanation")
    )


def _given(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _percent(compared: Mapping[str, Any]) -> str:
    percent = compared.get("difference_percent")
    return "" if percent is None else f"{round(percent, 2) + 0.0:+.2f}%"


def files_table(models: Sequence[Published]) -> Table:
    """A row for each file, with the columns of the original zoo's table."""
    return Table(_FILES, tuple(_file_row(record) for model in models for record in model.records))


def _file_row(record: Record) -> tuple[str, ...]:
    theirs: Mapping[str, Any] = next(
        (
            file
            for document in record.figures["reported"]
            for file in document["files"]
            if file["opset"] == record.opset
        ),
        {},
    )
    sizes = []
    for ours, key in (("onnx", "onnx"), ("tar.gz", "tar_gz")):
        size = theirs.get(key)
        sizes += [
            f"{record.files[ours].bytes / MEBIBYTE:.1f}",
            "" if size is None else f"{size * theirs['megabyte'] / MEBIBYTE:.1f}",
        ]
    return (
        record.name,
        *sizes,
        record.onnx_version,
        str(theirs.get("onnx_version", "")),
        str(record.opset),
        str(record.ir_version),
        _given(theirs.get("top1")),
        _given(theirs.get("top5")),
    )


def _row(columns: Sequence[Column], *cells: str) -> tuple[str, ...]:
    return (*cells, *[""] * (len(columns) - len(cells)))


def documents_of(models: Sequence[Published]) -> list[str]:
    """The documents of the models, and how each counts, a line each."""
    documents = {document.title: document for model in models for document in model.job.documents}
    lines = []
    for title, document in documents.items():
        times = document.counts.model_dump()
        counts = ", ".join(f"{count} of {kind.replace('_', ' ')}" for kind, count in times.items())
        if len(set(times.values())) == 1:
            counts = str(times["convolutions"])
        counted = any(reported.operations for reported in document.models.values())
        lines.append(f"{title}{f'; operations for a multiply-add: {counts}' if counted else ''}")
    return lines


def show_figures(plan: Plan, output: str) -> None:
    """Print figures and files; ``output`` is ``text`` or ``markdown``."""
    models, notes = published_models(plan), Notes()
    tables = [figures_table(models, notes, gaps=True), files_table(models)]
    if output == "markdown":
        parts = [markdown(table) for table in tables if table.rows]
        print("\n\n".join([*parts, *notes.lines(inline), *map(inline, _theirs(models))]))
        return
    console = console_for_output()
    for table in tables:
        if table.rows:
            print_table(table, console)
            console.print()
    for line in (*notes.lines(one_line), *map(one_line, _theirs(models))):
        print_line(console, line)


def _theirs(models: Sequence[Published]) -> list[str]:
    return [f"theirs: {line}" for line in documents_of(models)]
