"""Operators of a program that paddle2onnx says wrongly or not at all, said with others of Paddle's.

Each function here builds, in front of an operator, what computes the same as its first result, by the formula
in Paddle's documentation of it; the operator then goes. None means that paddle2onnx says this one right.
"""

from __future__ import annotations

import math
from typing import Any, Callable, Dict, List, Optional

import paddle
from paddle.base.libpaddle import pir
from paddle.nn import functional

import paddle_operators
import paddle_windows

Restatement = Callable[[Any, Any, Dict[str, Any]], Optional[Any]]
"""Of an operator, its first operand and its attributes."""


def restate(program: Any) -> None:
    """Say all operators of ``program`` with such that paddle2onnx says right, where it is known how."""
    with paddle.static.program_guard(program):
        for operator in _operators(program):
            _restate(operator)


def _operators(program: Any) -> List[Any]:
    operators = paddle_operators.nested(program.global_block())
    return [each for each in operators if paddle_operators.computation(each.name()) in RESTATEMENTS]


def _restate(operator: Any) -> None:
    if not all(result.use_empty() for result in operator.results()[1:]):
        return  # something asks for what is none of its main result, such as the positions of a MaxPool
    pir.set_insertion_point(operator)
    restatement = RESTATEMENTS[paddle_operators.computation(operator.name())]
    value = restatement(operator, operator.operand_source(0), operator.attrs())
    if value is not None:
        operator.result(0).replace_all_uses_with(value)
        operator.get_parent_block().remove_op(operator)


def _addmm(operator: Any, x: Any, attributes: Dict[str, Any]) -> Any:
    product = paddle.matmul(operator.operand_source(1), operator.operand_source(2))
    return x * attributes["beta"] + product * attributes["alpha"]


def _amax(operator: Any, x: Any, attributes: Dict[str, Any]) -> Any:
    return paddle.max(x, attributes["axis"], attributes["keepdim"])


def _amin(operator: Any, x: Any, attributes: Dict[str, Any]) -> Any:
    return paddle.min(x, attributes["axis"], attributes["keepdim"])


def _celu(operator: Any, x: Any, attributes: Dict[str, Any]) -> Any:
    alpha = attributes["alpha"]
    return functional.elu(x / alpha) * alpha


