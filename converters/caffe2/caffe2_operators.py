"""What each Caffe2 operator is in ONNX, at opset 12: one function for each, or for each family."""

from __future__ import annotations

from functools import partial
from typing import Any, Callable, Dict

import numpy as np

from caffe2_graph import Graph, Operator
from caffe2_windows import average_pool, conv, max_pool

Translation = Callable[[Graph, Operator], None]


def _axis(operator: Operator, rank: int, default: int = 1) -> int:
    """The argument ``axis``, counted from the front."""
    axis = operator.integer("axis", default)
    return axis + rank if axis < 0 else axis


def _elementwise(kind: str, graph: Graph, operator: Operator, **defaults: float) -> None:
    """One input, and numbers as arguments."""
    attributes = {name: operator.number(name, default) for name, default in defaults.items()}
    graph.node(kind, [graph.value(operator, 0)], operator.outputs[0], **attributes)


def _clip(graph: Graph, operator: Operator) -> None:
    limits = np.finfo(np.float32)
    bounds = [
        graph.constant(f"{operator.outputs[0]}.{name}", np.float32(operator.number(name, float(default))))
        for name, default in (("min", limits.min), ("max", limits.max))
    ]
    graph.node("Clip", [graph.value(operator, 0), *bounds], operator.outputs[0])


def _swish(graph: Graph, operator: Operator) -> None:
    source = graph.value(operator, 0)
    gate = graph.node("Sigmoid", [source], graph.fresh(operator.outputs[0] + ".sigmoid"))
    graph.node("Mul", [source, gate], operator.outputs[0])


def _p_relu(graph: Graph, operator: Operator) -> None:
    slope, rank = graph.value(operator, 1), len(graph.shape(operator, 0))
    if graph.shape(operator, 1) != (1,) and rank > 2:
        slope = _with_trailing_axes(graph, operator, slope, 1, rank - 2)
    graph.node("PRelu", [graph.value(operator, 0), slope], operator.outputs[0])


def _with_trailing_axes(graph: Graph, operator: Operator, value: str, rank: int, more: int) -> str:
    name = graph.fresh(f"{operator.outputs[0]}.{value}")
    return graph.node("Unsqueeze", [value], name, axes=list(range(rank, rank + more)))


def _lrn(graph: Graph, operator: Operator) -> None:
    size = operator.integer("size", 0)
    if size % 2 != 1:
        raise operator.error(f"has the size {size}, and Caffe2 has it odd")
    values = {
        name: operator.number(name, default) for name, default in (("alpha", 0), ("beta", 0), ("bias", 1))
    }
    graph.node("LRN", [graph.value(operator, 0)], operator.outputs[0], size=size, **values)


def _fully_connected(transposed: int, graph: Graph, operator: Operator) -> None:
    """Y = X W^T + b over everything from ``axis`` on; FCTransposed has W as it is."""
    source, matrix = graph.value(operator, 0), graph.value(operator, 1)
    shape, weights = graph.shape(operator, 0), graph.shape(operator, 1)
    axis, matrix_axis = _axis(operator, len(shape)), operator.integer("axis_w", 1)
    operator.ignore("float16_compute")
    output, outputs = operator.outputs[0], graph.shape(operator, 2)[0]
    if axis < 1:
        raise operator.error("multiplies over the batch axis, which is open")
    if len(shape) != 2:
        source = graph.node("Flatten", [source], graph.fresh(output + ".rows"), axis=axis)
    if len(weights) != 2:
        matrix = graph.node("Flatten", [matrix], graph.fresh(output + ".matrix"), axis=matrix_axis)
    product = output if axis == 1 else graph.fresh(output + ".product")
    graph.node("Gemm", [source, matrix, graph.value(operator, 2)], product, transB=transposed)
    if axis > 1:
        sizes = graph.constant(output + ".shape", np.array([-1, *shape[1:axis], outputs], np.int64))
        graph.node("Reshape", [product, sizes], output)


def _batch_norm(graph: Graph, operator: Operator) -> None:
    operator.ignore("is_test", "num_batches")
    graph.statistics.update(graph.value(operator, position) for position in (3, 4))
    graph.node(
        "BatchNormalization",
        [graph.value(operator, position) for position in range(5)],
        operator.outputs[0],
        epsilon=operator.number("epsilon", 1e-5),
        momentum=operator.number("momentum", 0.9),
    )


def _identity(graph: Graph, operator: Operator) -> None:
    graph.same(operator.outputs[0], graph.value(operator, 0))


def _dropout(graph: Graph, operator: Operator) -> None:
    operator.ignore("is_test", "ratio")
    _identity(graph, operator)


def _softmax(graph: Graph, operator: Operator) -> None:
    axis = _axis(operator, len(graph.shape(operator, 0)))
    graph.node("Softmax", [graph.value(operator, 0)], operator.outputs[0], axis=axis)


def _concat(graph: Graph, operator: Operator) -> None:
    added, rank = operator.integer("add_axis", 0), len(graph.shape(operator, 0))
    axis, output = _axis(operator, rank + added), operator.outputs[0]
    values = [graph.value(operator, position) for position in range(len(operator.inputs))]
    if added:
        values = [
            graph.node("Unsqueeze", [value], graph.fresh(f"{output}.part"), axes=[axis]) for value in values
        ]
    graph.node("Concat", values, output, axis=axis)


def _sum(graph: Graph, operator: Operator) -> None:
    values = [graph.value(operator, position) for position in range(len(operator.inputs))]
    graph.node("Sum", values, operator.outputs[0])


