"""How a classifier wants its pictures, and a picture made so.

Unless a framework has another convention, resizing and cropping round as torchvision does, because nearly
every published accuracy was measured that way: ``torchvision.transforms.Resize`` and ``CenterCrop``, on
Pillow pictures.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from PIL import Image

from evaluation.conventions import prepare_by_convention
from evaluation.errors import EvaluationError
from evaluation.readable_pictures import require_levels

Array = npt.NDArray[np.float32]

CropMode = Literal["center", "center_first", "squash", "border"]
Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"]
Colour = Literal["RGB", "BGR"]
Library = Literal["pillow", "opencv"]
Convention = Literal["torchvision", "mmcls", "paddleclas", "paddleclas_levels"]

_OTHERS = ", ".join(name for name in get_args(Convention) if name != "torchvision")
_OPENCV_HAS_NOT = ("box", "hamming")
_OPTIONAL = ("library", "convention")

LARGEST_SIDE = 8192
"""In pixels; a longer side is a mistake in the configuration rather than a classifier."""


@dataclass(frozen=True)
class Preprocessing:
    """What happens to a picture before a classifier sees it.

    ``input_size`` is (channels, height, width) in pixels. ``resize`` is the length that the shorter
    side gets before the centre is cropped. ``crop_mode`` is ``center``, ``center_first`` (the same
    centre, ``input_size / resize`` of the shorter side, is cut out of the picture as it is, and then
    resized to ``input_size``), ``squash`` (both sides resized in the proportion of ``input_size``,
    whatever the picture's, before the crop) or ``border`` (the whole picture fitted in, the rest filled
    with the mean colour). ``mean`` and ``std`` are for values between 0 and 1, one per channel, in the
    order that ``colour`` names. One channel means greyscale. ``library`` resizes, and ``convention`` is
    whose rounding, crop and arithmetic it is: see :mod:`evaluation.conventions`. Both are left out of the
    written form where they are torchvision's.
    """

    input_size: tuple[int, int, int]
    resize: int
    crop_mode: CropMode
    interpolation: Interpolation
    mean: tuple[float, ...]
    std: tuple[float, ...]
    colour: Colour
    library: Library = "pillow"
    convention: Convention = "torchvision"

    def __post_init__(self) -> None:
        """Refuse values that no picture can be prepared with.

        Raises:
            EvaluationError: names the field, its value and what is allowed.
        """
        _check_sizes(self)
        _check_choice("crop_mode", self.crop_mode, get_args(CropMode))
        _check_choice("interpolation", self.interpolation, get_args(Interpolation))
        _check_choice("colour", self.colour, get_args(Colour))
        _check_choice("library", self.library, get_args(Library))
        _check_choice("convention", self.convention, get_args(Convention))
        _check_convention(self)
        for name in ("mean", "std"):
            _check_channel_values(name, getattr(self, name), self.input_size[0])
        if min(self.std) <= 0:
            raise EvaluationError(f"preprocessing: std {list(self.std)} must be above 0 for every channel")

    @property
    def pixel_range(self) -> int | None:
        """The largest value of the pixels, 255 or 1, where they are handed over as they are; else None."""
        for largest in (255, 1):
            if not any(self.mean) and all(abs(largest * value - 1) < 1e-9 for value in self.std):
                return largest
        return None

    def unnormalised(self, largest: int) -> Preprocessing:
        """The same pictures with the pixels as they are: red, green, blue of 0 to ``largest``, 255 or 1.

        Raises:
            EvaluationError: a border of the mean colour is put around them, which is not known any more.
        """
        if self.crop_mode == "border":
            raise EvaluationError(
                "preprocessing: crop_mode 'border' fills with the mean colour, which pictures that are not "
                "normalised have not; use another crop_mode, or leave the normalisation outside of the file"
            )
        channels = self.input_size[0]
        return replace(self, mean=(0.0,) * channels, std=(1 / largest,) * channels, colour="RGB")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Preprocessing:
        """Read the form that a source's catalogue uses.

        Raises:
            EvaluationError: a key is missing or unknown, or a value is not allowed.
        """
        names = [field.name for field in fields(cls)]
        missing = [name for name in names if name not in values and name not in _OPTIONAL]
        unknown = [name for name in values if name not in names]
        if missing or unknown:
            mistakes = [f"{key} is missing" for key in missing] + [f"{key} is unknown" for key in unknown]
            raise EvaluationError(f"preprocessing: {', '.join(mistakes)}; its keys are {', '.join(names)}")
        return cls(**{name: _frozen(values[name]) for name in names if name in values})

    def to_dict(self) -> dict[str, Any]:
        """Write the form that :meth:`from_dict` reads, of lists, strings and numbers."""
        written = [each for each in fields(self) if getattr(self, each.name) != each.default]
        values = {each.name: getattr(self, each.name) for each in written}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def prepare(image: Image.Image, preprocessing: Preprocessing) -> Array:
    """Make a picture what the classifier wants: float32 (C, H, W), normalised.

    Greyscale, palette, 16 bit and transparent pictures are first made RGB (or greyscale for one
    channel); transparency is dropped, as the frameworks' own loaders do.

    Raises:
        EvaluationError: the picture's pixels have no defined range, or it is damaged.
    """
    channels = preprocessing.input_size[0]
    image = _eight_bit(image, "L" if channels == 1 else "RGB")
    if preprocessing.convention != "torchvision":
        return prepare_by_convention(image, preprocessing)
    levels = np.asarray(_fit(image, preprocessing), dtype=np.float32)
    levels = levels.reshape(*levels.shape[:2], channels)
    if preprocessing.colour == "BGR":
        levels = levels[:, :, ::-1]
    levels = levels.transpose(2, 0, 1)
    if preprocessing.pixel_range == 255:
        return np.ascontiguousarray(levels)
    return normalise(levels / np.float32(255), preprocessing)


def normalise(pixels: Array, preprocessing: Preprocessing) -> Array:
    """Take the mean off and divide by the deviation: (..., C, H, W) of 0 to 1, in and out float32."""
    mean = np.array(preprocessing.mean, dtype=np.float32)[:, None, None]
    std = np.array(preprocessing.std, dtype=np.float32)[:, None, None]
    return np.ascontiguousarray((pixels - mean) / std, dtype=np.float32)


def _eight_bit(image: Image.Image, mode: Literal["L", "RGB"]) -> Image.Image:
    require_levels(image)
    if image.mode == "I" or image.mode.startswith("I;16"):
        # Pillow's own conversion cuts everything above 255 instead of scaling it down.
        levels = np.clip(np.asarray(image, dtype=np.int64), 0, 65535)
        image = Image.fromarray(((levels * 255 + 32767) // 65535).astype(np.uint8))
    if image.mode == "P":
        # Pillow warns where a palette's transparency would get lost; RGBA keeps it for the next step.
        image = image.convert("RGBA")
    return image if image.mode == mode else image.convert(mode)


def _fit(image: Image.Image, preprocessing: Preprocessing) -> Image.Image:
    _, height, width = preprocessing.input_size
    filter_ = Image.Resampling[preprocessing.interpolation.upper()]
    if preprocessing.crop_mode == "squash":
        factor = preprocessing.resize / min(height, width)
        size = (round(width * factor), round(height * factor))
        return _crop_centre(image.resize(size, filter_), height, width, None)
    if preprocessing.crop_mode == "border":
        scale = min(width / image.width, height / image.height)
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        return _crop_centre(image.resize(size, filter_), height, width, _mean_colour(preprocessing))
    size = _size_with_shorter_side(image, preprocessing.resize)
    return _crop_centre(image.resize(size, filter_), height, width, None)


def _size_with_shorter_side(image: Image.Image, shorter: int) -> tuple[int, int]:
    if image.width <= image.height:
        return shorter, int(shorter * image.height / image.width)
    return int(shorter * image.width / image.height), shorter


def _crop_centre(
    image: Image.Image, height: int, width: int, fill: int | tuple[int, ...] | None
) -> Image.Image:
    """Cut out the middle; what the picture does not cover becomes ``fill``, or black."""
    if image.width < width or image.height < height:
        canvas = Image.new(image.mode, (max(width, image.width), max(height, image.height)), fill or 0)
        canvas.paste(image, ((canvas.width - image.width) // 2, (canvas.height - image.height) // 2))
        image = canvas
    left = round((image.width - width) / 2)
    upper = round((image.height - height) / 2)
    return image.crop((left, upper, left + width, upper + height))


def _mean_colour(preprocessing: Preprocessing) -> int | tuple[int, ...]:
    levels = tuple(min(255, max(0, round(255 * value))) for value in preprocessing.mean)
    if len(levels) == 1:
        return levels[0]
    return levels[::-1] if preprocessing.colour == "BGR" else levels


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LARGEST_SIDE


def _check_sizes(preprocessing: Preprocessing) -> None:
    size = preprocessing.input_size
    if not (isinstance(size, tuple) and len(size) == 3 and all(map(_is_count, size)) and size[0] in (1, 3)):
        raise EvaluationError(
            f"preprocessing: input_size {size!r} must be [channels, height, width], with 1 or 3 "
            f"channels and sides of 1 to {LARGEST_SIDE} pixels, such as [3, 224, 224]"
        )
    if not _is_count(preprocessing.resize):
        raise EvaluationError(
            f"preprocessing: resize {preprocessing.resize!r} must be the length of the shorter side "
            f"in pixels, 1 to {LARGEST_SIDE}, such as 256"
        )


def _check_choice(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise EvaluationError(f"preprocessing: {name} {value!r} must be one of {', '.join(allowed)}")


def _check_convention(preprocessing: Preprocessing) -> None:
    own, library = preprocessing.convention, preprocessing.library
    if own == "torchvision":
        if library != "pillow":
            raise EvaluationError(f"preprocessing: library {library!r} goes with convention {_OTHERS}")
        if preprocessing.crop_mode == "center_first":
            raise EvaluationError(f"preprocessing: crop_mode 'center_first' goes with convention {_OTHERS}")
        return
    if preprocessing.input_size[0] != 3 or preprocessing.crop_mode == "border":
        raise EvaluationError(f"preprocessing: convention {own!r} has three channels, and no border")
    if library == "opencv" and preprocessing.interpolation in _OPENCV_HAS_NOT:
        raise EvaluationError(
            f"preprocessing: interpolation {preprocessing.interpolation!r} is none of OpenCV's; "
            "use library pillow"
        )


def _check_channel_values(name: str, values: object, channels: int) -> None:
    numbers = isinstance(values, tuple) and all(
        isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        for value in values
    )
    if not numbers or len(values) != channels:  # type: ignore[arg-type]
        raise EvaluationError(
            f"preprocessing: {name} {values!r} must be {channels} number(s), one per channel, "
            "for pixel values between 0 and 1"
        )