def _channel_shuffle(operator: Any, x: Any, attributes: Dict[str, Any]) -> Optional[Any]:
    _, channels, height, width = x.shape
    groups = attributes["groups"]
    if attributes["data_format"] != "NCHW" or -1 in (height, width):
        return None
    grouped = x.reshape([0, groups, channels // groups, height, width])
    return grouped.transpose([0, 2, 1, 3, 4]).reshape([0, channels, height, width])


def _expm1(operator: Any, x: Any, attributes: Dict[str, Any]) -> Any:
    return paddle.exp(x) - 1


def _expand_as(operator: Any, x: Any, attributes: Dict[str, Any]) -> Optional[Any]:
    """paddle2onnx expands to the sizes that are declared, the open one of the batch among them."""
    return x.expand(paddle.shape(operator.operand_source(1))) if operator.num_operands() > 1 else None


def _gelu(operator: Any, x: Any, attributes: Dict[str, Any]) -> Optional[Any]:
    """paddle2onnx writes the form with erf, whatever is asked for."""
    if not attributes["approximate"]:
        return None
    return 0.5 * x * (1 + paddle.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))


def _group_norm(operator: Any, x: Any, attributes: Dict[str, Any]) -> Optional[Any]:
    """paddle2onnx takes four axes alone."""
    if len(x.shape) != 3 or attributes["data_format"] != "NCHW":
        return None
    given = [operator.operand_source(position) for position in (1, 2)]
    scale, shift = (value if value.initialized() else None for value in given)
    groups, epsilon = attributes["groups"], attributes["epsilon"]
    return functional.group_norm(x.unsqueeze(3), groups, epsilon, scale, shift).squeeze(3)


def _hardtanh(operator: Any, x: Any, attributes: Dict[str, Any]) -> Any:
    """paddle2onnx clips between -1 and 1, whatever is asked for."""
    return paddle.clip(x, attributes["t_min"], attributes["t_max"])


def _label_smooth(operator: Any, x: Any, attributes: Dict[str, Any]) -> Optional[Any]:
    if operator.num_operands() > 1 and operator.operand_source(1).initialized():
        return None
    return x * (1 - attributes["epsilon"]) + attributes["epsilon"] / x.shape[-1]


def _lerp(operator: Any, x: Any, attributes: Dict[str, Any]) -> Any:
    return x + operator.operand_source(2) * (operator.operand_source(1) - x)


def _logit(operator: Any, x: Any, attributes: Dict[str, Any]) -> Any:
    clipped = paddle.clip(x, attributes["eps"], 1 - attributes["eps"]) if attributes["eps"] else x
    return paddle.log(clipped / (1 - clipped))


def _masked_fill(operator: Any, x: Any, attributes: Dict[str, Any]) -> Any:
    return paddle.where(operator.operand_source(1), operator.operand_source(2), x)


def _maxout(operator: Any, x: Any, attributes: Dict[str, Any]) -> Optional[Any]:
    axis = attributes["axis"] % len(x.shape)
    sizes = [0, *x.shape[1:]]
    if -1 in sizes or axis == 0:
        return None
    groups = attributes["groups"]
    grouped = x.reshape([*sizes[:axis], sizes[axis] // groups, groups, *sizes[axis + 1 :]])
    return paddle.max(grouped, axis + 1)


def _memcpy(operator: Any, x: Any, attributes: Dict[str, Any]) -> Any:
    return x  # a copy on another device


def _p_norm(operator: Any, x: Any, attributes: Dict[str, Any]) -> Optional[Any]:
    """paddle2onnx takes the power of the order, and the root of it, of infinity too."""
    if not math.isinf(attributes["porder"]) or attributes["asvector"]:
        return None
    largest = paddle.max if attributes["porder"] > 0 else paddle.min
    return largest(paddle.abs(x), attributes["axis"], attributes["keepdim"])


def _pixel_unshuffle(operator: Any, x: Any, attributes: Dict[str, Any]) -> Optional[Any]:
    _, channels, height, width = x.shape
    factor = attributes["downscale_factor"]
    if attributes["data_format"] != "NCHW" or -1 in (height, width):
        return None
    cut = x.reshape([0, channels, height // factor, factor, width // factor, factor])
    sizes = [0, channels * factor * factor, height // factor, width // factor]
    return cut.transpose([0, 1, 3, 5, 2, 4]).reshape(sizes)


def _repeat_interleave(operator: Any, x: Any, attributes: Dict[str, Any]) -> Optional[Any]:
    """paddle2onnx repeats along an axis more than there are."""
    axis = attributes["axis"] % len(x.shape)
    sizes = [0, *x.shape[1:]]
    if -1 in sizes or axis == 0:
        return None
    repeated = paddle.concat([x.unsqueeze(axis + 1)] * attributes["repeats"], axis + 1)
    return repeated.reshape([*sizes[:axis], sizes[axis] * attributes["repeats"], *sizes[axis + 1 :]])


def _rrelu(operator: Any, x: Any, attributes: Dict[str, Any]) -> Optional[Any]:
    if not attributes["is_test"]:
        return None
    return functional.leaky_relu(x, (attributes["lower"] + attributes["upper"]) / 2)


def _softplus(operator: Any, x: Any, attributes: Dict[str, Any]) -> Optional[Any]:
    beta, threshold = attributes["beta"], attributes["threshold"]
    if (beta, threshold) == (1, 20):
        return None
    scaled = x * beta
    return paddle.where(scaled > threshold, x, functional.softplus(scaled) / beta)


def _stanh(operator: Any, x: Any, attributes: Dict[str, Any]) -> Any:
    return paddle.tanh(x * attributes["scale_a"]) * attributes["scale_b"]


def _thresholded_relu(operator: Any, x: Any, attributes: Dict[str, Any]) -> Optional[Any]:
    """paddle2onnx writes 0 below the threshold, whatever is asked for."""
    if not attributes["value"]:
        return None
    return paddle.where(x > attributes["threshold"], x, paddle.full_like(x, attributes["value"]))


RESTATEMENTS: Dict[str, Restatement] = {
    "addmm": _addmm,
    "amax": _amax,
    "amin": _amin,
    "celu": _celu,
    "channel_shuffle": _channel_shuffle,
    "expand_as": _expand_as,
    "expm1": _expm1,
    "fold": paddle_windows.folded,
    "gelu": _gelu,
    "group_norm": _group_norm,
    "hardtanh": _hardtanh,
    "label_smooth": _label_smooth,
    "lerp": _lerp,
    "logit": _logit,
    "masked_fill": _masked_fill,
    "max_pool2d_with_index": paddle_windows.largest,
    "maxout": _maxout,
    "memcpy": _memcpy,
    "p_norm": _p_norm,
    "pixel_unshuffle": _pixel_unshuffle,
    "pool2d": paddle_windows.mean_or_largest,
    "repeat_interleave": _repeat_interleave,
    "rrelu": _rrelu,
    "softplus": _softplus,
    "stanh": _stanh,
    "thresholded_relu": _thresholded_relu,
}
