"""How a picture becomes the input of a file, in sentences, from what its record says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from publishing.metadata import pixel_range

ORDER = {"RGB": "red, green, blue", "BGR": "blue, green, red"}


def steps_to_input(preprocessing: Mapping[str, Any], embedded: Mapping[str, Any] | None) -> list[str]:
    """Say the steps of a record's ``preprocessing``.

    ``embedded`` is what the file does with the pixels itself, ``normalise`` of the record's
    ``provenance.embedded``; None where that is nothing.
    """
    channels, height, width = preprocessing["input_size"]
    return [
        "Decode the picture to 8 bits per channel, "
        f"{'as greyscale' if channels == 1 else 'red, green and blue'}.",
        *_fitting(preprocessing, height, width),
        *_pixels(preprocessing, embedded),
        "Put the channels before height and width, and an axis for the batch before all.",
    ]


def _pixels(preprocessing: Mapping[str, Any], embedded: Mapping[str, Any] | None) -> list[str]:
    """The steps that make the values of an input of those of pixels, and what the file does with them."""
    largest, grey = pixel_range(preprocessing), preprocessing["input_size"][0] == 1
    scale = "Leave the values as they are, from 0 to 255"
    if largest != 255:
        scale = "Divide by 255, so that values are between 0 and 1"
    turned = not grey and preprocessing["colour"] == "BGR"
    steps = [f"{scale}{', and turn the channels round to blue, green, red' if turned else ''}."]
    if largest is None:
        mean, std = _values(preprocessing["mean"]), _values(preprocessing["std"])
        steps.append(f"Subtract {mean} and divide by {std}.")
    if not grey:
        steps[-1] += f" The channels are in the order {ORDER[preprocessing['colour']]}."
    if largest is None:
        steps[-1] += _in_levels(preprocessing)
    if embedded:
        steps[-1] += f" The file itself normalises them: {_embedded(embedded)}."
    return steps


def _embedded(normalise: Mapping[str, Any]) -> str:
    """What an embedded normalisation does to the pixels that the file takes."""
    mean, std = (
        _values([normalise["largest"] * value for value in normalise[key]]) for key in ("mean", "std")
    )
    turned = normalise["colour"] == "BGR" and len(normalise["mean"]) > 1
    first = "it turns the channels round to blue, green, red, then " if turned else "it "
    return f"{first}subtracts {mean} and divides by {std}"


def _fitting(preprocessing: Mapping[str, Any], height: int, width: int) -> list[str]:
    """The steps that give a picture the model's size."""
    library = "OpenCV" if preprocessing.get("library") == "opencv" else "Pillow"
    how = f"with {library}'s {preprocessing['interpolation']} filter"
    rounded = "rounded" if str(preprocessing.get("convention")).startswith("paddleclas") else "rounded down"
    cut = f"Cut out the middle, {width} pixels wide and {height} high"
    if preprocessing["crop_mode"] == "border":
        return [
            f"Resize the picture {how} until all of it just fits into {width} × {height} pixels.",
            "Put it in the middle, and fill the rest with the mean colour.",
        ]
    if preprocessing["crop_mode"] == "center_first":
        share = f"{height} / {preprocessing['resize']}"
        size = f"{share} of the shorter side high and wide"
        if height != width:
            size = f"{share} of the shorter side high and {width} / {preprocessing['resize']} of it wide"
        return [
            f"Cut out the middle, {size}, rounded down.",
            f"Resize it to {width} × {height} pixels {how}.",
        ]
    if preprocessing["crop_mode"] == "squash":
        factor = preprocessing["resize"] / min(height, width)
        wide, high = round(width * factor), round(height * factor)
        first = f"Resize the picture to {wide} × {high} pixels {how}, whatever its proportions."
        is_cut = (wide, high) != (width, height)
        return [first, f"{cut}{_black(min(wide - width, high - height) < 0)}."] if is_cut else [first]
    return [
        f"Resize the picture {how} until its shorter side has {preprocessing['resize']} pixels; the longer "
        f"one keeps the proportion, {rounded}.",
        f"{cut}{_black(preprocessing['resize'] < max(height, width))}.",
    ]


def _black(padded: bool) -> str:
    return "; what the picture does not cover is black" if padded else ""


def _values(values: Sequence[float]) -> str:
    written = [f"{value:.6g}" for value in values]
    return written[0] if len(set(written)) == 1 else f"({', '.join(written)})"


def _in_levels(preprocessing: Mapping[str, Any]) -> str:
    """The same in levels of 0 to 255, for networks that were trained on those."""
    if any(abs(255 * value - 1) > 1e-6 for value in preprocessing["std"]):
        return ""
    levels = _values([255 * value for value in preprocessing["mean"]])
    return f" In levels of 0 to 255 that is: subtract {levels}, and leave the scale as it is."
