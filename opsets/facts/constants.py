"""Nodes whose inputs are all constant, computed by onnx's reference implementation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnx_ir as ir
from onnx import helper

Array = npt.NDArray[Any]

LARGEST = 1 << 22
"""Elements that a computed constant may have."""

_MOST_AXES = 64  # of numpy's arrays

# The reference is wrong for some operators below opset 13 (Softmax, LRN, AveragePool) and random for
# others, so what it may compute is listed.
_COMPUTED_NAMES = (
    "Abs Add And BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Cast Ceil Clip Concat ConstantOfShape "
    "Cos CumSum Div Equal Exp Expand EyeLike Flatten Floor Gather GatherElements GatherND Greater "
    "GreaterOrEqual Identity Less LessOrEqual Log MatMul Max Min Mod Mul Neg NonZero Not OneHot Or "
    "Pad Pow Range Reciprocal ReduceMax ReduceMin ReduceProd ReduceSum Reshape Round ScatterElements "
    "ScatterND Shape Sign Sin Size Slice Split Sqrt Squeeze Sub Tanh Tile TopK Transpose Trilu "
    "Unsqueeze Where Xor"
)
_COMPUTED = frozenset(_COMPUTED_NAMES.split())
# Below 7 Add and its like ignore `axis` there.
_BROADCAST = frozenset(("Add", "And", "Div", "Equal", "Greater", "Less", "Mul", "Or", "Pow", "Sub", "Xor"))


def computed(node: ir.Node, opset: int) -> list[Array] | None:
    """What ``node`` computes at ``opset``, or None where its inputs are not constant or it is not known."""
    if node.op_type not in _COMPUTED or (opset < 7 and node.op_type in _BROADCAST):
        return None
    values = {}
    for value in node.inputs:
        if value is None:
            continue
        array = constant(value, opset)
        if array is None:
            return None
        values[str(value.name)] = array
    if sum(array.size for array in values.values()) > LARGEST or not _size(node, values) <= LARGEST:
        return None
    from onnx.reference import ReferenceEvaluator  # many models have nothing to compute: they do not wait

    try:
        result = ReferenceEvaluator(_model(node, values, opset)).run(None, values)
    except Exception:  # noqa: BLE001 - whatever a library raises for one node: it is then left as it is
        return None
    return [np.asarray(array) for array in result]


def _model(node: ir.Node, values: dict[str, Array], opset: int) -> onnx.ModelProto:
    """A model of ``node`` alone: of a bare node the reference takes the newest version, never ``opset``'s."""
    inputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for name, array in values.items()
    ]
    outputs = [onnx.ValueInfoProto(name=output.name) for output in node.outputs if output.name]
    graph = helper.make_graph([ir.serde.serialize_node(node)], "node", inputs, outputs)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


def constant(value: ir.Value, opset: int) -> Array | None:
    """The elements of ``value`` if they are constant, be it by a chain of nodes; None otherwise."""
    if value.const_value is not None:
        return value.const_value.numpy()
    node = value.producer()
    if node is None or node.op_type not in _COMPUTED:
        return None
    results = computed(node, opset)
    return None if results is None else results[value.index() or 0]


def _size(node: ir.Node, values: dict[str, Array]) -> float:
    """The elements that the result may have, where a small input can ask for many."""
    given = [None if value is None else values[str(value.name)] for value in node.inputs]
    match node.op_type, given:
        case "ConstantOfShape", [np.ndarray() as shape]:
            return float(np.prod(shape, dtype=np.float64))
        case "Expand", [np.ndarray() as data, np.ndarray() as shape]:
            return float(np.prod(np.maximum(_front(data.shape), _front(shape)), dtype=np.float64))
        case "Tile", [np.ndarray() as data, np.ndarray() as times]:
            return float(data.size * np.prod(times, dtype=np.float64))
        case "OneHot", [np.ndarray() as indices, np.ndarray() as depth, _]:
            return float(indices.size * depth.reshape(-1)[0])
        case "Range", [np.ndarray() as start, np.ndarray() as limit, np.ndarray() as step]:
            return float((limit.item() - start.item()) / step.item()) if step.item() else 0.0
    return 0.0


def _front(shape: Sequence[int] | Array) -> Array:
    """``shape`` with ones in front of it, so that two of them can be compared."""
    return np.array([*[1] * (_MOST_AXES - len(shape)), *shape], dtype=np.float64)
