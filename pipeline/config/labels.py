"""The names of classes that a pipeline file gives, and what can be wrong with them before anything runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from converters.registry import SOURCES
from evaluation.errors import EvaluationError
from evaluation.label_files import Labels, read_label_file, why_unfit
from pipeline.config.onnx_files import classes_of_file
from pipeline.config.schema import ModelEntry
from pipeline.errors import UsageError


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


def label_mistakes(entry: ModelEntry, folder: Path) -> Iterator[str]:
    """Why the file of names cannot be read, or does not fit what is known of a model by now."""
    try:
        labels = labels_of_entry(entry, folder)
    except UsageError as error:
        yield str(error)
        return
    if labels is None:
        return
    numbers = {entry.classes}
    source = SOURCES.get(entry.source)
    if source and source.reads_onnx_files:
        numbers |= {classes_of_file(folder / pattern) for pattern in entry.patterns}
    for number in sorted(number for number in numbers if number is not None):
        reason = why_unfit(labels, number)
        if reason:
            yield f"{reason}."
