"""What a published file says of itself, inside: producer, origin, licence, and how its pictures are stored.

The fields are those of ONNX's ModelProto; the keys of ``metadata_props`` are the standard's own where it
has one (https://github.com/onnx/onnx/blob/main/docs/MetadataProps.md), and plain words where it has none.
"""

from __future__ import annotations

import ast
import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from publishing import NAME, __version__

if TYPE_CHECKING:
    import onnx

MODEL_VERSION = 1
"""Of a model's graph: it changes when files of the same name would compute something else."""

_NOMINAL_RANGES = {
    (0.0, 1.0): "Normalized_0_1",
    (0.5, 0.5): "Normalized_1_1",
    (0.0, 1 / 255): "NominalRange_0_255",
}
"""The standard's names for what an input holds, by mean and deviation of pixels between 0 and 1."""

_FITTING = {
    "Image.Resize": "resize",
    "Image.CropMode": "crop_mode",
    "Image.Interpolation": "interpolation",
    "Image.Library": "library",
    "Image.Convention": "convention",
}
"""What is written of how a picture gets the size of the input, and the keys that it has in a record."""

NAMES = "names"
"""The key of the names of classes. ONNX has no word for them; this is that of Ultralytics' exporters, and of
those who read their files, with a mapping of indices to names as its value:
https://github.com/ultralytics/ultralytics/blob/main/ultralytics/engine/exporter.py"""


@dataclass(frozen=True)
class Metadata:
    """What is said inside a file; see the fields of the same names in a record."""

    framework: str
    domain: str
    """The reverse host name of whoever makes the framework, such as ``org.pytorch``."""
    model: str
    license: str
    author: str
    weights: str
    """Where the weights came from, in words."""
    preprocessing: Mapping[str, Any]
    labels: Sequence[str] = ()
    """The names of the classes in the order of the outputs; empty where nobody said them."""


def describe(model: onnx.ModelProto, metadata: Metadata) -> None:
    """Write ``metadata`` into ``model``, in place of what exporters left there."""
    opset = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 0)
    model.producer_name, model.producer_version = NAME, __version__
    model.domain, model.model_version = metadata.domain, MODEL_VERSION
    model.doc_string = (
        f"{metadata.framework} {metadata.model} ==> ONNX at opset {opset}. Weights: {metadata.weights}. "
        f"Licence: {metadata.license or 'not stated'}."
    )
    del model.metadata_props[:]
    for key, value in sorted(_properties(metadata).items()):
        model.metadata_props.add(key=key, value=value)


def _properties(metadata: Metadata) -> dict[str, str]:
    properties = {
        "model_author": metadata.author,
        "model_license": metadata.license,
        "source": f"{metadata.framework} {metadata.model}",
        "weights": metadata.weights,
        NAMES: names_property(metadata.labels),
        **image_properties(metadata.preprocessing),
    }
    return {key: value for key, value in properties.items() if value}


def image_properties(preprocessing: Mapping[str, Any]) -> dict[str, str]:
    """The ``Image.*`` properties of an input, from the form of preprocessing that a record has.

    ``Image.NominalPixelRange`` has no word for pixels from which a mean was taken. Where the input is
    such, it names the range of the pixels before, and ``Image.Mean`` and ``Image.StandardDeviation``, which
    no standard has, give what is done with them. Neither has it words for how a picture gets its size:
    ``Image.Resize`` and the others of :data:`_FITTING` are those of the record.
    """
    channels = preprocessing["input_size"][0]
    pixels = "Gray8" if channels == 1 else "Bgr8" if preprocessing["colour"] == "BGR" else "Rgb8"
    steps = {
        (round(m, 9), round(s, 9)) for m, s in zip(preprocessing["mean"], preprocessing["std"], strict=True)
    }
    range_names = {(round(m, 9), round(s, 9)): name for (m, s), name in _NOMINAL_RANGES.items()}
    properties = {"Image.BitmapPixelFormat": pixels, "Image.ColorSpaceGamma": "SRGB"}
    properties |= {key: str(preprocessing[name]) for key, name in _FITTING.items() if name in preprocessing}
    if len(steps) == 1 and next(iter(steps)) in range_names:
        return properties | {"Image.NominalPixelRange": range_names[next(iter(steps))]}
    return properties | {
        "Image.NominalPixelRange": "Normalized_0_1",
        "Image.Mean": json.dumps(list(preprocessing["mean"])),
        "Image.StandardDeviation": json.dumps(list(preprocessing["std"])),
    }


def pixel_range(preprocessing: Mapping[str, Any]) -> int | None:
    """The largest value of the pixels, 255 or 1, where a file takes them as they are; else None."""
    for largest in (255, 1):
        mean, std = preprocessing["mean"], preprocessing["std"]
        if not any(mean) and all(abs(largest * value - 1) < 1e-9 for value in std):
            return largest
    return None


def names_property(names: Sequence[str]) -> str:
    """The property :data:`NAMES`: a text that JSON and Python's ``ast.literal_eval`` read alike, or none."""
    return json.dumps(dict(enumerate(names)), ensure_ascii=False) if names else ""


def names_in(properties: Mapping[str, str]) -> list[Any] | None:
    """Read the names of classes, as :func:`names_property` or Ultralytics wrote them, in their order.

    None where there are none, or what is there is no list of names and no mapping from all indices to them:
    anybody may have written it.
    """
    value = _literal(properties.get(NAMES, ""))
    if isinstance(value, dict):
        by_index = {str(index): name for index, name in value.items()}
        value = [by_index.get(str(index)) for index in range(len(by_index))]
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        return None
    return value or None


def _literal(text: str) -> Any:
    """The value of a text in JSON or in Python's notation; None where it is neither."""
    for read in (json.loads, ast.literal_eval):
        try:
            with warnings.catch_warnings(action="ignore"):  # of escapes that Python does not know
                return read(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
    return None


def preprocessing_in(properties: Mapping[str, str]) -> dict[str, Any]:
    """Read what :func:`image_properties` wrote, as far as it is there; anybody may have written the rest.

    The size of the input is that of the graph. What cannot be understood is left out.
    """
    colours = {"Bgr8": "BGR", "Rgb8": "RGB", "Gray8": "RGB"}
    channels = 1 if properties.get("Image.BitmapPixelFormat") == "Gray8" else 3
    found: dict[str, Any] = {
        name: properties[key] for key, name in _FITTING.items() if key in properties and name != "resize"
    }
    if properties.get("Image.Resize", "").isdecimal():
        found["resize"] = int(properties["Image.Resize"])
    if properties.get("Image.BitmapPixelFormat") in colours:
        found["colour"] = colours[properties["Image.BitmapPixelFormat"]]
    pixel_range = properties.get("Image.NominalPixelRange")
    for (mean, std), name in _NOMINAL_RANGES.items():
        if pixel_range == name:
            found |= {"mean": [mean] * channels, "std": [std] * channels}
    for key, field in (("Image.Mean", "mean"), ("Image.StandardDeviation", "std")):
        try:
            values = json.loads(properties[key])
        except (KeyError, ValueError, RecursionError):
            continue
        found[field] = values
    return found
