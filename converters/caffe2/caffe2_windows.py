"""Convolutions and poolings: what moves a window over the picture."""

from __future__ import annotations

from typing import List, Tuple

from caffe2_graph import Graph, Operator, Shape

EXPLICIT, VALID, SAME, CAFFE = 0, 1, 2, 3
"""The values of ``legacy_pad``, see caffe2_legacy.proto."""


def _pair(operator: Operator, name: str, default: int) -> List[int]:
    """The height's and the width's value of an argument that Caffe2 lets be said in three ways."""
    both, height, width = (
        operator.integer(name, -1),
        *(operator.integer(name + end, -1) for end in ("_h", "_w")),
    )
    several = operator.integers(name + "s")
    if several:
        return several
    if operator.has(name):
        return [both, both]
    return [height, width] if operator.has(name + "_h") and operator.has(name + "_w") else [default] * 2


def _padding(operator: Operator) -> List[int]:
    """Top, left, bottom and right."""
    both, several = operator.integer("pad", 0), operator.integers("pads")
    sides = ["pad_t", "pad_l", "pad_b", "pad_r"]
    each = [operator.integer(side, 0) for side in sides]
    if several:
        return several
    if operator.has("pad"):
        return [both] * 4
    return each if all(operator.has(side) for side in sides) else [0] * 4


def _legacy(kind: int, size: int, kernel: int, stride: int, before: int) -> Tuple[int, int]:
    """The padding before and after one axis of length ``size`` for a ``legacy_pad``.

    Sizes are as ``ConvPoolOpBase::ComputeSizeAndPad`` of caffe2/operators/conv_pool_op_base.h has them.
    Caffe's pooling rounds sizes up, and drops a last window that would start behind the picture.
    """
    if kind == VALID:
        return 0, 0
    if kind == SAME:
        needed = max(0, (-(-size // stride) - 1) * stride + kernel - size)
        return needed // 2, needed - needed // 2
    count = -(-(size + 2 * before - kernel) // stride) + 1
    if before > 0 and (count - 1) * stride >= size + before:
        count -= 1
    return before, max(0, (count - 1) * stride + kernel - size - before)


def _window(operator: Operator, shape: Shape) -> Tuple[List[int], List[int], List[int], List[int]]:
    """Kernel, strides, dilations and pads (ONNX: all beginnings, then all ends) over ``shape``."""
    kernel, strides = _pair(operator, "kernel", 0), _pair(operator, "stride", 1)
    dilations, pads = _pair(operator, "dilation", 1), _padding(operator)
    kind = operator.integer("legacy_pad", EXPLICIT)
    if len(kernel) != 2 or len(shape) != 4:
        raise operator.error(f"has a kernel {kernel} over the shape {shape}: only pictures can be translated")
    if kind != EXPLICIT:
        axes = zip(shape[2:], kernel, strides, pads)
        pairs = [_legacy(kind, size, length, step, before) for size, length, step, before in axes]
        pads = [before for before, _ in pairs] + [after for _, after in pairs]
    return kernel, strides, dilations, pads


def conv(graph: Graph, operator: Operator) -> None:
    """Conv: picture, kernels and, maybe, a bias."""
    kernel, strides, dilations, pads = _window(operator, graph.shape(operator, 0))
    operator.ignore("float16_compute")
    graph.node(
        "Conv",
        [graph.value(operator, position) for position in range(len(operator.inputs))],
        operator.outputs[0],
        kernel_shape=kernel,
        strides=strides,
        dilations=dilations,
        pads=pads,
        group=operator.integer("group", 1),
    )


def max_pool(graph: Graph, operator: Operator) -> None:
    """MaxPool; padding never wins."""
    operator.ignore("count_include_pad")
    _pool(graph, operator, "MaxPool", "GlobalMaxPool")


def average_pool(graph: Graph, operator: Operator) -> None:
    """AveragePool; padding counts where it is asked to."""
    counted = operator.integer("count_include_pad", 0)
    more = {"count_include_pad": 1} if counted else {}
    _pool(graph, operator, "AveragePool", "GlobalAveragePool", **more)


def _pool(graph: Graph, operator: Operator, kind: str, over_all: str, **attributes: int) -> None:
    source = graph.value(operator, 0)
    kernel, strides, _, pads = _window(operator, graph.shape(operator, 0))
    if operator.integer("global_pooling", 0):
        graph.node(over_all, [source], operator.outputs[0])
        return
    graph.node(
        kind, [source], operator.outputs[0], kernel_shape=kernel, strides=strides, pads=pads, **attributes
    )
