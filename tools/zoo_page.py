"""Write docs/zoo.md: what is published of the files in zoo/, in figures: ``python -m tools.zoo_page``.

Everything in it comes from the records of published files, and from the history of this machine for what
they took. Publish first; what is not published is named as such.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from parity.runtimes.registry import RUNTIMES
from pipeline.commands.figures import (
    Notes,
    Published,
    documents_of,
    figures_table,
    files_table,
    published_models,
    spelled,
)
from pipeline.commands.plan import plan_file
from pipeline.errors import PipelineError
from pipeline.estimates.history import read_history
from pipeline.planning.selection import Selection
from pipeline.terminal.text_tables import Column, Table, markdown
from publishing.pages import verdicts
from publishing.pages.markdown import inline
from publishing.record import Record

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "zoo.md"
LISTS = ROOT / "zoo"
GIBIBYTE = 1 << 30

INTRODUCTION = """\
# The zoo in figures

Made by `python -m tools.zoo_page` from the records of published files; publish with `python -m pipeline run`,
then make it again.

Parameters and multiply-adds are counted in the published ONNX files and held against what documents say of
the models: *theirs*. Accuracies are those that the documents report for the frameworks' own weights; none
was measured here. The *largest error* is relative to the largest logit of the source framework, over all
opsets, inputs and runtimes that compute the right numbers; of a RepVGG those logits are computed by its form
for training, and the file holds its form for inference. Times and memory are those of the last run on the
machine that made this page ({cores} cores): seconds for the export with its reference outputs, and for each
published opset, and the most that any one process of the model took."""

_VERDICTS = (
    Column("model", numbers=False),
    Column("opsets", numbers=False),
    Column("largest error"),
    Column("runs right in (at opsets)", numbers=False),
    Column("differs in", numbers=False),
    Column("export (s)"),
    Column("each opset (s)"),
    Column("memory (GiB)"),
)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tools.zoo_page",
        description="Write docs/zoo.md from the records of what is published of the pipeline files in zoo/.",
    )
    parser.add_argument(
        "files", type=Path, nargs="*", metavar="FILE", help="pipeline files (none: zoo/*.yaml)"
    )
    parser.add_argument("--publish", metavar="DIR|URL", help="where it was published, if elsewhere")
    parser.add_argument("--output", type=Path, metavar="FILE", default=DOCUMENT, help="default: docs/zoo.md")
    return parser.parse_args()


def main() -> None:
    """Write what the command line asks for."""
    wanted = arguments()
    files = wanted.files or [path for path in sorted(LISTS.glob("*.yaml")) if path.name != "figures.yaml"]
    try:
        sections = [section(path, wanted.publish) for path in files]
    except PipelineError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from error
    introduction = INTRODUCTION.format(cores=os.cpu_count())
    wanted.output.write_text("\n\n".join([introduction, *sections]) + "\n", encoding="utf-8")
    print(f"written: {wanted.output}")


def section(path: Path, publish: str | None) -> str:
    """What is published of one pipeline file, in Markdown."""
    models = published_models(plan_file(path, Selection(publish=publish)))
    notes = Notes()
    published = [model for model in models if model.records]
    absent = [model.job.name for model in models if not model.records]
    parts = [f"## {path.resolve().parent.name}/{path.name}"]
    if published:
        parts += [markdown(figures_table(published, notes, gaps=False)), *listed(notes.lines(inline))]
        parts += ["### Verdicts", markdown(verdicts_table(published, read_history()))]
        parts += ["### Files", markdown(files_table(published))]
        parts += listed(f"theirs: {inline(line)}" for line in documents_of(published))
    if absent:
        parts.append(f"In the file as well, and not published on this occasion: {inline(', '.join(absent))}.")
    return "\n\n".join(parts)


def listed(lines: Iterable[str]) -> list[str]:
    text = "\n".join(f"- {line}" for line in lines)
    return [text] if text else []


def verdicts_table(models: Sequence[Published], history: Mapping[str, Mapping[str, Any]]) -> Table:
    """A row for each model: how well its files compute, and what they took."""
    return Table(_VERDICTS, tuple(verdict_row(model, history.get(model.job.name, {})) for model in models))


def verdict_row(model: Published, noted: Mapping[str, Any]) -> tuple[str, ...]:
    right, wrong = runtimes(model.records)
    errors = [error for error in map(verdicts.worst_error_of, model.records) if error is not None]
    seconds, peak = noted.get("seconds", {}), noted.get("peak_memory")
    taken = [f"{seconds[stage]:.0f}" if stage in seconds else "" for stage in ("export", "unit")]
    return (
        model.job.name,
        spelled([record.opset for record in model.records]),
        f"{max(errors):.1e}",
        ", ".join(f"{name} ({spelled(opsets)})" for name, opsets in right.items()),
        ", ".join(f"{name} ({spelled(opsets)})" for name, opsets in wrong.items()),
        *taken,
        "" if peak is None else f"{peak / GIBIBYTE:.2f}",
    )


def runtimes(records: Sequence[Record]) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
    """The opsets at which each runtime computed the right numbers, and those at which it did not."""
    right: dict[str, list[int]] = {}
    wrong: dict[str, list[int]] = {}
    for name in RUNTIMES:
        for record in records:
            verdict = record.verdict["runtimes"].get(name, {"outcome": "not asked"})
            if verdict["outcome"] == "ran":
                (right if verdicts.agrees(verdict) else wrong).setdefault(name, []).append(record.opset)
    return right, wrong


if __name__ == "__main__":
    main()
