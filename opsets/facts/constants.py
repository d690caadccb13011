"""Nodes whose inputs are all constant, computed by onnx's reference implementation."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnx_ir as ir
from onnx import helper

from opsets.facts.result_sizes import elements_of_result

Array = npt.NDArray[Any]

LARGEST = 1 << 22
"""Elements that a computed constant may have, and those that it is computed of."""

LARGEST_TOGETHER = 1 << 24
"""Elements that all constants may have that are computed at one opset."""

ROOM = 1 << 15
"""Bytes of floats that folding may add to a small model."""

ROOM_OF_OTHERS = 1 << 19
"""The same of integers and bools, for which older opsets have fewer operators."""

SHARE = 32
"""Folding may add a 32nd to the bytes of a larger model's constants."""

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


Content = tuple[np.dtype[Any], tuple[int, ...], bytes]


def content_of(array: Array) -> Content:
    """What is equal for arrays of the same kind, shape and bytes alone."""
    return array.dtype, array.shape, hashlib.sha256(array.tobytes()).digest()


class Constants:
    """What is constant in a graph at one opset: each node is looked at once, and computed once at most.

    That holds on a walk from the first node to the last, on which what stands before a node changes no
    more once the node has been asked about; :meth:`forget` begins anew.
    """

    def __init__(self, weights: frozenset[str] = frozenset(), size: int = 0) -> None:
        """For a model whose constants have ``size`` bytes; those named in ``weights`` stay as they are."""
        self._weights = weights
        self._room = {True: max(ROOM, size // SHARE), False: max(ROOM_OF_OTHERS, size // SHARE)}
        """Bytes that may still be added, of floats and of all others."""
        self._kinds: dict[ir.Node, tuple[bool, bool]] = {}
        """Of each node, whether it may be computed, and whether a weight is among what it is made of."""
        self._results: dict[ir.Node, list[Array] | None] = {}
        self._held = 0
        self._paid = set[Content]()
        """What took room already: the same elements again are one constant with it."""

    def forget(self) -> None:
        """Begin anew, for another opset or another walk."""
        self._kinds.clear()
        self._results.clear()
        self._held = 0

    def array(self, value: ir.Value, opset: int) -> Array | None:
        """The elements of ``value`` if they are constant, be it by a chain of nodes; None otherwise."""
        if value.const_value is not None:
            return value.const_value.numpy()
        node = value.producer()
        results = None if node is None else self.computed(node, opset)
        return None if results is None else results[value.index() or 0]

    def is_made_of_weights(self, value: ir.Value) -> bool:
        """Whether a constant ``value`` is a weight or computed of one."""
        node = value.producer()
        return value.name in self._weights if node is None else self._kind(node)[1]

    def folded(self, node: ir.Node, opset: int) -> list[Array] | None:
        """What may stand for ``node`` to make the graph simpler: it is made of no weight, and stays small.

        What is larger than the constants that the node takes, and that go with it, needs room: without
        any left, nodes stay nodes. What was folded before with the same elements needs none.
        """
        if not self._kind(node)[0] or self._kind(node)[1]:
            return None
        arrays = self.computed(node, opset)
        if arrays is None:
            return None
        contents = {content_of(array): array.nbytes for array in arrays}
        growth = sum(contents[content] for content in contents.keys() - self._paid) - _goes_with(node)
        floats = any(array.dtype.kind == "f" for array in arrays)
        if growth > self._room[floats]:
            return None
        self._room[floats] -= max(growth, 0)
        self._paid |= contents.keys()
        return arrays

    def computed(self, node: ir.Node, opset: int) -> list[Array] | None:
        """What ``node`` computes at ``opset``, or None where its inputs are not constant or it is not known.

        None too where it is more than :data:`LARGEST` elements, or together with what is known already
        more than :data:`LARGEST_TOGETHER`.
        """
        if not self._kind(node)[0]:
            return None
        for each in _with_sources(node, self._results):
            results = self._evaluated(each, opset)
            self._held += sum(array.size for array in results or ())
            self._results[each] = results
        return self._results[node]

    def _kind(self, node: ir.Node) -> tuple[bool, bool]:
        for each in _with_sources(node, self._kinds):
            constant, of_weights = each.op_type in _COMPUTED, False
            for value in each.inputs:
                if value is not None:
                    own, made = self._kind_of(value)
                    constant, of_weights = constant and own, of_weights or made
            self._kinds[each] = constant, of_weights
        return self._kinds[node]

    def _kind_of(self, value: ir.Value) -> tuple[bool, bool]:
        maker = value.producer()
        if maker is None or value.const_value is not None:
            return value.const_value is not None, value.name in self._weights
        return self._kinds.get(maker, (False, False))

    def _evaluated(self, node: ir.Node, opset: int) -> list[Array] | None:
        """What ``node`` computes, once what it takes is known."""
        if opset < 7 and node.op_type in _BROADCAST:
            return None
        values = {}
        for value in node.inputs:
            if value is not None:
                array = self._known(value)
                if array is None:
                    return None
                values[str(value.name)] = array
        if sum(array.size for array in values.values()) > LARGEST:
            return None
        try:
            size = elements_of_result(
                node, [values[str(value.name)] if value else None for value in node.inputs]
            )
            if not size <= LARGEST or not self._held + size <= LARGEST_TOGETHER:
                return None
            from onnx.reference import ReferenceEvaluator  # many models have nothing to compute

            result = ReferenceEvaluator(_model(node, values, opset)).run(None, values)
        except Exception:  # noqa: BLE001 - whatever a library raises for one node: it is then left as it is
            return None
        return [np.asarray(array) for array in result]

    def _known(self, value: ir.Value) -> Array | None:
        if value.const_value is not None:
            return value.const_value.numpy()
        maker = value.producer()
        results = None if maker is None else self._results.get(maker)
        return None if results is None else results[value.index() or 0]


def _goes_with(node: ir.Node) -> int:
    """The bytes of the constants that nothing but ``node`` uses."""
    constants = {value: value.const_value for value in node.inputs if value is not None}
    return sum(
        tensor.nbytes
        for value, tensor in constants.items()
        if tensor is not None and all(use.node is node for use in value.uses())
    )


def _with_sources(node: ir.Node, known: Container[ir.Node]) -> Iterator[ir.Node]:
    """``node`` and what it is computed of, sources first, but for what is ``known`` by then.

    Without recursion: a chain may be as long as the graph. Where one goes in a circle it is broken.
    """
    waiting, opened = [node], set[ir.Node]()
    while waiting:
        last = waiting[-1]
        if last not in opened and last not in known and last.op_type in _COMPUTED:
            opened.add(last)
            makers = [value.producer() for value in last.inputs if value and value.const_value is None]
            waiting += [maker for maker in makers if maker and maker not in known and maker not in opened]
        if waiting[-1] is last:
            waiting.pop()
            if last not in known:
                yield last


def _model(node: ir.Node, values: dict[str, Array], opset: int) -> onnx.ModelProto:
    """A model of ``node`` alone: of a bare node the reference takes the newest version, never ``opset``'s."""
    inputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for name, array in values.items()
    ]
    outputs = [onnx.ValueInfoProto(name=output.name) for output in node.outputs if output.name]
    graph = helper.make_graph([ir.serde.serialize_node(node)], "node", inputs, outputs)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
