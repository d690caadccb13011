"""The card of the zoo itself: what the folder is, what is in it, and how to check it."""

from __future__ import annotations

from collections.abc import Sequence

from publishing import NAME, __version__
from publishing.manifest import CHECKSUMS, MANIFEST
from publishing.pages import formatting, prose
from publishing.pages.card_groups import family_title, grouped, opsets, representatives
from publishing.pages.formatting import listed
from publishing.pages.markdown import code, link, table, text
from publishing.pages.text_template import render
from publishing.record import Record

_EMPTY = "# ONNX models, each compared with its source\n\nThere is nothing here at present.\n"


def zoo_card(records: Sequence[Record]) -> str:
    """Write the card of all records of a zoo, which are in the order of the card."""
    if not records:
        return _EMPTY
    models = representatives(records)
    names = [model.model for model in models]
    ambiguous = sorted({name for name in names if names.count(name) > 1})
    return render(
        "zoo.md.jinja",
        {
            "models": len(models),
            "files": len(records),
            "frameworks": listed(sorted({text(record.framework) for record in records})),
            "opsets": opsets(records),
            "random": sum(map(prose.is_random, models)),
            "random_weights": text(prose.RANDOM_WEIGHTS),
            "random_meaning": text(prose.RANDOM_MEANING),
            "families": _families(records),
            "catalogue_page": "index.html",
            "manifest": MANIFEST,
            "checksums": CHECKSUMS,
            "example": _example([model for model in models if model.model not in ambiguous] or models),
            "ambiguous": listed(map(code, ambiguous)),
            "licenses": _licenses(models),
            "maker": NAME,
            "version": __version__,
        },
    )


def _example(models: Sequence[Record]) -> Record:
    """The model that is fetched fastest."""
    return min(models, key=lambda model: model.files["onnx"].bytes)


def _families(records: Sequence[Record]) -> str:
    rows = []
    for some in grouped(records, lambda record: (record.source, record.family)):
        models = representatives(some)
        random = sum(map(prose.is_random, models))
        rows.append(
            (
                link(family_title(some), f"{some[0].source}/{some[0].family}/README.md"),
                text(some[0].framework),
                str(len(models)),
                str(len(some)),
                formatting.spelled(sorted({record.opset for record in some})),
                formatting.size_range([record.files["onnx"].bytes for record in some]),
                "all" if random == len(models) else f"{random} of {len(models)}" if random else "none",
            )
        )
    heads = ("Family", "Source", "Models", "Files", "Opsets", "Size of a file", "Random weights")
    return table(heads, rows, right=(2, 3))


def _licenses(models: Sequence[Record]) -> str:
    groups = sorted(grouped(models, lambda model: model.license), key=lambda some: some[0].license)
    rows = [(text(some[0].license) or "not stated", str(len(some))) for some in groups]
    return table(("License", "Models"), rows, right=(1,))
