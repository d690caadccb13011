"""Functions that torch's exporter cannot say, in terms of those that it can: for the time of an export.

The sizes of a feature map are those of the example: only the first axis of a file is open, so that what its
height and width decide, such as which pixels belong to a window, is a constant of the file. The first axis
itself is never read here.
"""

from __future__ import annotations

import math
from typing import Any, Callable, List, Mapping, Optional, Sequence, Tuple

import numpy as np
import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

Lengths = Any
"""One length for all axes of a feature map, or one for each; lengths may be tensors while torch traces."""

TO_NUMBERS = frozenset(
    getattr(torch.Tensor, name)
    for name in ("__bool__", "__float__", "__index__", "__int__", "__len__", "item", "numpy", "tolist")
)
"""The functions that make a number of what a tensor holds, or of its length."""


class Equivalents(TorchFunctionMode):  # type: ignore[misc]  # torch is not there where types are checked
    """While it is entered, the functions of ``EQUIVALENTS`` are computed as these say."""

    def __init__(self) -> None:
        super().__init__()
        self.took_numbers = False
        """Whether a tensor was made a number, which a trace keeps: it may be the length of the batch."""

    def __torch_function__(
        self,
        function: Any,
        types: Any,
        args: Tuple[Any, ...] = (),
        kwargs: Optional[Mapping[str, Any]] = None,
    ) -> Any:
        keywords = dict(kwargs or {})
        self.took_numbers |= function in TO_NUMBERS
        if function not in EQUIVALENTS:
            return function(*args, **keywords)
        first = [keywords.pop("input")] if "input" in keywords else []
        return EQUIVALENTS[function](*first, *args, **keywords)


def _lengths(values: Any) -> List[int]:
    return [int(length) for length in values.shape]


def _pair(given: Lengths) -> Tuple[int, int]:
    rows, columns = given if isinstance(given, (tuple, list)) else (given, given)
    return int(rows), int(columns)


def _wanted(given: Lengths, lengths: Sequence[int]) -> List[int]:
    """The lengths of what an adaptive pooling makes of axes of ``lengths``: None keeps one."""
    each = list(given) if isinstance(given, (tuple, list)) else [given] * len(lengths)
    return [length if asked is None else int(asked) for asked, length in zip(each, lengths, strict=True)]


