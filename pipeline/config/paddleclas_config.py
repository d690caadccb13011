"""Configs of PaddleClas that a pipeline file names as models: the entry that says the same.

A config is YAML, and nothing in it is run: ``Arch`` is the network with its keywords, and the transforms of
``DataLoader.Eval.dataset`` or, without these, of ``Infer``, are how it wants its pictures. The form is
that of ``ppcls/configs`` of PaddleClas, and the meaning of the transforms that of ``ppcls/data/preprocess``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.config.schema import ModelEntry, PipelineFile, PreprocessingChanges
from pipeline.config.yaml_lines import LinedDocument, read_yaml
from pipeline.errors import UsageError

SOURCE = "paddle"
SUFFIXES = (".yaml", ".yml")
TRAINING = ("name", "class_num", "pretrained", "use_ssld", "use_sync_bn")
"""Keys of Arch that are no arguments: they have keys of their own, or say how it is trained."""
STEPS = ("DecodeImage", "ResizeImage", "CropImage", "NormalizeImage", "ToCHWImage")
"""The transforms that can be said, each at most once and in this order."""
LEVELS = 255.0
COLOURS = 3
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""What NormalizeImage takes where nothing else is said."""


class _NotSaidError(Exception):
    """What keeps a config from being said as an entry."""


def with_configs(file: PipelineFile, document: LinedDocument) -> PipelineFile:
    """``file`` with each entry that names a config replaced by the one that says the same.

    What an entry says itself replaces, key by key, what its config says. Raises UsageError with all mistakes.
    """
    entries, mistakes = [], []
    for index, entry in enumerate(file.models):
        if entry.source == SOURCE and isinstance(entry.model, str) and entry.model.endswith(SUFFIXES):
            try:
                entries.append(_entry_of(entry, document.path.parent / entry.model))
            except _NotSaidError as error:
                mistakes.append(str(document.error(("models", index, "model"), str(error))))
        else:
            entries.append(entry)
    if mistakes:
        raise UsageError(*mistakes)
    return file.model_copy(update={"models": tuple(entries)})


def _entry_of(entry: ModelEntry, path: Path) -> ModelEntry:
    if not path.is_file():
        raise _NotSaidError(f"there is no file {path}. Correct the path of the config.")
    if not entry.name:
        raise _NotSaidError("a model given as a config needs a name to be published under. Add name: NAME.")
    try:
        config = read_yaml(path).value
    except UsageError as error:
        raise _NotSaidError(str(error)) from error
    arch = config.get("Arch") if isinstance(config, dict) else None
    if not isinstance(arch, dict) or not isinstance(arch.get("name"), str):
        raise _NotSaidError(
            f"{path} has no Arch with a name, so that it says no network. Give a config of PaddleClas's for "
            "training a classifier."
        )
    said = entry.preprocessing.model_dump(exclude_none=True)
    try:
        wanted = _preprocessing(config) | said
    except (_NotSaidError, AttributeError, KeyError, TypeError, ValueError) as error:
        reason = str(error) if isinstance(error, _NotSaidError) else f"{type(error).__name__}: {error}"
        raise _NotSaidError(f"the pictures of {path} cannot be prepared as it says: {reason}.") from error
    arguments = {key: value for key, value in arch.items() if key not in TRAINING}
    if arguments.get("img_size") in (wanted["input_size"][1], list(wanted["input_size"][1:])):
        del arguments["img_size"]
    return entry.model_copy(
        update={
            "model": arch["name"],
            "classes": entry.classes or arch.get("class_num") or _classes(config),
            "arguments": arguments | entry.arguments,
            "preprocessing": PreprocessingChanges.model_validate(wanted),
        }
    )


def _classes(config: Mapping[str, Any]) -> Any:
    """The number of classes where Arch does not say it."""
    return (config.get("Global") or {}).get("class_num")


def _preprocessing(config: Mapping[str, Any]) -> dict[str, Any]:
    """How a config wants its pictures, in the words of a pipeline file."""
    evaluation = ((config.get("DataLoader") or {}).get("Eval") or {}).get("dataset") or {}
    listed = evaluation.get("transform_ops") or (config.get("Infer") or {}).get("transforms")
    if not listed:
        raise _NotSaidError("it has neither DataLoader.Eval.dataset.transform_ops nor Infer.transforms")
    names = [name for step in listed for name in step]
    unknown = [name for name in names if name not in STEPS]
    if unknown:
        raise _NotSaidError(f"its transform {unknown[0]} is not known here")
    if names != [name for name in STEPS if name in names]:
        raise _NotSaidError(f"its transforms are in another order than can be said: {', '.join(names)}")
    steps = {name: values or {} for step in listed for name, values in step.items()}
    if "NormalizeImage" not in steps or "ResizeImage" not in steps:
        raise _NotSaidError("it does not resize and normalise")
    colour = "RGB" if steps.get("DecodeImage", {}).get("to_rgb", True) else "BGR"
    return {**_fitting(steps), **_normalisation(steps["NormalizeImage"]), "colour": colour}


def _fitting(steps: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The size of the pictures, and how they get it."""
    resize, crop = steps["ResizeImage"], steps.get("CropImage")
    unknown = set(resize) - {"resize_short", "size", "interpolation", "backend"}
    if unknown:
        raise _NotSaidError(f"ResizeImage has the key {min(unknown)}, which is not known here")
    size = (crop or resize)["size"]
    height, width = (size, size) if isinstance(size, int) else (size[1], size[0])
    if "resize_short" in resize:
        if crop is None:
            raise _NotSaidError("it resizes the shorter side and does not crop")
        short, mode = resize["resize_short"], "center"
    else:
        given = resize["size"]
        first, second = (given, given) if isinstance(given, int) else (given[1], given[0])
        if first * width != second * height:
            raise _NotSaidError("it crops to other proportions than it resizes to")
        short, mode = min(first, second), "squash"
    library = "pillow" if resize.get("backend", "cv2") == "pil" else "opencv"
    return {
        "input_size": (3, height, width),
        "resize": short,
        "crop_mode": mode,
        "interpolation": resize.get("interpolation") or "bilinear",
        "library": library,
    }


def _normalisation(step: Mapping[str, Any]) -> dict[str, Any]:
    """Mean and deviation of pictures between 0 and 1, and whose arithmetic it is."""
    mean, std, scale = step.get("mean", MEAN), step.get("std", STD), step.get("scale")
    if step.get("channel_num", COLOURS) != COLOURS:
        raise _NotSaidError("NormalizeImage makes pictures of other channels than red, green and blue")
    if scale is None or re.fullmatch(r"1(\.0*)?/255(\.0*)?", str(scale).replace(" ", "")):
        convention, unit = "paddleclas", 1.0
    elif str(scale) in ("1", "1.0", "1."):
        convention, unit = "paddleclas_levels", LEVELS
    else:
        raise _NotSaidError(f"NormalizeImage has the scale {scale!r}, which is not known here")
    return {
        "mean": tuple(round(value / unit, 10) for value in mean),
        "std": tuple(round(value / unit, 10) for value in std),
        "convention": convention,
    }
