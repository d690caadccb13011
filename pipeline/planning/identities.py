"""What the keys know weights, models and pictures by: what determines them, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evaluation.picture_files import pictures_below
from pipeline.config.onnx_files import files_of
from pipeline.config.schema import ModelEntry
from pipeline.planning.jobs import AnyModel, FileModel, NamedModel, WheelModel
from pipeline.planning.own_models import CodeModel, ConfigModel
from pipeline.system.files import sha256_of_file
from pipeline.system.weight_shards import is_index, shards_of
from quantization.pictures import choose


def digests_of(paths: tuple[Path, ...]) -> list[str]:
    """The sha256 of each of ``paths``, in their order."""
    return [sha256_of_file(path) for path in paths]


def weights_identity(entry: ModelEntry, folder: Path) -> Any:
    """What determines the weights; ``folder`` is that of the pipeline file."""
    weights = entry.weights
    if isinstance(weights, str):
        return "random: 0" if weights == "random" else weights
    fields = weights.model_dump(mode="json")
    if "random" in fields:
        return f"random: {fields['random']}"
    if "file" in fields:
        path = folder / fields["file"]
        files = [path, *shards_of(path)] if is_index(path) else [path]
        return {"entry": fields["entry"], "files": digests_of(tuple(files))}
    return fields


def model_identity(model: AnyModel) -> Any:
    """A framework's name for a model, or the digests of a model's folder or files, or of its wheel."""
    match model:
        case NamedModel():
            return model.name
        case WheelModel():
            return model.wheel.model_dump(mode="json")
        case FileModel():
            return digests_of(files_of(model.file))
        case CodeModel():
            return [model.function, model.names, digests_of(model.files)]
        case ConfigModel():
            labels = [sha256_of_file(file) if file.is_file() else None for file in model.label_files]
            return [model.names, digests_of(model.files), model.packaged, labels]
    files = sorted(file for file in model.folder.iterdir() if file.is_file())
    return [[file.name, sha256_of_file(file)] for file in files]


def gate_pictures_identity(entry: ModelEntry, folder: Path) -> Any:
    """What determines the pictures of calibration and gate where they lie in a folder of their own."""
    settings = entry.quantization
    if settings.images is None:
        return None  # those of the fixed inputs, which are in their key
    images = folder / settings.images
    found = [images / name for name in pictures_below(images)]
    choice = choose(found, settings.pictures, settings.gate_pictures, settings.seed)
    labels = sha256_of_file(folder / settings.labels) if settings.labels else None
    return [digests_of(choice.calibration), digests_of(choice.gate), labels]
