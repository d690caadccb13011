"""The catalogue: static pages of all models that are published, to be opened from disk or served."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from publishing.benchmarks import Benchmark
from publishing.errors import PublishError
from publishing.foreign_text import visible_lines
from publishing.pages import accuracies, formatting, prose
from publishing.pages.accuracy_plot import accuracy_plots
from publishing.pages.catalogue_model import Model, answers, for_snippet, models_of, precision_of
from publishing.pages.error_plot import plot
from publishing.pages.latency import milliseconds, times_of
from publishing.pages.reductions import told_of
from publishing.pages.snippet import has_imagenet_classes, snippet
from publishing.pages.verdict_matrix import Matrix, matrix
from publishing.record import RECORD_SUFFIX, Record, check

if TYPE_CHECKING:
    from jinja2 import Environment

INDEX = "index.html"
_ASSETS = ("catalogue.css", "catalogue.js", "icon.svg")
_HERE = Path(__file__).parent


def catalogue(
    records: Sequence[Record], benchmarks: Sequence[Benchmark] = (), imagenet: Sequence[str] = ()
) -> dict[str, bytes]:
    """Write all pages: their content in UTF-8 by path from the publish folder.

    Nothing but ``records``, ``benchmarks`` and ``imagenet``, the names of ImageNet's classes, decides about
    it, whatever their order. Pages refer to each
    other, to the published files and to nothing else, by relative paths, so the folder can stand anywhere.

    Raises:
        PublishError: a record's name or family cannot be a path, or a record is incomplete.
    """
    for record in records:
        check(record)
    models = models_of(records, benchmarks)
    pages = assets()
    for model in models:
        with _complete(model):
            pages[model.path] = render("model.html", {**_below("../../"), **_model(model)})
    pages[INDEX] = render("index.html", {**_below(""), **_index(models, imagenet)})
    return {path: pages[path] for path in sorted(pages)}


def assets() -> dict[str, bytes]:
    """What the pages look like and do, by path from them."""
    return {f"assets/{name}": (_HERE / "assets" / name).read_bytes() for name in _ASSETS}


@contextmanager
def _complete(model: Model) -> Iterator[None]:
    """Say of which model the records hold less than a page shows."""
    from jinja2 import TemplateError

    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, TemplateError) as error:
        raise PublishError(
            f"{model.main.name}: a record of this model lacks what its page shows "
            f"({type(error).__name__}: {error}); publish the model again"
        ) from error


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("publishing.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        name: getattr(formatting, name)
        for name in ("agreement", "amount", "bound", "error", "percent", "size", "size_range", "spelled")
    }
    environment.filters |= {
        "milliseconds": milliseconds,
        "precision": precision_of,
        "path": _quoted,
        "runtime_title": prose.runtime_title,
    }
    return environment


def _shown(value: Any) -> Any:
    """A value as a page shows it: autoescape takes the marks of HTML from it, and this what is not seen.

    A character that turns the direction of writing turns it for what we write around it as well.
    """
    return value if hasattr(value, "__html__") or not isinstance(value, str) else visible_lines(value)


def _quoted(path: str) -> str:
    """A path as a link has it; what stands before it keeps it from being read as a scheme."""
    return quote(path, safe="/+")


def render(template: str, values: Mapping[str, Any]) -> bytes:
    """A page in UTF-8; whatever ``values`` say, none of it is taken for HTML."""
    return _environment().get_template(template).render(values).encode()


def _below(root: str) -> dict[str, str]:
    """Where a page finds the others, ``root`` being the way to the publish folder."""
    return {"root": root, "assets": f"{root}assets/"}


def _index(models: Sequence[Model], imagenet: Sequence[str]) -> dict[str, Any]:
    files = [record for model in models for record in model.records]
    return {
        "models": models,
        "files": len(files),
        "sources": dict(sorted((model.source, model.main.framework) for model in models)),
        "families": sorted({model.family for model in models}, key=formatting.natural),
        "opsets": sorted({record.opset for record in files}),
        "precisions": sorted({precision_of(record) for record in files}),
        "counts": {
            "source": Counter(model.source for model in models),
            "family": Counter(model.family for model in models),
            "opset": Counter(opset for model in models for opset in model.opsets),
            "precision": Counter(precision for model in models for precision in model.precisions),
        },
        "with_accuracy": any(model.top1 is not None for model in models),
        "with_latency": any(model.latency for model in models),
        "plots": accuracy_plots(models),
        **_classes(models, imagenet),
    }


def _classes(models: Sequence[Model], imagenet: Sequence[str]) -> dict[str, Any]:
    """The names of classes that models are found by, each list once, and which is whose.

    None where no model has names of its own: to ask for a class would then tell no model from another.
    """
    lists: dict[tuple[str, ...], int] = {}
    whose: dict[str, int] = {}
    for model in models if any(model.main.labels for model in models) else ():
        names = tuple(imagenet) if has_imagenet_classes(model.main) else ()
        names = tuple(model.main.labels["names"]) if model.main.labels else names
        if names:
            whose[model.path] = lists.setdefault(names, len(lists))
    return {"class_names": list(lists), "class_lists": whose}


def _model(model: Model) -> dict[str, Any]:
    shown = for_snippet(model.precisions[precision_of(model.main)])
    matrices: dict[str, Matrix] = {
        precision: matrix(records) for precision, records in model.precisions.items()
    }
    return {
        "model": model,
        "record": model.main,
        "record_suffix": RECORD_SUFFIX,
        "matrix": matrix(model.newest_first),
        "plots": {precision: plot(verdicts) for precision, verdicts in matrices.items()},
        "times": [
            (record, times_of(model.benchmarks[record.name]))
            for record in model.newest_first
            if record.name in model.benchmarks
        ],
        "prose": prose,
        "accuracies": accuracies,
        "measured": [(record, figure) for record in model.newest_first for figure in record.accuracy],
        "accuracy_remarks": accuracies.remarks_of(model.newest_first),
        "answers": answers(model),
        "snippet": snippet(shown),
        "snippet_record": shown,
        "rewrites": _together((record, record.rewrites) for record in model.records),
        "reductions": told_of(model.records),
        "bounds": _together((record, record.bounds) for record in model.records),
    }


def _together(lines_of_files: Iterable[tuple[Record, Sequence[Any]]]) -> list[tuple[list[Record], list[str]]]:
    """Group the files of which the same is said, which is so of many; those without are left out."""
    groups: dict[tuple[str, ...], list[Record]] = {}
    for record, lines in lines_of_files:
        if lines:
            groups.setdefault(tuple(map(str, lines)), []).append(record)
    return [(records, list(lines)) for lines, records in groups.items()]
