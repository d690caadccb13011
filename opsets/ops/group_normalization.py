"""GroupNormalization: one scale for each channel since 21, one for each group at 18, where it is new."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.facts.lengths import Length
from opsets.registry import adapts
from opsets.rewrite import Rewrite


def _normalised(rewrite: Rewrite, groups: int) -> ir.Value:
    """The input as (N, groups, rest), each group with mean 0 and variance 1: exact but for rounding."""
    data = rewrite.required(0)
    if data.dtype != ir.DataType.FLOAT:
        raise CannotAdapt(f"its input is {data.dtype}, and only float32 is normalised in its own type")
    target = rewrite.initializer(np.array([0, groups, -1], dtype=np.int64), "grouped")
    grouped = rewrite.add("Reshape", [data, target])
    ones = rewrite.initializer(np.ones(groups, dtype=np.float32), "ones")
    zeros = rewrite.initializer(np.zeros(groups, dtype=np.float32), "zeros")
    epsilon = {"epsilon": rewrite.real("epsilon", 1e-5)}
    return rewrite.add("InstanceNormalization", [grouped, ones, zeros], epsilon, shape=grouped.shape)


def _shape_of(rewrite: Rewrite, data: ir.Value) -> ir.Value:
    """The shape of ``data`` for a Reshape of something with the same first axis."""
    lengths: list[Length] = [0, *rewrite.lengths(data)[1:]]
    open_axes = [axis for axis, length in enumerate(lengths) if not isinstance(length, int)]
    if len(open_axes) > 1:
        return rewrite.add("Shape", [data])
    target = [length if isinstance(length, int) else -1 for length in lengths]
    return rewrite.initializer(np.array(target, dtype=np.int64), "shape")


def _per_channel(rewrite: Rewrite, value: ir.Value, rank: int, purpose: str) -> ir.Value:
    """(C,) as (C, 1, ..., 1), which meets the second axis of ``rank`` ones."""
    target = rewrite.initializer(np.array([-1, *[1] * (rank - 2)], dtype=np.int64), purpose)
    return rewrite.add("Reshape", [value, target])


@adapts("GroupNormalization", 21, 20)
def group_normalization_21_to_20(rewrite: Rewrite) -> None:
    """InstanceNormalization of the groups, then scale and bias of each channel."""
    data, groups = rewrite.required(0), rewrite.integer("num_groups", 1)
    rank = rewrite.rank(data)
    whole = rewrite.add("Reshape", [_normalised(rewrite, groups), _shape_of(rewrite, data)], shape=data.shape)
    scale = _per_channel(rewrite, rewrite.required(1), rank, "per_channel")
    bias = _per_channel(rewrite, rewrite.required(2), rank, "per_channel")
    rewrite.replace(rewrite.add("Add", [rewrite.add("Mul", [whole, scale]), bias]))


@adapts("GroupNormalization", 18, 17)
def group_normalization_18_to_17(rewrite: Rewrite) -> None:
    """InstanceNormalization of the groups with scale and bias of each group."""
    data, groups = rewrite.required(0), rewrite.integer("num_groups", 1)
    grouped = _normalised(rewrite, groups)
    scale = _per_channel(rewrite, rewrite.required(1), 3, "per_group")
    bias = _per_channel(rewrite, rewrite.required(2), 3, "per_group")
    affine = rewrite.add("Add", [rewrite.add("Mul", [grouped, scale]), bias])
    rewrite.replace(rewrite.add("Reshape", [affine, _shape_of(rewrite, data)], shape=data.shape))


@adapts("GroupNormalization", 20, 21)
def group_normalization_20_to_21(rewrite: Rewrite) -> None:
    """The scale and the bias of a group are those of each of its channels."""
    groups, channels = rewrite.integer("num_groups", 1), rewrite.length(rewrite.required(0), 1)
    of_channels = rewrite.initializer(np.arange(channels, dtype=np.int64) // (channels // groups), "groups")
    for index in (1, 2):
        each = rewrite.add("Gather", [rewrite.required(index), of_channels], {"axis": 0})
        rewrite.set_input(index, each)
