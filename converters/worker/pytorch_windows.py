"""Windows over feature maps, for the time of an export: what unfolds, folds and slides, and a convolution."""

from __future__ import annotations

import math
from typing import Any, List, Sequence, Tuple

import numpy as np
import torch
from torch.nn import functional

Lengths = Any
"""One length for all axes of a feature map, or one for each; lengths may be tensors while torch traces."""


def lengths_of(values: Any) -> List[int]:
    """The lengths of a feature map as numbers, which a trace keeps."""
    return [int(length) for length in values.shape]


def _pair(given: Lengths) -> Tuple[int, int]:
    rows, columns = given if isinstance(given, (tuple, list)) else (given, given)
    return int(rows), int(columns)


def gathered(values: Any, axis: int, index: Sequence[Sequence[int]]) -> Any:
    """``values`` with two axes in the place of one: at (i, j) what was at ``index[i][j]``."""
    table = np.array(index, np.int64)
    if axis < 0:
        axis += values.dim()
    return values.index_select(axis, torch.from_numpy(table.reshape(-1))).reshape(
        *values.shape[:axis], *table.shape, *values.shape[axis + 1 :]
    )


class _Windows:
    """The positions that windows read, which ``unfold`` and ``fold`` take with the same keywords."""

    def __init__(self, kernel_size: Lengths, dilation: Lengths, padding: Lengths, stride: Lengths) -> None:
        self.kernel, self.dilation = _pair(kernel_size), _pair(dilation)
        self.padding, self.stride = _pair(padding), _pair(stride)

    def number(self, axis: int, length: int) -> int:
        """How many windows there are along an ``axis`` of ``length``, not yet padded."""
        reach = self.dilation[axis] * (self.kernel[axis] - 1) + 1
        return (length + 2 * self.padding[axis] - reach) // self.stride[axis] + 1

    def index(self, axis: int, length: int) -> List[List[int]]:
        """For each position in a window, what each window reads there of the padded axis."""
        starts = [self.stride[axis] * window for window in range(self.number(axis, length))]
        return [[self.dilation[axis] * step + start for start in starts] for step in range(self.kernel[axis])]


def unfold(
    values: Any, kernel_size: Lengths, dilation: Lengths = 1, padding: Lengths = 0, stride: Lengths = 1
) -> Any:
    """``torch.nn.functional.unfold`` of (N, C, H, W): the windows' positions are gathered, axis by axis."""
    windows = _Windows(kernel_size, dilation, padding, stride)
    height, width = lengths_of(values)[-2:]
    vertical, horizontal = windows.padding
    if vertical or horizontal:
        values = functional.pad(values, (horizontal, horizontal, vertical, vertical))
    columns = gathered(values, -1, windows.index(1, width))
    both = gathered(columns, -3, windows.index(0, height))  # (N, C, kernel, windows, kernel, windows)
    return both.transpose(-3, -2).flatten(-2).flatten(-4, -2)


def fold(
    values: Any,
    output_size: Lengths,
    kernel_size: Lengths,
    dilation: Lengths = 1,
    padding: Lengths = 0,
    stride: Lengths = 1,
) -> Any:
    """``torch.nn.functional.fold`` of (N, C * kernel, windows): a transposed convolution adds what overlaps.

    Its kernels have a single 1, at the position in the window that their channel holds.
    """
    windows, size = _Windows(kernel_size, dilation, padding, stride), _pair(output_size)
    numbers = [windows.number(axis, size[axis]) for axis in (0, 1)]
    positions = math.prod(windows.kernel)
    channels = lengths_of(values)[-2] // positions
    kernels = np.tile(np.eye(positions, dtype=np.float32), (channels, 1))
    left_over = [
        size[axis]
        + 2 * windows.padding[axis]
        - windows.dilation[axis] * (windows.kernel[axis] - 1)
        - 1
        - windows.stride[axis] * (numbers[axis] - 1)
        for axis in (0, 1)
    ]
    return functional.conv_transpose2d(
        values.reshape(*values.shape[:-1], *numbers),
        torch.from_numpy(kernels.reshape(-1, 1, *windows.kernel)).to(values.dtype),
        stride=windows.stride,
        padding=windows.padding,
        output_padding=left_over,
        groups=channels,
        dilation=windows.dilation,
    )


def sliding(values: Any, dimension: int, size: int, step: int) -> Any:
    """``torch.Tensor.unfold``: windows along one axis, their positions in an axis behind all others."""
    axis = dimension % values.dim()
    starts = range(0, lengths_of(values)[axis] - int(size) + 1, int(step))
    index = [list(range(start, start + int(size))) for start in starts]
    return gathered(values, axis, index).movedim(axis + 1, -1)


def convolved(
    values: Any,
    weight: Any,
    bias: Any = None,
    stride: Lengths = 1,
    padding: Any = 0,
    dilation: Lengths = 1,
    groups: Any = 1,
) -> Any:
    """``torch.nn.functional.conv2d``; where each picture has kernels of its own, products with its windows.

    So a network says it that makes its kernels of the picture: the pictures stand side by side in the
    channels of one, each in groups of its own, and their number is a factor of ``groups``, which a Conv of
    ONNX has as a constant.
    """
    if not isinstance(groups, torch.Tensor):
        return functional.conv2d(values, weight, bias, stride, padding, dilation, groups)
    outputs, inputs, *kernel = lengths_of(weight)
    outputs //= int(groups)
    height, width = lengths_of(values)[-2:]
    windows = _Windows(kernel, dilation, padding, stride)
    patches = unfold(values.reshape(-1, inputs, height, width), kernel, dilation, padding, stride)
    result = torch.matmul(weight.reshape(-1, outputs, inputs * math.prod(kernel)), patches)
    result = result.reshape(1, -1, windows.number(0, height), windows.number(1, width))
    return result if bias is None else result + bias.reshape(1, -1, 1, 1)
