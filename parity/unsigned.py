"""Integers that add up in 32 bits on every processor: signed right operands made unsigned in the graph.

``q - z`` is ``(q + 128) - (z + 128)``, so nothing else changes, and products of two unsigned bytes do not
saturate.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count

import onnx
from onnx import TensorProto, helper

from parity.runtimes.interface import UnsupportedError

RIGHT = {"QLinearConv": 3, "QLinearMatMul": 3, "MatMulInteger": 1}
"""The operators of integers that ONNX Runtime saturates in, and where their right operand is.

Its zero point is two places further on.
"""
_SHIFT = 128


def with_unsigned_right(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of ``model`` whose main graph multiplies unsigned by unsigned bytes, never by signed ones.

    Raises:
        UnsupportedError: the type of an operand is not known.
    """
    types = _types(model)
    result = onnx.ModelProto()
    result.CopyFrom(model)
    del result.graph.node[:]
    names = _Names(types)
    for node in model.graph.node:
        place = RIGHT.get(node.op_type)
        if place is not None and _is_unsigned_by_signed(node, place, types):
            result.graph.node.extend(_unsigned(node, place, result.graph, names))
        else:
            result.graph.node.append(node)
    return result


class _Names:
    """Names that the graph does not have."""

    def __init__(self, taken: Mapping[str, int]) -> None:
        self._free = (name for number in count() if (name := f"unsigned_{number}") not in taken)

    def next(self) -> str:
        return next(self._free)


def _types(model: onnx.ModelProto) -> dict[str, int]:
    """The element type of every tensor of the main graph, by its name."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    types = {value.name: value.type.tensor_type.elem_type for value in (*graph.input, *graph.value_info)}
    types |= {value.name: value.type.tensor_type.elem_type for value in graph.output}
    return types | {tensor.name: tensor.data_type for tensor in graph.initializer}


def _is_unsigned_by_signed(node: onnx.NodeProto, place: int, types: Mapping[str, int]) -> bool:
    pair = [types.get(node.input[at], TensorProto.UNDEFINED) for at in (0, place)]
    if TensorProto.UNDEFINED in pair:
        raise UnsupportedError(
            f"this processor saturates, and the types of {node.op_type} {node.name or node.output[0]!r} are "
            "not known"
        )
    return pair == [TensorProto.UINT8, TensorProto.INT8]


def _unsigned(
    node: onnx.NodeProto, place: int, graph: onnx.GraphProto, names: _Names
) -> list[onnx.NodeProto]:
    """What stands for ``node``; a new constant goes into ``graph``."""
    changed = onnx.NodeProto()
    changed.CopyFrom(node)
    shift = names.next()
    graph.initializer.append(helper.make_tensor(shift, TensorProto.INT32, [], [_SHIFT]))
    nodes, zero = [], place + 2
    for at in (place, zero):
        if at < len(node.input) and node.input[at]:
            wide, sum_, narrow = names.next(), names.next(), names.next()
            nodes += [
                helper.make_node("Cast", [node.input[at]], [wide], to=TensorProto.INT32),
                helper.make_node("Add", [wide, shift], [sum_]),
                helper.make_node("Cast", [sum_], [narrow], to=TensorProto.UINT8),
            ]
            changed.input[at] = narrow
        else:  # there is no zero point: it was 0
            nothing = names.next()
            graph.initializer.append(helper.make_tensor(nothing, TensorProto.UINT8, [], [_SHIFT]))
            changed.input.extend([""] * (at + 1 - len(changed.input)))
            changed.input[at] = nothing
    return [*nodes, changed]
