"""The tables of a card, as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from publishing.benchmarks import Benchmark
from publishing.pages import accuracies, prose
from publishing.pages.card_groups import precision
from publishing.pages.formatting import shape, size
from publishing.pages.latency import times_of
from publishing.pages.markdown import code, link, table, text
from publishing.record import Record

_DOWNLOADS = (
    "Model",
    "Download",
    "Download (with sample test data)",
    "ONNX version",
    "Opset version",
    "Top-1 accuracy",
    "Top-5 accuracy",
)
_EVIDENCE = {"record.json": "record", "cdx.json": "SBOM", "intoto.json": "provenance"}
_THUMBNAIL = re.compile(r"pictures/[A-Za-z0-9_-][A-Za-z0-9._-]*")


def of_one_form(models: Iterable[Record]) -> bool:
    """Tell whether the same can be said of all networks' form."""
    return len(set(map(prose.form_of, models))) == 1


def description(models: Sequence[Record]) -> str:
    """Write the models' sizes as counted in their files, and their forms where these differ."""
    heads = ["Model", "Parameters (million)", "Multiply-adds (billion)", "Input"]
    rows = [_described(model) for model in models]
    if not of_one_form(models):
        heads.append("Network")
        rows = [[*row, text(prose.form_of(model))] for row, model in zip(rows, models, strict=True)]
    return table(heads, rows, right=(1, 2))


def _described(model: Record) -> list[str]:
    parameters, counted = model.figures["parameters"], model.figures["multiply_adds"]
    return [
        link(model.model, f"{model.model}.html"),
        f"{parameters / 10**6:.2f}",
        f"{counted['total'] / 10**9:.2f}" if counted else "not known",
        shape(model.io_ports["inputs"][0]["shape"][1:]),
    ]


def downloads(records: Sequence[Record]) -> str:
    """Write the zoo's own table: a row for every file."""
    numbered = {title: number for number, title in enumerate(documents(records), start=1)}
    rows = [
        (
            _name(record),
            *(
                link(size(record.files[kind].bytes), f"model/{record.stem}.{kind}")
                for kind in ("onnx", "tar.gz")
            ),
            text(record.onnx_version),
            str(record.opset),
            *(_accuracy(record, key, numbered) for key in ("top1", "top5")),
        )
        for record in records
    ]
    return table(_DOWNLOADS, rows, right=(1, 2, 3, 4))


def documents(records: Iterable[Record]) -> list[str]:
    """List the documents that report an accuracy, in the order in which a card numbers them."""
    titles = [
        title for record in records for key in ("top1", "top5") for title, _ in prose.reported(record, key)
    ]
    return list(dict.fromkeys(titles))


def measured(records: Iterable[Record]) -> str:
    """Write what was measured of the files; empty where nothing was."""
    heads = ("Model", "Opset", "Data set", "Runtime", "Top-1 accuracy", "Top-5 accuracy")
    rows = [
        (
            _name(record),
            str(record.opset),
            text(accuracies.data_set_of(figure)),
            text(f"{prose.runtime_title(figure['runtime'])} {figure['version']}"),
            *(accuracies.figure_of(figure, key) for key in accuracies.KINDS),
        )
        for record in records
        for figure in record.accuracy
    ]
    return table(heads, rows, right=(1, 4, 5)) if rows else ""


def _accuracy(record: Record, key: str, numbered: dict[str, int]) -> str:
    figure = accuracies.first_measured(record)
    own = [f"{figure[key]['percent']:.2f}% [measured](#validation-accuracy)"] if figure else []
    reported = [
        f"{percent:g}% [reported ({numbered[title]})](#references)"
        for title, percent in prose.reported(record, key)
    ]
    return ", ".join([*own, *reported]) or "–"


def _name(record: Record) -> str:
    return text(f"{record.model} {precision(record)}")


def data_sets(model: Record) -> str:
    """Write what is in the folders of a model's archives."""
    rows = [
        (
            code(f"test_data_set_{number}"),
            text(prose.data_set_of(model, data_set["name"])),
            shape(data_set["shape"]),
        )
        for number, data_set in enumerate(model.inputs)
    ]
    return table(("Folder", "Made from", "Shape of the input"), rows)


def thumbnails(models: Iterable[Record]) -> str:
    """Show the small copies of the sample pictures, each once."""
    pictures = {
        str(prediction["thumbnail"]): prediction["picture"]
        for model in models
        for prediction in model.predictions
    }
    shown = {path: name for path, name in pictures.items() if _THUMBNAIL.fullmatch(path)}
    return " ".join("!" + link(name, f"../../{path}") for path, name in shown.items())


def parity(records: Sequence[Record]) -> str:
    """Write what every runtime made of every file."""
    runtimes = _runtimes(records)
    heads = ("Model", "Opset", *(text(prose.runtime_title(name)) for name in runtimes), "Evidence")
    rows = [
        (
            _name(record),
            str(record.opset),
            *(_outcome(record, name) for name in runtimes),
            ", ".join(link(words, f"model/{record.stem}.{kind}") for kind, words in _EVIDENCE.items()),
        )
        for record in records
    ]
    return table(heads, rows, right=range(1, len(runtimes) + 2))


def _runtimes(records: Iterable[Record]) -> list[str]:
    """The runtimes that were asked, those first that most people have."""
    names = {name for record in records for name in record.verdict["runtimes"]}
    return [*(name for name in prose.RUNTIMES if name in names), *sorted(names - set(prose.RUNTIMES))]


def _outcome(record: Record, name: str) -> str:
    runtimes = record.verdict["runtimes"]
    return text(prose.outcome_of(runtimes[name])) if name in runtimes else ""


def versions(records: Sequence[Record]) -> list[str]:
    """List the runtimes with the versions that were asked."""
    named_versions = [
        (name, record.verdict["runtimes"][name]["version"])
        for name in _runtimes(records)
        for record in records
        if name in record.verdict["runtimes"]
    ]
    return [
        text(f"{prose.runtime_title(name)}: {version}")
        for name, version in dict.fromkeys(named_versions)
        if version
    ]


_BAR = 20
"""Characters of the longest bar."""


def latency(timed: Sequence[tuple[Record, Benchmark]]) -> str:
    """Write the times of each file for its smallest batch, with bars."""
    heads = ("Model", "Opset", "Runs in", "Batch", "Median", "", "90%", "99%", "Peak memory", "Of the source")
    rows = []
    for record, benchmark in timed:
        for _, batch in times_of(benchmark).batches[:1]:
            rows += [
                (
                    _name(record),
                    str(record.opset),
                    text(row.title),
                    str(row.batch),
                    row.median,
                    "█" * max(1, round(_BAR * row.share)),
                    row.p90,
                    row.p99,
                    row.memory,
                    row.ratio,
                )
                for row in batch
            ]
    return table(heads, rows, right=(1, 3, 4, 6, 7, 8, 9))
