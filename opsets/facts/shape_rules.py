"""The shapes of results with axes of open length, where onnx's own inference leaves them unknown.

Each rule follows the formula in the operator's text. A length that does not follow is None.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import onnx_ir as ir

from opsets.facts.lengths import (
    FAR,
    Length,
    flattened,
    longer,
    quotient,
    reshaped,
    rounded_up,
    sum_of,
    windows_along,
)

Lengths = list[Length]
Rule = Callable[[ir.Node, list[Lengths | None], int], list[Length | None] | None]
"""Of a node, the lengths of its inputs and the opset: the lengths of its first output."""


def numbers(node: ir.Node, attribute: str, index: int) -> list[float] | None:
    """A parameter that is an attribute in older forms and input ``index`` in newer ones.

    None if it is not constant, empty where it is left out.
    """
    if attribute in node.attributes:
        return [float(entry) for entry in node.attributes[attribute].value]
    value = node.inputs[index] if index < len(node.inputs) else None
    if value is None:
        return []
    if value.const_value is None:
        return None
    return [float(entry) for entry in value.const_value.numpy().reshape(-1)]


def _integers(node: ir.Node, name: str) -> list[int] | None:
    attribute = node.attributes.get(name)
    return None if attribute is None else list(attribute.as_ints())


def _integer(node: ir.Node, name: str, default: int) -> int:
    attribute = node.attributes.get(name)
    return default if attribute is None else attribute.as_int()


def _automatic(node: ir.Node) -> str:
    attribute = node.attributes.get("auto_pad")
    return "NOTSET" if attribute is None else attribute.as_string()


def _extents(node: ir.Node, weight: Lengths | None) -> list[int] | None:
    """From the first to the last element of a window, along each axis from the third on."""
    kernel: Sequence[Length] | None = _integers(node, "kernel_shape") or (weight[2:] if weight else None)
    if kernel is None or not all(isinstance(length, int) for length in kernel):
        return None
    dilations = _integers(node, "dilations") or [1] * len(kernel)
    return [(length - 1) * step + 1 for length, step in zip(kernel, dilations, strict=True)]


def _pads(node: ir.Node, axes: int) -> list[tuple[int, int]]:
    pads = (_integers(node, "pads") if _automatic(node) == "NOTSET" else None) or [0] * (2 * axes)
    return list(zip(pads[:axes], pads[axes:], strict=True))


def _windows(weight: int | None, channels: int | None) -> Rule:
    """The rule of an operator whose kernel is that of input ``weight``, on whose axis are ``channels``."""

    def rule(node: ir.Node, given: list[Lengths | None], _opset: int) -> list[Length | None] | None:
        data, kernel = given[0], given[weight] if weight is not None else None
        extents = _extents(node, kernel)
        if data is None or extents is None:
            return None
        axes, automatic, ceil = len(extents), _automatic(node), bool(_integer(node, "ceil_mode", 0))
        strides = _integers(node, "strides") or [1] * axes
        front = [data[0], kernel[channels] if kernel and channels is not None else data[1]]
        if automatic.startswith("SAME"):
            return front + [rounded_up(length, step) for length, step in zip(data[2:], strides, strict=True)]
        if automatic == "VALID" and ceil:  # which runtimes do not read alike
            return [*front, *[None] * axes]
        columns = zip(data[2:], extents, strides, _pads(node, axes), strict=True)
        return front + [
            windows_along(length, extent, stride, pads, ceil=ceil) for length, extent, stride, pads in columns
        ]

    return rule


def _conv_transpose(node: ir.Node, given: list[Lengths | None], _opset: int) -> list[Length | None] | None:
    data, weight = given[0], given[1]
    extents = _extents(node, weight)
    if data is None or weight is None or extents is None or "output_shape" in node.attributes:
        return None
    axes = len(extents)
    strides = _integers(node, "strides") or [1] * axes
    more = _integers(node, "output_padding") or [0] * axes
    front = [data[0], weight[1] * _integer(node, "group", 1)]
    if _automatic(node).startswith("SAME"):  # runtimes do not cut off gaps, nor fill them
        return front + [
            length * stride if extent >= stride else None
            for length, extent, stride in zip(data[2:], extents, strides, strict=True)
        ]
    columns = zip(data[2:], extents, strides, more, _pads(node, axes), strict=True)
    return front + [
        (length - 1) * stride + added + extent - sum(pads) for length, extent, stride, added, pads in columns
    ]


def _resized(node: ir.Node, given: list[Lengths | None], opset: int) -> list[Length | None] | None:
    """By whole factors, and by halves, quarters and so on, which are exact in floating point."""
    data, index = given[0], {"Resize": 2 if opset >= 11 else 1}.get(node.op_type, 1)
    scales = numbers(node, "scales", index)
    if data is None or not scales or len(scales) != len(data) or "axes" in node.attributes:
        return None
    mode = node.attributes.get("coordinate_transformation_mode")
    if mode is not None and mode.as_string() == "tf_crop_and_resize":  # of a part that an input decides
        return None
    result: list[Length | None] = []
    for length, scale in zip(data, scales, strict=True):
        over, under = scale.as_integer_ratio()
        result.append(quotient(length * over, under) if under <= _EXACT_PARTS else None)
    return result


_EXACT_PARTS = 1 << 10
"""A factor with no more parts than this, all powers of two, times a length is exact in float32."""


def _padded(node: ir.Node, given: list[Lengths | None], _opset: int) -> list[Length | None] | None:
    data, pads = given[0], numbers(node, "pads", 1) or numbers(node, "paddings", 1)
    axes = numbers(node, "axes", 3)
    if data is None or not pads or axes is None:
        return None
    over = [int(axis) for axis in axes] or list(range(len(data)))
    if len(pads) != 2 * len(over):
        return None
    result: list[Length | None] = list(data)
    for axis, before, after in zip(over, pads[: len(over)], pads[len(over) :], strict=True):
        result[axis] = data[axis] + int(before) + int(after)
    return result


def _concatenated(node: ir.Node, given: list[Lengths | None], _opset: int) -> list[Length | None] | None:
    """The sum along its axis; along the others all lengths are equal, and the first one stands for them."""
    shapes = [lengths for lengths in given if lengths is not None]
    if len(shapes) != len(given) or len({len(lengths) for lengths in shapes}) != 1:
        return None
    axis = _integer(node, "axis", 1) % len(shapes[0])
    columns = [list(column) for column in zip(*shapes, strict=True)]
    result: list[Length | None] = [
        next((length for length in column if isinstance(length, int)), column[0]) for column in columns
    ]
    result[axis] = sum_of(columns[axis])
    return result


def _broadcast(_node: ir.Node, given: list[Lengths | None], opset: int) -> list[Length | None] | None:
    shapes = [lengths for lengths in given if lengths is not None]
    if len(shapes) != len(given) or opset < _NUMPY:
        return None
    width = max(len(lengths) for lengths in shapes)
    padded = [[1] * (width - len(lengths)) + lengths for lengths in shapes]
    return [longer(list(column)) for column in zip(*padded, strict=True)]


_NUMPY = 7
"""The opset from which operators of several operands follow numpy's rules."""


