"""What a published file says of itself, inside: producer, origin, licence, and how its pictures are stored.

The fields are those of ONNX's ModelProto; the keys of ``metadata_props`` are the standard's own where it
has one (https://github.com/onnx/onnx/blob/main/docs/MetadataProps.md), and plain words where it has none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
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
        **image_properties(metadata.preprocessing),
    }
    return {key: value for key, value in properties.items() if value}


def image_properties(preprocessing: Mapping[str, Any]) -> dict[str, str]:
    """The ``Image.*`` properties of an input, from the form of preprocessing that a record has.

    ``Image.NominalPixelRange`` has no word for pixels from which a mean was taken. Where the input is
    such, it names the range of the pixels before, and ``Image.Mean`` and ``Image.StandardDeviation``, which
    no standard has, give what is done with them.
    """
    channels = preprocessing["input_size"][0]
    pixels = "Gray8" if channels == 1 else "Bgr8" if preprocessing["colour"] == "BGR" else "Rgb8"
    steps = {
        (round(m, 9), round(s, 9)) for m, s in zip(preprocessing["mean"], preprocessing["std"], strict=True)
    }
    range_names = {(round(m, 9), round(s, 9)): name for (m, s), name in _NOMINAL_RANGES.items()}
    properties = {"Image.BitmapPixelFormat": pixels, "Image.ColorSpaceGamma": "SRGB"}
    if len(steps) == 1 and next(iter(steps)) in range_names:
        return properties | {"Image.NominalPixelRange": range_names[next(iter(steps))]}
    return properties | {
        "Image.NominalPixelRange": "Normalized_0_1",
        "Image.Mean": json.dumps(list(preprocessing["mean"])),
        "Image.StandardDeviation": json.dumps(list(preprocessing["std"])),
    }
