"""HannWindow, HammingWindow, BlackmanWindow and MelWeightMatrix: new at 17; constants of constants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.registry import adapts
from opsets.rewrite import Rewrite

COSINES = {
    "HannWindow": (0.5, -0.5),
    "HammingWindow": (25 / 46, -21 / 46),
    "BlackmanWindow": (0.42, -0.5, 0.08),
}
"""The weights of the cosines of 0, 1 and 2 periods."""


def window(weights: tuple[float, ...]) -> Callable[[Rewrite], None]:
    """An adapter for a window that is a sum of cosines; exact to float64."""

    def adapter(rewrite: Rewrite) -> None:
        size = int(_scalar(rewrite, 0, "size"))
        period = size if rewrite.integer("periodic", 1) else size - 1
        angles = 2 * np.pi * np.arange(size) / max(period, 1)
        array = np.sum([weight * np.cos(index * angles) for index, weight in enumerate(weights)], axis=0)
        _forward(rewrite, array)

    return adapter


for operator, weights in COSINES.items():
    adapts(operator, 17, 16)(window(weights))


@adapts("MelWeightMatrix", 17, 16)
def mel_weight_matrix_17_to_16(rewrite: Rewrite) -> None:
    """The triangles written out, as onnx's reference implementation has them."""
    bands, length = int(_scalar(rewrite, 0, "bands")), int(_scalar(rewrite, 1, "length"))
    rate = int(_scalar(rewrite, 2, "sample rate"))
    low, high = (float(_mel(_scalar(rewrite, index, "edge"))) for index in (3, 4))
    # The step is one of bands + 2, though there are only bands + 1: so it is in onnx's tests.
    mels = np.arange(bands + 2) * ((high - low) / (bands + 2)) + low
    frequencies = 700 * np.expm1(mels / 2595 * np.log(10))
    bins = ((length + 1) * frequencies // rate).astype(int)
    matrix = np.zeros((length // 2 + 1, bands))
    for band in range(bands):
        left, peak, right = bins[band : band + 3]
        rising, falling = np.arange(left, peak + 1), np.arange(peak, right)
        matrix[rising, band] = (rising - left) / (peak - left) if peak > left else 1.0
        if right > peak:
            matrix[falling, band] = (right - falling) / (right - peak)
    _forward(rewrite, matrix)


def _mel(hertz: float) -> float:
    return float(2595 * np.log1p(hertz / 700) / np.log(10))


def _scalar(rewrite: Rewrite, index: int, meaning: str) -> float:
    array = rewrite.constant(index, meaning)
    if array is None:
        raise CannotAdapt(f"its {meaning} is missing")
    return float(array.reshape(-1)[0])


def _forward(rewrite: Rewrite, array: npt.NDArray[Any]) -> None:
    kind = ir.DataType(rewrite.integer("output_datatype", int(ir.DataType.FLOAT)))
    rewrite.forward(rewrite.initializer(array.astype(kind.numpy()), "value"))