def _sliced(node: ir.Node, given: list[Lengths | None], _opset: int) -> list[Length | None] | None:
    """What lies between the bounds."""
    starts, ends = numbers(node, "starts", 1), numbers(node, "ends", 2)
    axes, steps = numbers(node, "axes", 3), numbers(node, "steps", 4)
    if given[0] is None:
        return None
    if not starts or not ends or axes is None or steps is None:
        return [None] * len(given[0])
    over = [int(axis) for axis in axes] or list(range(len(starts)))
    result: list[Length | None] = list(given[0])
    for axis, start, end, step in zip(over, starts, ends, steps or [1] * len(starts), strict=True):
        result[axis] = _between(given[0][axis], int(start), int(end), int(step))
    return result


def _between(length: Length, start: int, end: int, step: int) -> Length | None:
    """The elements from ``start`` to ``end``, where that is so for every length from 1 on."""
    if (start, end, step) == (0, 1, 1) or (start == -1 and end >= FAR and step > 0):
        return 1
    if end >= FAR and 0 <= start <= step:
        return rounded_up(length - start, step)
    if (start, end, step) == (0, -1, 1):
        return length - 1
    return None


def _flat(node: ir.Node, given: list[Lengths | None], _opset: int) -> list[Length | None] | None:
    if given[0] is None:
        return None
    return flattened(_integer(node, "axis", 1), given[0])


def _of_reshape(node: ir.Node, given: list[Lengths | None], _opset: int) -> list[Length | None] | None:
    target = numbers(node, "shape", 1)
    if target is None or given[0] is None:
        return None
    if _integer(node, "allowzero", 0) and 0 in target:
        return None
    return reshaped(given[0], [int(entry) for entry in target])


def _blocks(node: ir.Node, given: list[Lengths | None], _opset: int) -> list[Length | None] | None:
    size, data = _integer(node, "blocksize", 1), given[0]
    if data is None:
        return None
    if node.op_type == "SpaceToDepth":
        return [data[0], data[1] * size * size, *(quotient(length, size) for length in data[2:])]
    return [data[0], quotient(data[1], size * size), *(length * size for length in data[2:])]


def _tiled(node: ir.Node, given: list[Lengths | None], opset: int) -> list[Length | None] | None:
    """As often as each axis is repeated; the first form repeats one axis."""
    counts = numbers(node, "repeats", 1)
    if given[0] is None or opset < _ONE_COUNT_PER_AXIS or counts is None or len(counts) != len(given[0]):
        return None
    return [length * int(count) for length, count in zip(given[0], counts, strict=True)]


_ONE_COUNT_PER_AXIS = 6
"""The opset from which Tile takes as many counts as there are axes."""

_BROADCASTING = (
    "Add And BitShift BitwiseAnd BitwiseOr BitwiseXor Div Equal Greater GreaterOrEqual Less LessOrEqual Max"
    " Mean Min Mod Mul Or Pow PRelu Sub Sum Where Xor"
)

RULES: dict[str, Rule] = {
    **dict.fromkeys(_BROADCASTING.split(), _broadcast),
    "AveragePool": _windows(None, None),
    "Concat": _concatenated,
    "Conv": _windows(1, 0),
    "ConvInteger": _windows(1, 0),
    "ConvTranspose": _conv_transpose,
    "DeformConv": _windows(1, 0),
    "DepthToSpace": _blocks,
    "Flatten": _flat,
    "LpPool": _windows(None, None),
    "MaxPool": _windows(None, None),
    "Pad": _padded,
    "QLinearConv": _windows(3, 0),
    "Reshape": _of_reshape,
    "Resize": _resized,
    "Slice": _sliced,
    "SpaceToDepth": _blocks,
    "Tile": _tiled,
    "Upsample": _resized,
}
