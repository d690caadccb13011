"""Resampling along axes: where each new element lies among the old ones, and what it is made of.

The formulas are those of onnx's Resize (https://onnx.ai/onnx/operators/onnx__Resize.html).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Axis:
    """An axis of ``old`` elements that gets ``new`` ones, ``scale`` times as many but for rounding."""

    axis: int
    old: int
    new: int
    scale: float
    start: float = 0.0
    """Where the region of interest starts, and ends: 0 and 1 for all of the axis."""
    end: float = 1.0


@dataclass(frozen=True)
class Sampling:
    """The settings of a Resize, named as its attributes."""

    mode: str = "nearest"
    transformation: str = "half_pixel"
    nearest_mode: str = "round_prefer_floor"
    """Beside onnx's: ``up_floor_down_ceil``, which is what the oldest forms do."""
    cubic_coeff_a: float = -0.75
    exclude_outside: bool = False
    antialias: bool = False
    extrapolation_value: float = 0.0

    def positions(self, axis: Axis) -> Array:
        """The coordinates (new,) of the new elements among the old ones.

        The nearest element is chosen in float32, as runtimes do: 3 / 0.6 is 5 there, and not below.
        """
        kind = np.dtype(np.float32 if self.mode == "nearest" else np.float64)
        x, last = np.arange(axis.new).astype(kind), axis.old - 1
        scale, half = kind.type(axis.scale), kind.type(0.5)
        places: Array = (x + half) / scale - half
        if self.transformation == "asymmetric":
            places = x / scale
        elif self.transformation == "tf_half_pixel_for_nn":
            places = (x + half) / scale
        elif self.transformation == "align_corners":
            places = x * last / max(axis.new - 1, 1)
        elif self.transformation == "tf_crop_and_resize" and axis.new > 1:
            places = x * ((axis.end - axis.start) * last / (axis.new - 1)) + axis.start * last
        elif self.transformation == "tf_crop_and_resize":
            places = np.full(1, (axis.start + axis.end) * last / 2)
        elif self.transformation == "pytorch_half_pixel" and axis.new == 1:
            places = np.zeros(1)
        elif self.transformation == "half_pixel_symmetric":
            places = places + axis.old / 2 * (1 - axis.new / (axis.scale * axis.old))
        return places.astype(kind)

    def outside(self, axis: Axis) -> Array:
        """Which of the new elements (new,) are the extrapolation value."""
        if self.transformation != "tf_crop_and_resize":
            return np.zeros(axis.new, dtype=bool)
        positions = self.positions(axis)
        return np.asarray((positions < 0) | (positions > axis.old - 1))

    def indices(self, axis: Axis) -> npt.NDArray[np.int64]:
        """The nearest old element of each new one (new,)."""
        positions, nearest = self.positions(axis), self.nearest_mode
        if nearest == "up_floor_down_ceil":
            nearest = "ceil" if axis.scale < 1 else "floor"
        if nearest == "round_prefer_floor":
            rounded = np.ceil(positions - np.float32(0.5))
        elif nearest == "round_prefer_ceil":
            rounded = np.floor(positions + np.float32(0.5))
        else:
            rounded = np.ceil(positions) if nearest == "ceil" else np.floor(positions)
        return np.clip(rounded, 0, axis.old - 1).astype(np.int64)

    def matrix(self, axis: Axis) -> npt.NDArray[np.float64]:
        """The weights (new, old) that make the new elements from the old ones, linearly or cubically."""
        positions = self.positions(axis)
        stretch = min(axis.scale, 1.0) if self.antialias else 1.0
        reach = int(np.ceil((1 if self.mode == "linear" else 2) / stretch))
        base = np.floor(positions).astype(np.int64)[:, None]
        taps = base + np.arange(1 - reach, reach + 1)[None, :]
        weights = self._kernel((taps - positions[:, None]) * stretch)
        if self.antialias:
            weights = _normalised(weights)
        if self.exclude_outside:
            weights = _normalised(np.where((taps < 0) | (taps >= axis.old), 0.0, weights))
        result = np.zeros((axis.new, axis.old))
        rows = np.broadcast_to(np.arange(axis.new)[:, None], taps.shape)
        np.add.at(result, (rows, np.clip(taps, 0, axis.old - 1)), weights)
        return result

    def _kernel(self, distance: Array) -> Array:
        x, a = np.abs(distance), self.cubic_coeff_a
        if self.mode == "linear":
            return np.asarray(np.clip(1 - x, 0, 1))
        near = ((a + 2) * x - (a + 3)) * x * x + 1
        far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
        return np.asarray(np.where(x <= 1, near, np.where(x < 2, far, 0.0)))


def _normalised(weights: Array) -> Array:
    total = weights.sum(axis=1, keepdims=True)
    return np.asarray(weights / np.where(total == 0, 1.0, total))
