"""GridSample: new at 16; other names of the modes and more axes since 20; 22 changed only the types."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.families.types import WHY
from opsets.registry import adapts, alike
from opsets.rewrite import Rewrite

alike("GridSample", 22, 21, WHY)

OLDER = {"linear": "bilinear", "nearest": "nearest", "cubic": "bicubic"}
LARGEST = 1 << 24
"""Elements of the matrix that stands for a constant grid."""

Numbers = npt.NDArray[Any]


@adapts("GridSample", 20, 19)
def grid_sample_20_to_19(rewrite: Rewrite) -> None:
    """Other names of the modes, and images of two axes only."""
    if rewrite.rank(rewrite.required(0)) != 4:
        raise CannotAdapt("its data has another number of axes than an image's 4")
    rewrite.set_attribute("mode", OLDER[rewrite.text("mode", "linear")])


@adapts("GridSample", 16, 15)
def grid_sample_16_to_15(rewrite: Rewrite) -> None:
    """A constant grid of one image is a matrix that holds what each pixel gives to each point: one MatMul.

    Exact but for the order of the sums.
    """
    data, grid = rewrite.required(0), rewrite.constant(1, "grid")
    assert grid is not None
    if grid.shape[0] != 1 or data.dtype != ir.DataType.FLOAT:
        raise CannotAdapt("its grid is of several images, or its data no float32")
    channels, height, width = (rewrite.length(data, axis) for axis in (1, 2, 3))
    if height * width * grid.shape[1] * grid.shape[2] > LARGEST:
        raise CannotAdapt("the matrix that would stand for its grid is too large")
    matrix = rewrite.factors(_matrix(rewrite, grid.reshape(-1, 2), height, width), "weights")
    flat = rewrite.initializer(np.array([-1, channels, height * width], dtype=np.int64), "flat")
    image = rewrite.initializer(np.array([-1, channels, *grid.shape[1:3]], dtype=np.int64), "image")
    result = rewrite.add("MatMul", [rewrite.add("Reshape", [data, flat]), matrix])
    rewrite.replace(rewrite.add("Reshape", [result, image]))


def _matrix(rewrite: Rewrite, points: Numbers, height: int, width: int) -> Numbers:
    """Pixels × points: the weight of each pixel at each point, of which x is named first."""
    mode, padding = rewrite.text("mode", "bilinear"), rewrite.text("padding_mode", "zeros")
    aligned = bool(rewrite.integer("align_corners", 0))
    columns, rows = (
        [(*_placed(pixel, length, padding, aligned), weight) for pixel, weight in _taps(mode, place)]
        for place, length in (
            (_denormalised(points[:, 0], width, aligned), width),
            (_denormalised(points[:, 1], height, aligned), height),
        )
    )
    matrix = np.zeros((height * width, len(points)))
    for row, row_inside, row_weight in rows:
        for column, column_inside, column_weight in columns:
            weight = np.where(row_inside & column_inside, row_weight * column_weight, 0)
            np.add.at(matrix, (row * width + column, np.arange(len(points))), weight)
    return matrix.astype(np.float32)


def _denormalised(coordinates: Numbers, length: int, aligned: bool) -> Numbers:
    """From -1 to 1 to pixels, in float32 as runtimes compute it."""
    one, two, size = np.float32(1), np.float32(2), np.float32(length)
    if aligned:
        return (coordinates + one) / two * (size - one)
    return ((coordinates + one) * size - one) / two


def _taps(mode: str, place: Numbers) -> list[tuple[Numbers, Numbers]]:
    """The pixels along one axis that a place is made of, inside or outside the image, and their weights."""
    if mode == "nearest":
        return [(np.rint(place).astype(np.int64), np.ones(place.shape))]
    floor = np.floor(place)
    first, rest = floor.astype(np.int64), (place - floor).astype(np.float64)
    if mode == "bilinear":
        return [(first, 1 - rest), (first + 1, rest)]
    return [(first + step, _cubic(np.abs(rest - step))) for step in (-1, 0, 1, 2)]


def _cubic(distance: Numbers, slope: float = -0.75) -> Numbers:
    """Keys' weight of a pixel at a distance up to 2, with the slope that the operator's definition has."""
    near = ((slope + 2) * distance - (slope + 3)) * distance**2 + 1
    far = slope * (((distance - 5) * distance + 8) * distance - 4)
    return np.where(distance <= 1, near, far)


def _placed(pixel: Numbers, length: int, padding: str, aligned: bool) -> tuple[Numbers, Numbers]:
    """Where in the image a pixel's value is found, and whether it has one."""
    inside = (pixel >= 0) & (pixel < length)
    if padding == "reflection":
        period = max(2 * (length - 1), 1) if aligned else 2 * length
        pixel = pixel % period
        return np.minimum(pixel, period - (not aligned) - pixel).clip(0, length - 1), np.ones_like(inside)
    return pixel.clip(0, length - 1), inside if padding == "zeros" else np.ones_like(inside)


@adapts("GridSample", 19, 20)
def grid_sample_19_to_20(rewrite: Rewrite) -> None:
    """Other names of the modes."""
    names = {old: new for new, old in OLDER.items()}
    rewrite.set_attribute("mode", names[rewrite.text("mode", "bilinear")])
