"""The pictures that a lower precision is calibrated and compared on, with their classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.config.schema import ModelEntry
from pipeline.errors import PipelineError
from quantization.errors import QuantizationError
from quantization.pictures import Choice, choose, pictures_in


def chosen_pictures(entry: ModelEntry, folder: Path, pictures: Sequence[Path]) -> Choice:
    """Those of the entry's folder of pictures, or else of ``pictures``, which are its images.

    ``folder`` is that of the pipeline file. Raises PipelineError where they are too few.
    """
    settings = entry.quantization
    images = folder / settings.images if settings.images else None
    try:
        found = pictures_in(images) if images else list(pictures)
        return choose(found, settings.pictures, settings.gate_pictures, settings.seed)
    except QuantizationError as error:
        place = f"{images}: " if images else "images: "
        raise PipelineError(f"{place}{error}. Give a folder as quantization: {{images: DIR}}") from error


def labels_of(entry: ModelEntry, folder: Path, pictures: Choice) -> list[int] | None:
    """The classes of the pictures of the gate; None where the entry names no file of them."""
    settings = entry.quantization
    if not (settings.labels and settings.images):
        return None
    classes = read_labels(folder / settings.labels)
    root = folder / settings.images
    names = [path.relative_to(root).as_posix() for path in pictures.gate]
    missing = [name for name in names if name not in classes]
    if missing:
        raise PipelineError(f"{folder / settings.labels} has no class for the picture {missing[0]}")
    return [classes[name] for name in names]


def read_labels(file: Path) -> dict[str, int]:
    """Read lines of ``path/of/picture.jpg 281``: classes by the paths of pictures. Raises PipelineError."""
    classes = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        name, _, index = line.strip().rpartition(" ")
        if line.strip() and not (name and index.isdecimal()):
            raise PipelineError(
                f"{file}:{number}: {line.strip()!r} is not the path of a picture and the index of its class"
            )
        if line.strip():
            classes[name.strip()] = int(index)
    return classes
