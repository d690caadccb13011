"""The card of a family of models, with the sections of the ONNX Model Zoo's own.

https://github.com/onnx/models/blob/main/contribute.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from publishing.benchmarks import Benchmark
from publishing.pages import accuracies, card_tables, prose
from publishing.pages.card_groups import (
    family_title,
    grouped,
    named,
    opsets,
    precision,
    representatives,
    shared,
)
from publishing.pages.formatting import listed
from publishing.pages.latency import machine_of, versions_of
from publishing.pages.markdown import code, fenced, text
from publishing.pages.reductions import told_of
from publishing.pages.snippet import has_imagenet_classes, snippet
from publishing.pages.text_template import render
from publishing.record import Record

_DATASET = (
    "The names of the 1000 classes are those of ImageNet (ILSVRC 2012), in "
    "[imagenet\\_classes.txt](../../imagenet_classes.txt)."
)


def family_card(records: Sequence[Record], benchmarks: Mapping[str, Benchmark]) -> str:
    """Write the card of the records of one family, which are in the order of the card.

    ``benchmarks`` are measured times by the names of units.
    """
    models = representatives(records)
    timed = [(record, benchmarks[record.name]) for record in records if record.name in benchmarks]
    times = {
        "latency": card_tables.latency(timed) if timed else "",
        "machines": list(dict.fromkeys(text(machine_of(benchmark)) for _, benchmark in timed)),
        "timed": list(dict.fromkeys(text(versions_of(benchmark)) for _, benchmark in timed)),
    }
    return render("card.md.jinja", _facts(records, models) | _evidence(records, models) | times)


def _facts(records: Sequence[Record], models: Sequence[Record]) -> dict[str, Any]:
    """What is said of the models."""
    random = [model for model in models if prose.is_random(model)]
    return {
        "title": text(family_title(records)),
        "framework": text(records[0].framework),
        "random_weights": text(prose.RANDOM_WEIGHTS),
        "random_meaning": text(prose.RANDOM_MEANING),
        "no_framework": text(prose.NO_FRAMEWORK) if prose.is_of_file(models[0]) else "",
        "random": named(random),
        "all_random": len(random) == len(models),
        "models": len(models),
        "files": len(records),
        "opsets": opsets(records),
        "classes": listed(sorted({model.io_ports["outputs"][0]["shape"][-1] for model in models})),
        "imagenet": all(map(has_imagenet_classes, models)),
        "of_imagenet": shared(models, lambda model: _DATASET if has_imagenet_classes(model) else ""),
        "named_classes": _named_classes(models),
        "description": card_tables.description(models),
        "form": text(prose.form_of(models[0])) if card_tables.of_one_form(models) else "",
        "weights": shared(models, lambda model: text(prose.weights_of(model))),
        "downloads": card_tables.downloads(records),
        "measured": card_tables.measured(records),
        "measured_remarks": [text(remark) for remark in accuracies.remarks_of(records)],
        "documents": [text(title) for title in card_tables.documents(records)],
        "exporters": shared(models, lambda model: text(prose.export_of(model))),
        "uses": _uses(models),
        "precisions": _precisions(records),
        "reductions": [(code(stem), text(told)) for stem, told in told_of(records)],
        "licenses": shared(models, _license),
    }


def _evidence(records: Sequence[Record], models: Sequence[Record]) -> dict[str, Any]:
    """What is said of the test data, and of the files' verdicts."""
    return {
        "data_sets": shared(models, card_tables.data_sets),
        "references": shared(models, lambda model: text(prose.reference_of(model))),
        "thumbnails": card_tables.thumbnails(models),
        "tolerances": shared(models, lambda model: text(prose.tolerance_of(model))),
        "parity": card_tables.parity(records),
        "versions": card_tables.versions(records),
        "old": _old(records),
        "remarks": [
            f"{code(record.stem)}: {text(remark)}"
            for record in records
            for remark in (record.verdict["dissent"], *record.bounds)
            if remark
        ],
    }


def _uses(models: Sequence[Record]) -> list[dict[str, Any]]:
    """How to use the models, those together that differ in nothing but the name of the file."""
    groups = grouped(models, lambda model: snippet(model).replace(model.stem, "") + str(_use(model)))
    return [
        _use(some[0])
        | {
            "title": _title(some) if len(groups) > 1 else "",
            "others": named(some[1:]) if len(some) > 1 else "",
            "file": code(f"model/{some[0].stem}.onnx"),
            "snippet": fenced(snippet(some[0]), "python"),
        }
        for some in groups
    ]


def _title(models: Sequence[Record]) -> str:
    more = f" and {len(models) - 1} more" if len(models) > 1 else ""
    return text(f"{models[0].model}{more}")


def _use(model: Record) -> dict[str, Any]:
    return {
        "input": text(prose.input_of(model)),
        "preprocessing": [text(step) for step in prose.preprocessing_of(model)],
        "output": text(prose.output_of(model)),
        "postprocessing": text(prose.postprocessing_of(model)),
        "runs_in": text(prose.runs_in(model)),
    }


def _named_classes(models: Sequence[Record]) -> list[tuple[str, str]]:
    """What the classes of the models are called, of those whose names somebody said."""
    labelled = [model for model in models if model.labels]
    said = shared(labelled, lambda model: text(prose.classes_of(model)))
    if len(said) == 1 and len(labelled) < len(models):
        return [(named(labelled), said[0][1])]
    return said


def _precisions(records: Sequence[Record]) -> str:
    """The kinds of files there are; empty where all are of the source's graph in float32."""
    names = sorted({precision(record) for record in records})
    return listed(text(one or "float32") for one in names) if any(names) else ""


def _old(records: Sequence[Record]) -> list[str]:
    """What runs the files that ONNX Runtime does not, each thing once."""
    return list(dict.fromkeys(text(sentence) for sentence in map(prose.runs_in, records) if sentence))


def _license(model: Record) -> str:
    stated = text(model.license) if model.license else "Nobody stated one; ask whoever made the weights"
    return f"{stated}. Author of the weights: {text(model.author)}." if model.author else f"{stated}."
