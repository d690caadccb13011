"""How frameworks that read pictures with OpenCV round, crop and normalise, bit for bit.

torchvision's way, which timm has as well, is in :mod:`evaluation.preprocessing`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

if TYPE_CHECKING:
    from evaluation.preprocessing import Array, Preprocessing

Levels = npt.NDArray[np.uint8]
"""Red, green and blue of 0 to 255: (H, W, 3)."""

_SCALE = np.float32(1.0 / 255.0)


def prepare_by_convention(image: Image.Image, preprocessing: Preprocessing) -> Array:
    """Make an RGB picture what MMClassification or PaddleClas makes of it: float32 (3, H, W).

    ``mmcls`` is ``Resize``, ``CenterCrop`` and ``Normalize`` of ``mmcls.datasets.pipelines`` 0.x, the latter
    with mmcv's ``imnormalize``; ``paddleclas`` is ``ResizeImage``, ``CropImage`` and ``NormalizeImage`` of
    PaddleClas's ``preprocess``, and ``paddleclas_levels`` the same where a configuration normalises levels of
    0 to 255 and not values of 0 to 1. All turn a picture as its EXIF data says, as OpenCV does when it reads
    one. A picture that is smaller than the crop gets a black border; they refuse it, or give out less.
    The crop mode ``center_first`` is mmcls's ``CenterCrop`` with ``efficientnet_style`` and PaddleClas's
    ``CropImageAtRatio``, which resize what they have cut.
    """
    levels: Levels = np.asarray(ImageOps.exif_transpose(image))
    _, height, width = preprocessing.input_size
    if preprocessing.crop_mode == "center_first":
        levels = _resized(_middle(levels, preprocessing), (width, height), preprocessing)
    else:
        size = _size(levels.shape[0], levels.shape[1], preprocessing)
        levels = _cropped(_resized(levels, size, preprocessing), height, width, preprocessing.convention)
    if preprocessing.colour == "BGR":
        levels = levels[:, :, ::-1]
    if preprocessing.pixel_range == 255:
        return np.ascontiguousarray(levels.transpose(2, 0, 1), dtype=np.float32)
    normalise = _as_mmcv if preprocessing.convention == "mmcls" else _as_paddleclas
    return np.ascontiguousarray(normalise(levels, preprocessing).transpose(2, 0, 1))


def _middle(levels: Levels, preprocessing: Preprocessing) -> Levels:
    """Cut out the middle: of each side the share ``input_size / resize`` of the shorter one, rounded down."""
    height, width = levels.shape[:2]
    _, wanted_height, wanted_width = preprocessing.input_size
    shorter, resize = min(height, width), preprocessing.resize
    span = _paddleclas_span if preprocessing.convention != "mmcls" else _mmcls_span
    top, bottom = span(height, wanted_height / resize * shorter)
    left, right = span(width, wanted_width / resize * shorter)
    return levels[top:bottom, left:right]


def _mmcls_span(side: int, length: float) -> tuple[int, int]:
    """Where ``length`` pixels in the middle of ``side`` begin and end: one pixel at least."""
    begin = max(0, round((side - length) / 2))
    return begin, max(begin + 1, int(min(side, begin + length)))


def _paddleclas_span(side: int, length: float) -> tuple[int, int]:
    whole = min(side, max(1, int(length)))
    begin = (side - whole) // 2
    return begin, begin + whole


def _resized(levels: Levels, size: tuple[int, int], preprocessing: Preprocessing) -> Levels:
    """Resize to ``size``, width and height, by the library and the filter of ``preprocessing``."""
    if preprocessing.library == "pillow":
        filter_ = Image.Resampling[preprocessing.interpolation.upper()]
        return np.asarray(Image.fromarray(levels).resize(size, filter_))
    import cv2

    filters = {
        "nearest": cv2.INTER_NEAREST,
        "bilinear": cv2.INTER_LINEAR,
        "bicubic": cv2.INTER_CUBIC,
        "lanczos": cv2.INTER_LANCZOS4,
    }
    resized = cv2.resize(
        np.ascontiguousarray(levels), size, interpolation=filters[preprocessing.interpolation]
    )
    return np.asarray(resized, dtype=np.uint8)


def _size(height: int, width: int, preprocessing: Preprocessing) -> tuple[int, int]:
    """Width and height to resize to."""
    resize = preprocessing.resize
    if preprocessing.crop_mode == "squash":
        _, wanted_height, wanted_width = preprocessing.input_size
        factor = resize / min(wanted_height, wanted_width)
        return round(wanted_width * factor), round(wanted_height * factor)
    if preprocessing.convention != "mmcls":
        factor = float(resize) / min(width, height)
        return round(width * factor), round(height * factor)
    if width < height:
        return resize, int(resize * height / width)
    return int(resize * width / height), resize


def _cropped(levels: Levels, height: int, width: int, convention: str) -> Levels:
    below, beside = max(0, height - levels.shape[0]), max(0, width - levels.shape[1])
    if below or beside:
        border = ((below // 2, below - below // 2), (beside // 2, beside - beside // 2), (0, 0))
        levels = np.pad(levels, border)
    spare = levels.shape[0] - height, levels.shape[1] - width
    top, left = (half // 2 if convention != "mmcls" else round(half / 2) for half in spare)
    return levels[top : top + height, left : left + width]


def _as_mmcv(levels: Levels, preprocessing: Preprocessing) -> Array:
    """``(x - mean) * (1 / std)`` in levels of 0 to 255, where OpenCV multiplies in double precision."""
    mean, std = (
        (255 * np.array(values, dtype=np.float64)).astype(np.float32)
        for values in (preprocessing.mean, preprocessing.std)
    )
    values = (levels.astype(np.float32) - mean) * (1 / std.astype(np.float64))
    return values.astype(np.float32)


def _as_paddleclas(levels: Levels, preprocessing: Preprocessing) -> Array:
    in_levels = preprocessing.convention == "paddleclas_levels"
    mean, std = (
        ((255 if in_levels else 1) * np.array(values, dtype=np.float64)).astype(np.float32)
        for values in (preprocessing.mean, preprocessing.std)
    )
    values: Array = (levels.astype(np.float32) * (np.float32(1) if in_levels else _SCALE) - mean) / std
    return values
