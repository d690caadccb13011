"""The pictures that a lower precision is calibrated and compared on, with their classes."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from evaluation.picture_files import pictures_below
from pipeline.config.schema import ModelEntry
from pipeline.errors import PipelineError
from pipeline.system.interrupts import Interrupted
from quantization.errors import QuantizationError
from quantization.pictures import Choice, choose

DECODERS = 2
"""Pictures that are decoded at the same time: a large one may take half a gigabyte."""


def chosen_pictures(entry: ModelEntry, folder: Path, pictures: Sequence[Path]) -> Choice:
    """Those of the entry's folder of pictures, or else of ``pictures``, which are its images.

    ``folder`` is that of the pipeline file. Raises PipelineError where they are too few.
    """
    settings = entry.quantization
    images = folder / settings.images if settings.images else None
    try:
        found = [images / name for name in pictures_below(images)] if images else list(pictures)
        return choose(found, settings.pictures, settings.gate_pictures, settings.seed)
    except QuantizationError as error:
        place = f"{images}: " if images else "images: "
        raise PipelineError(f"{place}{error}. Give a folder as quantization: {{images: DIR}}") from error


def require_readable(pictures: Choice, place: str, stop: threading.Event) -> None:
    """Decode ``pictures``, several at a time: a thousand photographs take a few seconds.

    Raises PipelineError that begins with ``place`` and names those that are broken, and Interrupted.
    """
    from evaluation.readable_pictures import summary, why_unreadable

    def look(picture: Path) -> str:
        return "" if stop.is_set() else why_unreadable(picture, decoded=True)

    chosen = [*pictures.calibration, *pictures.gate]
    pool = ThreadPoolExecutor(DECODERS)
    try:
        reasons = [reason for reason in pool.map(look, chosen) if reason]
    finally:
        pool.shutdown(cancel_futures=True)
    if stop.is_set():
        raise Interrupted
    if reasons:
        raise PipelineError(f"{place}: {summary(reasons, len(chosen))}. Remove or replace them")


def labels_of(entry: ModelEntry, folder: Path, pictures: Choice, classes: int) -> list[int] | None:
    """The classes of the pictures of the gate; None where the entry names no file of them."""
    settings = entry.quantization
    if not (settings.labels and settings.images):
        return None
    return labels_of_pictures(folder / settings.images, folder / settings.labels, pictures.gate, classes)


def labels_of_pictures(folder: Path, labels: Path, pictures: Sequence[Path], classes: int) -> list[int]:
    """The classes of ``pictures``, which are among those of ``folder``, by the label file ``labels``.

    Raises PipelineError where the file does not fit the folder, or a model of so many ``classes``.
    """
    from evaluation.datasets import read_dataset
    from evaluation.errors import EvaluationError

    try:
        dataset = read_dataset(folder, labels, classes)
    except EvaluationError as error:
        raise PipelineError(str(error)) from error
    known = {dataset.path(picture): picture.label for picture in dataset.pictures}
    return [known[path] for path in pictures]
