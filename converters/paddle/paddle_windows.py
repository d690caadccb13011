"""Adaptive pooling whose output is no factor of its input, as slices: its windows differ in size.

paddle2onnx writes windows and strides of one size, which are others. Window ``i`` of ``n`` over a length
goes from floor(i * length / n) to ceil((i + 1) * length / n), as Paddle's documentation of AdaptiveAvgPool2D
has it. A window is the product of one in each axis, so the mean and the largest are taken axis by axis.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Optional, Sequence

import paddle

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
