"""Scales and zero points: what a byte stands for.

``real = (byte - zero_point) * scale``, as in ONNX's QuantizeLinear and DequantizeLinear. Activations are
uint8 with a zero point of their own, for each tensor. Weights are symmetric, and of one of two kinds that no
processor saturates with. Processors without VNNI add two products of an unsigned and a signed byte up in 16
bits: signed weights go from -64 to 64 alone, as ``2 * 255 * 64`` is 32640, which fits. Unsigned ones have all
levels, and are the more accurate, but ONNX Runtime is no faster with them than in float32.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import onnx

from quantization.graph import Graph
from quantization.ranges import SIGNIFICANT_BITS, Range

WeightKind = Literal["int8", "uint8"]
_LEVELS: Mapping[WeightKind, int] = {"int8": 64, "uint8": 127}
_ZEROS: Mapping[WeightKind, npt.NDArray[Any]] = {
    "int8": np.array(0, np.int8),
    "uint8": np.array(128, np.uint8),
}

MOVING = frozenset(("Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"))
"""Operators that move values and change none, of bytes too at every opset that has quantisation."""
SHARING = MOVING | {"Concat", "MaxPool"}
"""Operators whose result has the range of what goes in, so that bytes go through them unchanged."""


@dataclass(frozen=True)
class Parameters:
    """The scale and the zero point of a tensor of activations."""

    scale: np.float32
    zero_point: np.uint8


@dataclass(frozen=True)
class QuantizedWeight:
    """A weight in bytes; ``scale`` (float32) and ``zero_point`` are scalars, or for each output channel."""

    stored: npt.NDArray[Any]
    scale: npt.NDArray[np.float32]
    zero_point: npt.NDArray[Any]


def parameters_of(range_: Range) -> Parameters:
    """What spreads 0 to 255 over a range that holds 0; 0 itself is exact, as padding adds it."""
    low, high = range_
    scale = np.float32((high - low) / 255) if high > low else np.float32(1 / 255)
    zero_point = np.clip(np.rint(-low / float(scale)), 0, 255)
    return Parameters(scale, np.uint8(zero_point))


def quantized_weight(
    weight: npt.NDArray[np.float32], axis: int | None, kind: WeightKind, least: npt.NDArray[np.float32]
) -> QuantizedWeight:
    """``weight`` in bytes, with one scale for each index of ``axis``, or for all where that is None.

    No scale is below ``least``, which has a value for each index of ``axis``, or one.
    """
    levels_of, zero = _LEVELS[kind], _ZEROS[kind]
    others = None if axis is None else tuple(place for place in range(weight.ndim) if place != axis)
    largest = np.maximum(weight.max(axis=others, initial=0), -weight.min(axis=others, initial=0))
    least = least.max() if axis is None else least
    scale = np.where(largest > 0, np.maximum(largest / levels_of, least), np.maximum(least, 1))
    scale = scale.astype(np.float32)
    shape = [1] * weight.ndim
    if axis is not None:
        shape[axis] = -1
    levels = np.asarray(weight / scale.reshape(shape if axis is not None else ()))
    # In place: the largest weight may be most of a network, and of the memory.
    np.clip(np.rint(levels, out=levels), -levels_of, levels_of, out=levels)
    levels += zero
    stored = levels.astype(zero.dtype)
    return QuantizedWeight(stored, scale, np.full(scale.shape, zero))


def least_scale(bias: npt.NDArray[np.float32] | None, data: Parameters) -> npt.NDArray[np.float32]:
    """The least scales of weights with which ``bias`` fits into half of int32, beside sums of products.

    A channel whose weights are almost 0 would have one with which its bias is cut off. Neither does the
    product with the scale of ``data`` vanish in float32.
    """
    largest = np.zeros(1) if bias is None else np.abs(bias.astype(np.float64))
    return np.asarray(np.maximum(largest / 2**30, 2.0**-120) / data.scale, np.float32)


def bias_scale(data: Parameters, weight_scale: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The scale of a bias, one for each of the weights': that of the data times that of the weights."""
    return np.asarray(data.scale * weight_scale, np.float32)


def quantized_bias(bias: npt.NDArray[np.float32], scale: npt.NDArray[np.float32]) -> npt.NDArray[np.int32]:
    """``bias`` in int32, in multiples of ``scale``, which is that of the data times that of the weights."""
    bounds = np.iinfo(np.int32)
    levels = np.rint(bias.astype(np.float64) / scale.astype(np.float64))
    return np.clip(levels, bounds.min, bounds.max).astype(np.int32)


def shared_ranges(
    graph: Graph, ranges: Mapping[str, Range], made: Iterable[str], bounds: Mapping[str, Range]
) -> dict[str, Range]:
    """``ranges`` with one range for all tensors that go through operators of SHARING into each other.

    ``made`` are the tensors that come out of quantised nodes, or go into them. Of each group the range
    holds those of all that it is made of. A range that does what an activation did must not be wider than
    ``bounds`` has it for its tensor: such a tensor stays apart, and the operators that read it take floats.
    """
    wanted, apart = set(made), set[str]()
    while True:
        result = _ranges_of_groups(ranges, _groups(graph, wanted, apart))
        wide = {name for name in bounds if name in result and not _within(result[name], bounds[name])}
        if wide <= apart:
            return result
        apart |= wide


def _within(range_: Range, bounds: Range) -> bool:
    """Whether a range, whose ends are rounded, is within ``bounds``."""
    return range_[0] >= bounds[0] and range_[1] <= bounds[1] * (1 + 2.0**-SIGNIFICANT_BITS)


def _groups(graph: Graph, wanted: Collection[str], apart: Collection[str]) -> Collection[list[str]]:
    """The tensors that share a range."""
    roots: dict[str, str] = {}

    def root(name: str) -> str:
        while roots.setdefault(name, name) != name:
            name = roots[name]
        return name

    for node in graph.model.graph.node:
        data = data_of(node) if passes_bytes(node, graph) else ()
        if not any(name in apart for name in data):
            for name in data:
                roots[root(name)] = root(node.output[0])
    groups: dict[str, list[str]] = {}
    for name in {*wanted, *roots}:
        groups.setdefault(root(name), []).append(name)
    return groups.values()


def _ranges_of_groups(ranges: Mapping[str, Range], groups: Iterable[Collection[str]]) -> dict[str, Range]:
    result: dict[str, Range] = {}
    for names in groups:
        known = [ranges[name] for name in names if name in ranges]
        if known:
            whole = min(low for low, _ in known), max(high for _, high in known)
            result |= dict.fromkeys(names, whole)
    return result


def passes_bytes(node: onnx.NodeProto, graph: Graph) -> bool:
    """Whether the bytes that come out of ``node`` are among those that go in."""
    return node.op_type in SHARING and not node.domain and node.input[0] not in graph.constants


def data_of(node: onnx.NodeProto) -> Sequence[str]:
    """The inputs of a node of SHARING whose bytes come out; the others are shapes and axes."""
    return list(node.input if node.op_type == "Concat" else node.input[:1])
