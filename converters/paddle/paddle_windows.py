"""Operators over windows that paddle2onnx says wrongly, or not at all: adaptive pooling and sums of patches.

Adaptive pooling whose output is no factor of its input has windows that differ in size: here, slices.
paddle2onnx writes windows and strides of one size, which are others. Window ``i`` of ``n`` over a length
goes from floor(i * length / n) to ceil((i + 1) * length / n), as Paddle's documentation of AdaptiveAvgPool2D
has it. A window is the product of one in each axis, so the mean and the largest are taken axis by axis.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Optional, Sequence

import numpy as np
import paddle
from paddle.nn import functional

Reduction = Callable[..., Any]


def mean_or_largest(operator: Any, x: Any, attributes: Dict[str, Any]) -> Optional[Any]:
    """An adaptive ``pool2d``; None where it is another, or its windows are all of one size."""
    sizes = operator.operand_source(1).get_defining_op()
    if not attributes["adaptive"] or sizes.name() != "pd_op.full_int_array":
        return None
    first = {"NCHW": 2, "NHWC": 1}[attributes["data_format"]]
    reduction = paddle.mean if attributes["pooling_type"] == "avg" else paddle.max
    return _pooled(x, first, sizes.attrs()["value"], reduction)


def largest(operator: Any, x: Any, attributes: Dict[str, Any]) -> Optional[Any]:
    """The same of ``max_pool2d_with_index``, where nothing asks for the positions."""
    return _pooled(x, 2, attributes["kernel_size"], paddle.max) if attributes["adaptive"] else None


def _pooled(x: Any, first: int, sizes: Sequence[int], reduction: Reduction) -> Optional[Any]:
    lengths = [int(length) for length in x.shape[first : first + 2]]
    if -1 in lengths or not any(length % size for length, size in zip(lengths, sizes)):
        return None
    for axis, length, size in zip((first, first + 1), lengths, sizes):
        x = _along(x, axis, length, size, reduction)
    return x


def _along(x: Any, axis: int, length: int, size: int, reduction: Reduction) -> Any:
    if size == length:
        return x
    if size == 1:
        return reduction(x, axis, True)
    windows = [(i * length // size, -(-(i + 1) * length // size)) for i in range(size)]
    slices = [paddle.slice(x, [axis], [start], [end]) for start, end in windows]
    return paddle.concat([reduction(each, axis, True) for each in slices], axis)


def folded(operator: Any, x: Any, attributes: Dict[str, Any]) -> Any:
    """Patches (N, C * h * w, L) laid side by side, or summed where they lie over each other: (N, C, H, W)."""
    (height, width), (h, w) = attributes["output_sizes"], attributes["kernel_sizes"]
    channels = x.shape[1] // (h * w)
    steps, dilations = attributes["strides"], attributes["dilations"]
    top, left, bottom, right = attributes["paddings"]
    places = [
        (length + padding - dilation * (size - 1) - 1) // step + 1
        for length, padding, dilation, size, step in zip(
            (height, width), (top + bottom, left + right), dilations, (h, w), steps
        )
    ]
    if list(steps) == [h, w] and (height, width) == (places[0] * h, places[1] * w):
        patches = x.reshape([0, channels, h, w, *places])
        return patches.transpose([0, 1, 4, 2, 5, 3]).reshape([0, channels, height, width])
    # Each value of a patch has a kernel of its own, which is 1 where the value belongs.
    kernels = np.tile(np.eye(h * w, dtype=np.float32).reshape(h * w, 1, h, w), (channels, 1, 1, 1))
    summed = functional.conv2d_transpose(
        x.reshape([0, x.shape[1], *places]),
        paddle.assign(kernels),
        stride=steps,
        dilation=dilations,
        groups=channels,
        output_size=[height + top + bottom, width + left + right],
    )
    return summed[:, :, top : top + height, left : left + width]
