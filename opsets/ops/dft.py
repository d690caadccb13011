"""DFT and STFT: new at 17; DFT's axis is an input since 20."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.families.axes import swapped
from opsets.families.shapes import reshape
from opsets.registry import adapts
from opsets.rewrite import Rewrite

LARGEST = 1 << 24
"""Elements of the matrix that a transform may be."""


@adapts("DFT", 20, 19)
def dft_20_to_19(rewrite: Rewrite) -> None:
    """A constant axis, by default the last before the complex numbers, becomes the attribute."""
    axis = _integer(rewrite, 2, "axis")
    rank = rewrite.rank(rewrite.required(0))
    rewrite.set_attribute("axis", (-2 if axis is None else axis) % rank)
    rewrite.keep_inputs(2 if rewrite.input(1) is not None else 1)


@adapts("DFT", 17, 16)
def dft_17_to_16(rewrite: Rewrite) -> None:
    """A product with the matrix of the transform: exact but for rounding, and for inf and NaN."""
    data, inverse = rewrite.required(0), bool(rewrite.integer("inverse", 0))
    one_sided, rank = bool(rewrite.integer("onesided", 0)), rewrite.rank(data)
    axis = rewrite.integer("axis", 1) % rank
    count, parts = rewrite.length(data, axis), rewrite.length(data, -1)
    length = _integer(rewrite, 1, "length")
    if length is None:
        length = 2 * (count - 1) if inverse and one_sided else count
    order = swapped(rank, axis, -2)
    moved = rewrite.add("Transpose", [data], {"perm": order}) if axis != rank - 2 else data
    matrix = _transform(count, parts, length, inverse=inverse, one_sided=one_sided)
    result = _applied(rewrite, moved, matrix)
    if axis != rank - 2:
        result = rewrite.add("Transpose", [result], {"perm": order})
    rewrite.replace(result)


@adapts("STFT", 17, 16)
def stft_17_to_16(rewrite: Rewrite) -> None:
    """The frames gathered, then multiplied by the matrix of the transform; exact as DFT."""
    signal, window = rewrite.required(0), rewrite.input(2)
    step, length = _integer(rewrite, 1, "frame step"), _integer(rewrite, 3, "frame length")
    count, parts = rewrite.length(signal, 1), rewrite.length(signal, -1)
    if length is None:
        length = count if window is None else rewrite.length(window, 0)
    if not step:
        raise CannotAdapt("its frame step is 0 or missing")
    frames = (count - length) // step + 1
    places = np.arange(frames)[:, None] * step + np.arange(length)[None, :]
    cut = rewrite.add("Gather", [signal, rewrite.initializer(places.astype(np.int64), "frames")], {"axis": 1})
    if window is not None:
        column = rewrite.initializer(np.array([-1, 1], dtype=np.int64), "column")
        cut = rewrite.add("Mul", [cut, rewrite.add("Reshape", [window, column])])
    one_sided = bool(rewrite.integer("onesided", 1))
    matrix = _transform(length, parts, length, inverse=False, one_sided=one_sided)
    rewrite.replace(_applied(rewrite, cut, matrix))


def _transform(
    count: int, parts: int, length: int, *, inverse: bool, one_sided: bool
) -> npt.NDArray[np.float64]:
    """The matrix (count, parts, new count, new parts) of a discrete Fourier transform.

    ``parts`` are the real and the imaginary one; it is the transform of each unit vector.
    """
    if count * parts * length * 2 > LARGEST:
        raise CannotAdapt(f"it transforms {count} elements, and the matrix for it would be too large")
    units = np.eye(count * parts).reshape(count * parts, count, parts)
    signals = units[..., 0] + 1j * (units[..., 1] if parts == 2 else 0)
    if inverse and one_sided:
        return np.fft.irfft(signals, n=length, axis=1).reshape(count, parts, length, 1)
    spectra = np.fft.ifft(signals, n=length) if inverse else np.fft.fft(signals, n=length)
    if one_sided:
        spectra = spectra[:, : length // 2 + 1]
    return np.stack([spectra.real, spectra.imag], axis=-1).reshape(count, parts, -1, 2)


def _applied(rewrite: Rewrite, data: ir.Value, matrix: npt.NDArray[Any]) -> ir.Value:
    """``data``, whose last two axes are the first two of ``matrix``, with its last two instead."""
    if data.dtype not in (ir.DataType.FLOAT, ir.DataType.DOUBLE):
        raise CannotAdapt(f"its input is {data.dtype}, and only float32 and float64 are transformed")
    count, parts, new_count, new_parts = matrix.shape
    others = rewrite.lengths(data)[:-2]
    flat = reshape(rewrite, data, [*others, count * parts])
    weights = matrix.reshape(count * parts, new_count * new_parts).astype(rewrite.kind(data))
    product = rewrite.add("MatMul", [flat, rewrite.initializer(weights, "transform")])
    rewrite.bound(f"{rewrite.node.op_type} by MatMul: an inf or a NaN spreads over its result")
    return reshape(rewrite, product, [*others, new_count, new_parts])


def _integer(rewrite: Rewrite, index: int, meaning: str) -> int | None:
    array = rewrite.constant(index, meaning)
    return None if array is None else int(array.reshape(-1)[0])


@adapts("DFT", 19, 20)
def dft_19_to_20(rewrite: Rewrite) -> None:
    """The axis becomes an input."""
    axis = rewrite.integer("axis", 1)
    rewrite.drop_attribute("axis")
    rewrite.set_input(2, rewrite.initializer(np.array(axis, dtype=np.int64), "axis"))
