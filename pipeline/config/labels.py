"""The names of classes that a pipeline file gives, and what can be wrong with them before anything runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from converters.registry import SOURCES
from evaluation.errors import EvaluationError
from evaluation.label_files import Labels, checked_names, read_label_file, why_unfit
from pipeline.config.onnx_files import classes_of
from pipeline.config.schema import ModelEntry
from pipeline.errors import UsageError
from publishing.metadata import names_in

if TYPE_CHECKING:
    import onnx


def labels_of_entry(entry: ModelEntry, folder: Path) -> Labels | None:
    """The names that ``entry`` gives its classes, if any; ``folder`` is that of the pipeline file.

    Raises UsageError where their file is none that can be read.
    """
    if entry.labels is None:
        return None
    try:
        return read_label_file(folder / entry.labels)
    except EvaluationError as error:
        raise UsageError(f"{error}.") from error


def labels_in(model: onnx.ModelProto, file: Path) -> Labels | None:
    """The names of classes in the metadata of ``model``, which is in ``file``, if any.

    Raises EvaluationError where they are none that can be used.
    """
    names = names_in({entry.key: entry.value for entry in model.metadata_props})
    return Labels(checked_names(names), f"the metadata of {file.name}") if names else None


def label_mistakes(entry: ModelEntry, folder: Path) -> Iterator[str]:
    """Why names of classes cannot be read, or do not fit what is known of a model by now."""
    try:
        labels = labels_of_entry(entry, folder)
    except UsageError as error:
        yield str(error)
        return
    source = SOURCES.get(entry.source)
    if source and source.reads_onnx_files:
        for pattern in entry.patterns:
            yield from _mistakes_of_file(labels, folder / pattern, entry.output)
    elif labels and entry.classes:
        yield from _unfit(labels, entry.classes)


def _mistakes_of_file(labels: Labels | None, file: Path, output: int | str | None) -> Iterator[str]:
    from opsets import RetargetError, read_graph

    try:
        model = read_graph(file)
        labels, classes = labels or labels_in(model, file), classes_of(model, output)
    except EvaluationError as error:
        yield f"the names in the metadata of {file.name} cannot be used: {error}. Say labels: FILE."
        return
    except (OSError, RetargetError):
        return  # which is said of the model
    if labels and classes:
        yield from _unfit(labels, classes)


def _unfit(labels: Labels, classes: int) -> Iterator[str]:
    reason = why_unfit(labels, classes)
    if reason:
        yield f"{reason}."