def _binary(kind: str, graph: Graph, operator: Operator) -> None:
    """Two inputs: as NumPy broadcasts, or with ``broadcast`` the second along the first from ``axis`` on."""
    values = [graph.value(operator, position) for position in range(2)]
    left, right = (graph.shape(operator, position) for position in range(2))
    axis, letter = operator.integer("axis", -1), operator.text("axis_str", "")
    if letter:
        axis = "NCHW".index(letter)
    if operator.integer("broadcast", 0) and axis >= 0 and right != (1,):
        more = len(left) - axis - len(right)
        if more > 0:
            values[1] = _with_trailing_axes(graph, operator, values[1], len(right), more)
    graph.node(kind, values, operator.outputs[0])


def _channel_shuffle(graph: Graph, operator: Operator) -> None:
    shape, groups, output = graph.shape(operator, 0), operator.integer("group", 1), operator.outputs[0]
    channels, picture = shape[1], shape[2:]
    apart = graph.constant(output + ".groups", np.array([0, groups, channels // groups, *picture], np.int64))
    together = graph.constant(output + ".channels", np.array([0, channels, *picture], np.int64))
    grouped = graph.node("Reshape", [graph.value(operator, 0), apart], graph.fresh(output + ".grouped"))
    order = [0, 2, 1, *range(3, len(shape) + 1)]
    shuffled = graph.node("Transpose", [grouped], graph.fresh(output + ".shuffled"), perm=order)
    graph.node("Reshape", [shuffled, together], output)


def _transpose(graph: Graph, operator: Operator) -> None:
    rank = len(graph.shape(operator, 0))
    axes = operator.integers("axes") or list(reversed(range(rank)))
    graph.node("Transpose", [graph.value(operator, 0)], operator.outputs[0], perm=axes)


def _reshape(graph: Graph, operator: Operator) -> None:
    """0 copies a length and -1 is what is left, as in ONNX."""
    shape, output = operator.integers("shape"), operator.outputs[0]
    if len(operator.inputs) == 2:
        sizes = graph.value(operator, 1)
        if graph.kinds.get(sizes) != np.int64:
            raise operator.error(f"takes its shape from {sizes}, which is not filled with int64 values")
    else:
        sizes = graph.constant(output + ".shape", np.array(shape, np.int64))
    graph.node("Reshape", [graph.value(operator, 0), sizes], output)


def _flatten(graph: Graph, operator: Operator) -> None:
    axis = _axis(operator, len(graph.shape(operator, 0)))
    graph.node("Flatten", [graph.value(operator, 0)], operator.outputs[0], axis=axis)


def _axes(kind: str, graph: Graph, operator: Operator) -> None:
    """Squeeze and ExpandDims."""
    axes = sorted(set(operator.integers("dims") or ()))
    graph.node(kind, [graph.value(operator, 0)], operator.outputs[0], axes=axes)


def _reduce(kind: str, graph: Graph, operator: Operator) -> None:
    rank = len(graph.shape(operator, 0))
    axes = sorted(axis % rank for axis in operator.integers("axes") or range(rank))
    kept = operator.integer("keepdims", 1)
    graph.node(kind, [graph.value(operator, 0)], operator.outputs[0], axes=axes, keepdims=kept)


def _family(translate: Callable[..., None], names: Dict[str, Any]) -> Dict[str, Translation]:
    return {name: partial(translate, kind) for name, kind in names.items()}


TRANSLATIONS: Dict[str, Translation] = {
    **dict.fromkeys(("Conv", "Conv2D"), conv),
    **dict.fromkeys(("MaxPool", "MaxPool2D"), max_pool),
    **dict.fromkeys(("AveragePool", "AveragePool2D"), average_pool),
    **_family(_elementwise, {"Relu": "Relu", "Sigmoid": "Sigmoid", "Tanh": "Tanh"}),
    "Elu": partial(_elementwise, "Elu", alpha=1.0),
    "LeakyRelu": partial(_elementwise, "LeakyRelu", alpha=0.01),
    "HardSigmoid": partial(_elementwise, "HardSigmoid", alpha=0.2, beta=0.5),
    "Clip": _clip,
    "Swish": _swish,
    "PRelu": _p_relu,
    "LRN": _lrn,
    **_family(_fully_connected, {"FC": 1, "FCTransposed": 0}),
    "SpatialBN": _batch_norm,
    "Dropout": _dropout,
    **dict.fromkeys(("Copy", "Alias", "StopGradient"), _identity),
    "Softmax": _softmax,
    **dict.fromkeys(("Concat", "DepthConcat"), _concat),
    "Sum": _sum,
    **_family(_binary, {name: name for name in ("Add", "Sub", "Mul", "Div")}),
    "ChannelShuffle": _channel_shuffle,
    "Transpose": _transpose,
    "Reshape": _reshape,
    "Flatten": _flatten,
    **_family(_axes, {"Squeeze": "Squeeze", "ExpandDims": "Unsqueeze"}),
    **_family(_reduce, {name: name for name in ("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin")}),
}
"""Every operator that may be in a predict net, and so every one that is ever run for it."""

TWO_FORMS = {"Dropout", "SpatialBN"}
"""Operators whose ``is_test`` says whether they are in their form for inference."""
IN_PLACE = {"Dropout", "Copy", "Alias", "StopGradient"}
"""Operators whose output is their input: written in place, they make nothing new."""
