"""Nodes whose inputs are all constant, computed by onnx's reference implementation."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir
from onnx.reference import ReferenceEvaluator

Array = npt.NDArray[Any]

LARGEST = 1 << 22
"""Elements that a computed constant may have."""

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
    if sum(array.size for array in values.values()) > LARGEST or _size(node, values) > LARGEST:
        return None
    try:
        result = ReferenceEvaluator(ir.to_proto(node), opsets={"": opset}).run(None, values)
    except Exception:  # noqa: BLE001 - whatever a library raises for one node: it is then left as it is
        return None
    return [np.asarray(array) for array in result]


def constant(value: ir.Value, opset: int) -> Array | None:
    """The elements of ``value`` if they are constant, be it by a chain of nodes; None otherwise."""
    if value.const_value is not None:
        return value.const_value.numpy()
    node = value.producer()
    if node is None or node.op_type not in _COMPUTED:
        return None
    results = computed(node, opset)
    return None if results is None else results[value.index() or 0]


def _size(node: ir.Node, values: dict[str, Array]) -> int:
    """The elements that the result may have, where a small input can ask for many."""
    if node.op_type in ("ConstantOfShape", "Expand", "Tile") and node.inputs:
        asked = node.inputs[-1]
        return int(np.prod(values[str(asked.name)], dtype=np.float64)) if asked is not None else 0
    return 0