def _bins(length: int, bins: int) -> List[range]:
    """The positions that each of the ``bins`` of an adaptive pooling reads of an axis of ``length``."""
    return [range(length * index // bins, -(-length * (index + 1) // bins)) for index in range(bins)]


def _mean_matrix(length: int, bins: int) -> Any:
    """What an axis is multiplied by for the mean of every bin, float32 (length, bins)."""
    matrix = np.zeros((length, bins), np.float32)
    for column, positions in enumerate(_bins(length, bins)):
        matrix[positions.start : positions.stop, column] = 1 / len(positions)
    return torch.from_numpy(matrix)


def _means(values: Any, axis: int, bins: int) -> Any:
    matrix = _mean_matrix(_lengths(values)[axis], bins).to(values.dtype)
    return torch.matmul(values, matrix) if axis == -1 else torch.matmul(matrix.T.contiguous(), values)


def _maxima(values: Any, axis: int, bins: int) -> Any:
    positions = _bins(_lengths(values)[axis], bins)
    longest = max(map(len, positions))
    # A bin that is shorter than the longest reads its last value again, which changes no maximum.
    index = [[min(part.start + step, part.stop - 1) for step in range(longest)] for part in positions]
    return _gathered(values, axis, index).amax(axis)


def _gathered(values: Any, axis: int, index: Sequence[Sequence[int]]) -> Any:
    """``values`` with two axes in the place of one: at (i, j) what was at ``index[i][j]``."""
    table = np.array(index, np.int64)
    if axis < 0:
        axis += values.dim()
    return values.index_select(axis, torch.from_numpy(table.reshape(-1))).reshape(
        *values.shape[:axis], *table.shape, *values.shape[axis + 1 :]
    )


def _adaptive(
    torchs_own: Callable[..., Any],
    in_one_go: Callable[..., Any],
    along: Callable[[Any, int, int], Any],
    axes: int,
) -> Callable[..., Any]:
    """An adaptive pooling over the last ``axes`` axes, as ``torchs_own``.

    ``in_one_go`` is the pooling by windows of one size, which say it where every length is a multiple of
    what it becomes; ``along`` does one axis by itself.
    """

    def pooled(values: Any, output_size: Any, return_indices: bool = False) -> Any:
        lengths = _lengths(values)[-axes:]
        wanted = _wanted(output_size, lengths)
        if wanted == [1] * axes:
            return torchs_own(values, output_size)  # an operator of ONNX
        if all(length % bins == 0 for length, bins in zip(lengths, wanted, strict=True)):
            return in_one_go(values, [length // bins for length, bins in zip(lengths, wanted, strict=True)])
        for axis, (length, bins) in enumerate(zip(lengths, wanted, strict=True), start=-axes):
            values = along(values, axis, bins) if length != bins else values
        return values

    return pooled


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


def _unfold(
    values: Any, kernel_size: Lengths, dilation: Lengths = 1, padding: Lengths = 0, stride: Lengths = 1
) -> Any:
    """``torch.nn.functional.unfold`` of (N, C, H, W): the windows' positions are gathered, axis by axis."""
    windows = _Windows(kernel_size, dilation, padding, stride)
    height, width = _lengths(values)[-2:]
    vertical, horizontal = windows.padding
    if vertical or horizontal:
        values = functional.pad(values, (horizontal, horizontal, vertical, vertical))
    columns = _gathered(values, -1, windows.index(1, width))
    both = _gathered(columns, -3, windows.index(0, height))  # (N, C, kernel, windows, kernel, windows)
    return both.transpose(-3, -2).flatten(-2).flatten(-4, -2)


def _fold(
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
    channels = _lengths(values)[-2] // positions
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


def _sliding(values: Any, dimension: int, size: int, step: int) -> Any:
    """``torch.Tensor.unfold``: windows along one axis, their positions in an axis behind all others."""
    axis = dimension % values.dim()
    starts = range(0, _lengths(values)[axis] - int(size) + 1, int(step))
    index = [list(range(start, start + int(size))) for start in starts]
    return _gathered(values, axis, index).movedim(axis + 1, -1)


def _rms_norm(
    values: Any, normalized_shape: Sequence[int], weight: Any = None, eps: Optional[float] = None
) -> Any:
    """``torch.nn.functional.rms_norm``, whose ``eps`` is that of the type where none is given."""
    axes = list(range(-len(normalized_shape), 0))
    epsilon = torch.finfo(values.dtype).eps if eps is None else eps
    normalised = values * torch.rsqrt(values.pow(2).mean(axes, keepdim=True) + epsilon)
    return normalised if weight is None else normalised * weight


def _attention(query: Any, key: Any, value: Any, *rest: Any, enable_gqa: bool = False, **kwargs: Any) -> Any:
    """``scaled_dot_product_attention``, with each head of keys and values once for each that queries it."""
    if enable_gqa:
        times = _lengths(query)[-3] // _lengths(key)[-3]
        key, value = (_repeated(heads, times) for heads in (key, value))
    return functional.scaled_dot_product_attention(query, key, value, *rest, **kwargs)


def _repeated(heads: Any, times: int) -> Any:
    index = torch.from_numpy(np.repeat(np.arange(_lengths(heads)[-3]), times))
    return heads.index_select(heads.dim() - 3, index)


def _squeezed(values: Any, *axes: Any, **keywords: Any) -> Any:
    """``squeeze``: where no axis is named, those of length 1, but never the batch's, which is longer here."""
    if axes or keywords:
        return values.squeeze(*axes, **keywords)
    for axis in reversed([axis for axis, length in enumerate(_lengths(values)) if length == 1]):
        values = values.squeeze(axis)
    return values


def _channel_shuffle(values: Any, groups: int) -> Any:
    shape = values.shape
    grouped = values.reshape(shape[0], groups, _lengths(values)[1] // groups, *shape[2:])
    return grouped.transpose(1, 2).reshape(shape)


EQUIVALENTS: Mapping[Any, Callable[..., Any]] = {
    functional.adaptive_avg_pool1d: _adaptive(
        functional.adaptive_avg_pool1d, functional.avg_pool1d, _means, 1
    ),
    functional.adaptive_avg_pool2d: _adaptive(
        functional.adaptive_avg_pool2d, functional.avg_pool2d, _means, 2
    ),
    functional.adaptive_max_pool1d: _adaptive(
        functional.adaptive_max_pool1d, functional.max_pool1d, _maxima, 1
    ),
    functional.adaptive_max_pool2d: _adaptive(
        functional.adaptive_max_pool2d, functional.max_pool2d, _maxima, 2
    ),
    functional.unfold: _unfold,
    functional.fold: _fold,
    torch.Tensor.unfold: _sliding,
    functional.rms_norm: _rms_norm,
    functional.scaled_dot_product_attention: _attention,
    functional.channel_shuffle: _channel_shuffle,
    torch.squeeze: _squeezed,
    torch.Tensor.squeeze: _squeezed,
}
"""What takes the place of a function: its keywords are the same, but for that of the first argument."""
