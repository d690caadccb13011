"""Functions that torch's exporter cannot say, in terms of those that it can: for the time of an export.

The sizes of a feature map are those of the example: only the first axis of a file is open, so that what its
height and width decide, such as which pixels belong to a window, is a constant of the file. The first axis
itself is never read here.
"""

from __future__ import annotations

from typing import Any, Callable, List, Mapping, Optional, Sequence, Tuple

import numpy as np
import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from pytorch_windows import Lengths, convolved, fold, gathered, lengths_of, sliding, unfold

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
    matrix = _mean_matrix(lengths_of(values)[axis], bins).to(values.dtype)
    return torch.matmul(values, matrix) if axis == -1 else torch.matmul(matrix.T.contiguous(), values)


def _maxima(values: Any, axis: int, bins: int) -> Any:
    positions = _bins(lengths_of(values)[axis], bins)
    longest = max(map(len, positions))
    # A bin that is shorter than the longest reads its last value again, which changes no maximum.
    index = [[min(part.start + step, part.stop - 1) for step in range(longest)] for part in positions]
    return gathered(values, axis, index).amax(axis)


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
        lengths = lengths_of(values)[-axes:]
        wanted = _wanted(output_size, lengths)
        if wanted == [1] * axes:
            return torchs_own(values, output_size)  # an operator of ONNX
        if all(length % bins == 0 for length, bins in zip(lengths, wanted, strict=True)):
            return in_one_go(values, [length // bins for length, bins in zip(lengths, wanted, strict=True)])
        for axis, (length, bins) in enumerate(zip(lengths, wanted, strict=True), start=-axes):
            values = along(values, axis, bins) if length != bins else values
        return values

    return pooled


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
        times = lengths_of(query)[-3] // lengths_of(key)[-3]
        key, value = (_repeated(heads, times, heads.dim() - 3) for heads in (key, value))
    return functional.scaled_dot_product_attention(query, key, value, *rest, **kwargs)


def _repeated(values: Any, times: int, axis: int) -> Any:
    index = torch.from_numpy(np.repeat(np.arange(lengths_of(values)[axis]), times))
    return values.index_select(axis, index)


def _repeat_interleave(values: Any, repeats: Any, dim: Optional[int] = None, **keywords: Any) -> Any:
    """``repeat_interleave``: so often each place of an axis, which is not the batch's, as a number says."""
    if isinstance(repeats, int) and dim is not None and dim % values.dim() != 0:
        return _repeated(values, repeats, dim % values.dim())
    return torch.repeat_interleave(values, repeats, dim, **keywords)


def _squeezed(values: Any, *axes: Any, **keywords: Any) -> Any:
    """``squeeze``: where no axis is named, those of length 1, but never the batch's, which is longer here."""
    if axes or keywords:
        return values.squeeze(*axes, **keywords)
    for axis in reversed([axis for axis, length in enumerate(lengths_of(values)) if length == 1]):
        values = values.squeeze(axis)
    return values


def _channel_shuffle(values: Any, groups: int) -> Any:
    shape = values.shape
    grouped = values.reshape(shape[0], groups, lengths_of(values)[1] // groups, *shape[2:])
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
    functional.conv2d: convolved,
    functional.unfold: unfold,
    functional.fold: fold,
    torch.Tensor.unfold: sliding,
    functional.rms_norm: _rms_norm,
    functional.scaled_dot_product_attention: _attention,
    functional.channel_shuffle: _channel_shuffle,
    torch.repeat_interleave: _repeat_interleave,
    torch.Tensor.repeat_interleave: _repeat_interleave,
    torch.squeeze: _squeezed,
    torch.Tensor.squeeze: _squeezed,
}
"""What takes the place of a function: its keywords are the same, but for that of the first argument."""
