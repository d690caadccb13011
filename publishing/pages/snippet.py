"""The script that classifies a picture with a published model, to be read, copied and run."""

from __future__ import annotations

import json
from typing import Any

from publishing.errors import PublishError
from publishing.foreign_text import visible
from publishing.graph_facts import numpy_type
from publishing.metadata import pixel_range
from publishing.pages.card_groups import fixed_batch
from publishing.pages.text_template import render
from publishing.record import Record

IMAGENET_CLASSES = 1000
FIRST_OPSET_OF_ONNX_RUNTIME = 7
"""https://onnxruntime.ai/docs/reference/compatibility.html: what is older is run by OpenVINO."""

_OPENCV_FILTERS = {
    "nearest": "INTER_NEAREST",
    "bilinear": "INTER_LINEAR",
    "bicubic": "INTER_CUBIC",
    "lanczos": "INTER_LANCZOS4",
}
_IN_LEVELS = ("mmcls", "paddleclas_levels")
"""The conventions that normalise levels of 0 to 255."""
_CHANNELS = {"RGB": "Red, green, blue", "BGR": "Blue, green, red"}


def snippet(record: Record) -> str:
    """Write the script for one file: picture in, the five most probable classes out.

    It needs numpy, Pillow and onnxruntime, or openvino in its place for an opset below 7, and OpenCV where
    that resizes; it is run in the family's folder. What it does to a picture is what the record's
    ``preprocessing`` says, to the bit, for pictures of 8 bits per channel; what this model does not need is
    not in it.

    Raises:
        PublishError: the record's preprocessing is incomplete.
    """
    try:
        values = _values(record)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise PublishError(
            f"{record.name}: its record does not say how pictures are prepared ({type(error).__name__}: "
            f"{error}); publish the model again"
        ) from error
    return render("snippet.py.jinja", values)


def has_imagenet_classes(record: Record) -> bool:
    """Tell whether the classes are those of ``imagenet_classes.txt``: nobody said others of as many."""
    return not record.labels and bool(record.io_ports["outputs"][0]["shape"][-1] == IMAGENET_CLASSES)


def has_softmax(record: Record) -> bool:
    """Tell whether probabilities are known to come out of the file, as they were asked for."""
    return "softmax" in record.provenance.get("embedded", {})


def runtime_of(record: Record) -> str:
    """Name the package that runs the file: ``onnxruntime``, or ``openvino`` for an opset below 7."""
    return "onnxruntime" if record.opset >= FIRST_OPSET_OF_ONNX_RUNTIME else "openvino"


def _values(record: Record) -> dict[str, Any]:
    preprocessing = record.preprocessing
    convention = str(preprocessing.get("convention", "torchvision"))
    in_levels = convention in _IN_LEVELS
    channels, height, width = (int(size) for size in preprocessing["input_size"])
    largest = pixel_range(preprocessing)
    values = {
        "stem": record.stem,
        "opset": record.opset,
        "runtime": runtime_of(record),
        "named": bool(record.labels) or has_imagenet_classes(record),
        "own_names": bool(record.labels),
        # A string of JSON is one of Python, too, as long as nothing is written as a surrogate pair; Python's
        # own escapes keep it from looking like other code than it is.
        "input_name": visible(json.dumps(record.io_ports["inputs"][0]["name"], ensure_ascii=False)),
        "height": height,
        "width": width,
        "resize": int(preprocessing["resize"]),
        "mean": _numbers(preprocessing["mean"], in_levels),
        "std": _numbers(preprocessing["std"], in_levels),
        "convention": convention.removesuffix("_levels"),
        "in_levels": in_levels or largest == 255,
        "normalised": largest is None or (largest == 1 and in_levels),
        "distribution": has_softmax(record),
        "library": preprocessing.get("library", "pillow"),
        "opencv_filter": _OPENCV_FILTERS.get(str(preprocessing["interpolation"]), ""),
        "channels": channels,
        "channel_names": "Grey" if channels == 1 else _CHANNELS[preprocessing["colour"]],
        "mode": "L" if channels == 1 else "RGB",
        "filter": str(preprocessing["interpolation"]).upper(),
        "crop_mode": preprocessing["crop_mode"],
        "half": numpy_type(str(record.io_ports["inputs"][0]["type"])) == "float16",
        "copies": fixed_batch(record) or 1,
        "reversed": channels > 1 and preprocessing["colour"] == "BGR",
    }
    return values | _sizes(values) | {"fill": _mean_colour(preprocessing)}


def _numbers(values: Any, in_levels: bool) -> str:
    """Write means or deviations: of values between 0 and 1, or of levels to 255."""
    factor = 255 if in_levels else 1
    return ", ".join(repr(factor * float(value)) for value in values)


def _sizes(values: dict[str, Any]) -> dict[str, Any]:
    """Say which steps after resizing any picture can need."""
    height, width, resize = values["height"], values["width"], values["resize"]
    if values["crop_mode"] == "center":
        return {"padded": resize < max(height, width), "cropped": True}
    if values["crop_mode"] == "squash":
        factor = resize / min(height, width)
        squashed = round(height * factor), round(width * factor)
        return {
            "squashed_height": squashed[0],
            "squashed_width": squashed[1],
            "padded": squashed[0] < height or squashed[1] < width,
            "cropped": squashed[0] > height or squashed[1] > width,
        }
    return {"padded": False, "cropped": False}


def _mean_colour(preprocessing: Any) -> str:
    levels = [min(255, max(0, round(255 * value))) for value in preprocessing["mean"]]
    if len(levels) == 1:
        return str(levels[0])
    red_to_blue = levels[::-1] if preprocessing["colour"] == "BGR" else levels
    return f"({', '.join(map(str, red_to_blue))})"
