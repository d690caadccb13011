"""What QLinearConv, QLinearMatMul, ConvInteger and MatMulInteger compute, in exact arithmetic.

Runtimes are no measure of it: on x86 processors without VNNI they add pairs of products of unsigned and
signed bytes up in 16 bits, which saturate, so that the numbers depend on the processor.

Products and sums are made in floating point, of which float32 holds every integer up to 2**24 and float64 up
to 2**53: as many products as surely stay below the former are added up in float32, and the parts in float64,
which is exact while fewer than 2**37 products of 8 bits are added up. A sum becomes a result as ONNX Runtime
does it: multiplied in float32 by ``x_scale * w_scale / y_scale``, rounded half to even, shifted by the zero
point, saturated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Bytes = npt.NDArray[np.float32]
"""Differences of bytes and zero points."""
Exact = npt.NDArray[np.float64]
Inputs = Sequence[Array | None]
Attributes = Mapping[str, Any]

ROWS, COLUMNS = -2, -1


def conv_integer(inputs: Inputs, attributes: Attributes) -> Array:
    """ConvInteger: int32 (N, M, ...) of ``x``, ``w``, ``x_zero_point``, ``w_zero_point``."""
    data = _centred(_needed(inputs, 0), _given(inputs, 2), 1)
    return _int32(_conv(data, _centred(_needed(inputs, 1), _given(inputs, 3), 0), attributes))


def mat_mul_integer(inputs: Inputs, _attributes: Attributes) -> Array:
    """MatMulInteger: int32 (..., M, N) of ``A``, ``B``, ``a_zero_point``, ``b_zero_point``."""
    left = _centred(_needed(inputs, 0), _given(inputs, 2), ROWS)
    return _int32(_products(left, _centred(_needed(inputs, 1), _given(inputs, 3), COLUMNS)))


def q_linear_conv(inputs: Inputs, attributes: Attributes) -> Array:
    """QLinearConv: (N, M, ...) of the type of ``y_zero_point``; scales float32, ``B`` int32 (M)."""
    x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero = (_needed(inputs, place) for place in range(8))
    sums = _conv(_centred(x, x_zero, 1), _centred(w, w_zero, 0), attributes)
    bias = _given(inputs, 8)
    if bias is not None:
        sums += _along(bias.astype(np.float64), 1, sums.ndim)
    factor = x_scale.reshape(-1) * w_scale.reshape(-1) / y_scale.reshape(-1)
    return _requantised(sums, _along(factor, 1, sums.ndim), _along(y_zero, 1, sums.ndim))


def q_linear_mat_mul(inputs: Inputs, _attributes: Attributes) -> Array:
    """QLinearMatMul: (..., M, N) of the type of ``y_zero_point``.

    Scales are float32; they and the zero points are one for all, or one for each row of ``a`` and ``y``
    and each column of ``b``.
    """
    a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero = (_needed(inputs, place) for place in range(8))
    sums = _products(_centred(a, a_zero, ROWS), _centred(b, b_zero, COLUMNS))
    scale = _along(a_scale, ROWS, a.ndim) * _along(b_scale, COLUMNS, b.ndim)
    factor = scale / _along(y_scale, ROWS, sums.ndim)
    return _requantised(sums, factor, _along(y_zero, ROWS, sums.ndim))


OPERATORS: dict[str, Callable[[Inputs, Attributes], Array]] = {
    "ConvInteger": conv_integer,
    "MatMulInteger": mat_mul_integer,
    "QLinearConv": q_linear_conv,
    "QLinearMatMul": q_linear_mat_mul,
}
"""The operators of ONNX that add products of integers up, by name."""


def _given(inputs: Inputs, place: int) -> Array | None:
    return inputs[place] if place < len(inputs) else None


def _needed(inputs: Inputs, place: int) -> Array:
    value = inputs[place]
    assert value is not None
    return value


def _along(values: Array, axis: int, rank: int) -> Array:
    """A parameter so that it broadcasts: one for all, one per element of ``axis``, or as it is."""
    if values.size == 1:
        return values.reshape(())
    if values.ndim > 1 or rank == 1 or axis == COLUMNS:
        return values
    shape = [1] * rank
    shape[axis] = -1
    return values.reshape(shape)


def _centred(values: Array, zero: Array | None, axis: int) -> Bytes:
    exact: Bytes = values.astype(np.float32)
    if zero is not None:
        exact -= _along(zero.astype(np.float32), axis, values.ndim)
    return exact


def _products(left: Bytes, right: Bytes) -> Exact:
    """The matrix product of (..., M, K) and (..., K, N), exact."""
    largest = _largest(left) * _largest(right)
    most = int(2**24 // largest)  # bytes and their zero points differ by 510 at most: 64 products and more
    length = left.shape[-1]
    if length <= most or left.ndim == 1 or right.ndim == 1:
        exact = np.float32 if length <= most else np.float64
        return np.asarray(np.matmul(left.astype(exact), right.astype(exact)), np.float64)
    starts = range(0, length, most)
    outer = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    total: Exact = np.zeros((*outer, left.shape[-2], right.shape[-1]))
    for at in starts:
        total += np.matmul(left[..., at : at + most], right[..., at : at + most, :])
    return total


def _largest(values: Bytes) -> float:
    """The largest absolute value, and 1 at least."""
    return max(float(values.max(initial=1)), -float(values.min(initial=0)))


def _int32(sums: Exact) -> Array:
    return np.asarray(sums).astype(np.int64).astype(np.int32)


def _requantised(sums: Exact, factor: Array, zero: Array) -> Array:
    scaled = np.rint(sums.astype(np.float32) * factor.astype(np.float32)).astype(np.float64)
    bounds = np.iinfo(zero.dtype)
    return np.asarray(np.clip(scaled + zero, bounds.min, bounds.max)).astype(zero.dtype)


def _conv(data: Bytes, weight: Bytes, attributes: Attributes) -> Exact:
    """The sums of products of a convolution of ``data`` (N, C, ...) with ``weight`` (M, C / group, ...)."""
    group, lengths = int(attributes.get("group", 1)), weight.shape[2:]
    dilations = list(attributes.get("dilations", [1] * len(lengths)))
    strides = list(attributes.get("strides", [1] * len(lengths)))
    spans = [(length - 1) * dilation + 1 for length, dilation in zip(lengths, dilations, strict=True)]
    pads = _pads(data.shape[2:], spans, strides, attributes)
    padded = np.pad(data, [(0, 0), (0, 0), *pads])
    axes = tuple(range(2, data.ndim))
    windows = np.lib.stride_tricks.sliding_window_view(padded, spans, axis=axes)
    steps = (slice(None), slice(None), *(slice(None, None, step) for step in [*strides, *dilations]))
    kernels = weight.reshape(group, weight.shape[0] // group, -1).transpose(0, 2, 1)
    samples = windows[steps]
    result = np.empty((len(samples), len(weight), *samples.shape[2 : data.ndim]))
    for place, sample in enumerate(samples):  # one by one, which takes less memory; there may be none
        result[place] = _sums(sample, kernels)
    return result


def _sums(windows: Bytes, kernels: Bytes) -> Exact:
    """(M, ...) of the windows of a sample, (C, ..., kernel ...), and kernels (group, products, M / group)."""
    group, products, _ = kernels.shape
    count = (windows.ndim - 1) // 2
    places = windows.shape[1 : 1 + count]
    parts = windows.reshape(group, -1, *windows.shape[1:])
    order = (0, *range(2, 2 + count), 1, *range(2 + count, 2 + 2 * count))
    rows = parts.transpose(order).reshape(group, -1, products)
    sums: Exact = _products(rows, kernels).transpose(0, 2, 1).reshape(-1, *places)
    return sums


def _pads(
    lengths: Sequence[int], spans: Sequence[int], strides: Sequence[int], attributes: Attributes
) -> list[tuple[int, int]]:
    """What is added before and after each axis."""
    mode = attributes.get("auto_pad", b"NOTSET").decode()
    if mode in ("NOTSET", "VALID"):
        pads = list(attributes.get("pads", [])) if mode == "NOTSET" else []
        pads = pads or [0] * 2 * len(lengths)
        return list(zip(pads[: len(lengths)], pads[len(lengths) :], strict=True))
    totals = [
        max((-(-length // stride) - 1) * stride + span - length, 0)
        for length, span, stride in zip(lengths, spans, strides, strict=True)
    ]
    smaller = [(total // 2, total - total // 2) for total in totals]
    return smaller if mode == "SAME_UPPER" else [(after, before) for before, after in smaller]
