"""Resize and Upsample by parts: nearest elements by Gather, weighted ones by products with constants."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.families.matrices import along_axis
from opsets.families.sampling import Axis, Sampling
from opsets.rewrite import Rewrite


def resampled(rewrite: Rewrite, data: ir.Value, sampling: Sampling, axes: Sequence[Axis]) -> ir.Value:
    """``data`` resampled along ``axes``.

    Exact for nearest elements; weighted ones but for rounding and for inf and NaN, which spread.
    """
    inside = [~sampling.outside(axis) for axis in axes]
    value = _nearest(rewrite, data, sampling, axes) if sampling.mode == "nearest" else None
    value = value or _weighted(rewrite, data, sampling, axes)
    if all(mask.all() for mask in inside):
        return value
    rank, first = rewrite.rank(data), axes[0].axis
    kept = np.ones([1] * (rank - first), dtype=rewrite.kind(data))
    for axis, mask in zip(axes, inside, strict=True):
        kept = kept * mask.reshape([-1 if place == axis.axis else 1 for place in range(first, rank)])
    outside = ((1 - kept) * sampling.extrapolation_value).astype(kept.dtype)
    value = rewrite.add("Mul", [value, rewrite.initializer(kept, "inside")])
    return rewrite.add("Add", [value, rewrite.initializer(outside, "outside")])


def _nearest(rewrite: Rewrite, value: ir.Value, sampling: Sampling, axes: Sequence[Axis]) -> ir.Value:
    for axis in axes:
        places = rewrite.initializer(sampling.indices(axis), "places")
        value = rewrite.add("Gather", [value, places], {"axis": axis.axis})
    return value


def _weighted(rewrite: Rewrite, data: ir.Value, sampling: Sampling, axes: Sequence[Axis]) -> ir.Value:
    if data.dtype not in (ir.DataType.FLOAT16, ir.DataType.FLOAT, ir.DataType.DOUBLE):
        raise CannotAdapt(f"it interpolates {data.dtype}, which runtimes round differently")
    half = data.dtype == ir.DataType.FLOAT16
    value = rewrite.add("Cast", [data], {"to": int(ir.DataType.FLOAT)}) if half else data
    for axis in axes:
        matrix = sampling.matrix(axis).astype(rewrite.kind(value))
        value = along_axis(rewrite, value, matrix, axis.axis)
    rewrite.bound(f"{rewrite.node.op_type} by MatMul: an inf or a NaN spreads along its axes")
    return rewrite.add("Cast", [value], {"to": int(ir.DataType.FLOAT16)}) if half else value
