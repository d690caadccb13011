"""Sequences whose number of tensors is known, said with the tensors themselves.

Exporters write assignments to a part of a tensor with a sequence over its axes. Such a sequence becomes a
SequenceConstruct, and what takes it apart takes the tensors: none is left that nothing else wants. Exact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from opsets.tidying.dead import release_inside
from opsets.walk import Walk, stem_of

_LONGEST = 1024
"""Tensors; a longer sequence stays one."""


def resolve_sequence(walk: Walk, node: ir.Node) -> list[ir.Node]:
    """Say ``node`` with the tensors of its sequences where their number and order are known.

    Gives the new nodes, in order; they stand before ``node``, which may be gone then.
    """
    resolver = _RESOLVERS.get(node.op_type)
    if resolver is None:
        return []
    sequences = _Sequences(walk, node)
    resolver(sequences)
    return sequences.made


class _Sequences:
    """One node that makes sequences or takes them."""

    def __init__(self, walk: Walk, node: ir.Node) -> None:
        assert isinstance(node.graph, ir.Graph)
        self._walk, self._node, self._graph = walk, node, node.graph
        self.made: list[ir.Node] = []

    def split(self) -> None:
        """SplitToSequence: the parts of a Split, without the axis where it is not kept."""
        source, sizes = self._node.inputs[0], self._sizes()
        if source is None or sizes is None or not 0 < len(sizes) <= _LONGEST:
            return
        axis = self._integer("axis", 0)
        parts = [source]
        if len(sizes) > 1:
            inputs, numbers = self._with_numbers([source], "split", sizes)
            parts = self._add("Split", inputs, {**numbers, "axis": axis}, len(sizes))
        if self._input(1) is None and not self._integer("keepdims", 1):
            parts = [self._reshape_axis("Squeeze", part, axis) for part in parts]
        self._become("SequenceConstruct", parts)

    def _sizes(self) -> list[int] | None:
        """How long the parts are, where that is known."""
        source, split = self._node.inputs[0], self._input(1)
        size = 1
        if split is not None:
            if split.const_value is None:
                return None
            if split.const_value.shape.rank():
                return [int(size) for size in split.const_value.numpy()]
            size = int(split.const_value.numpy())
            if not self._integer("keepdims", 1):  # ignored by the standard, not by onnxruntime nor PyTorch
                return None
        length = None if source is None or source.shape is None else source.shape[self._integer("axis", 0)]
        if not isinstance(length, int) or size < 1 or length > size * _LONGEST:
            return None
        return [min(size, length - start) for start in range(0, length, size)]

    def at(self) -> None:
        """SequenceAt: the tensor itself."""
        tensors, position = self._tensors(0), self._position(1, 0)
        if tensors and position is not None and -len(tensors) <= position < len(tensors):
            self._become("Identity", [tensors[position]])

    def length(self) -> None:
        """SequenceLength: a constant."""
        tensors = self._tensors(0)
        if tensors is not None:
            self._become("Identity", [self._constant(np.array(len(tensors), dtype=np.int64), "length")])

    def insert(self) -> None:
        """SequenceInsert: the tensors with one more among them, by default behind them."""
        tensors, tensor = self._tensors(0), self._node.inputs[1]
        if tensors is None or tensor is None:
            return
        position = self._position(2, len(tensors))
        if position is not None and -len(tensors) <= position <= len(tensors):
            tensors.insert(position, tensor)
            self._become("SequenceConstruct", tensors)

    def erase(self) -> None:
        """SequenceErase: the tensors but one, by default the last."""
        tensors, position = self._tensors(0), self._position(1, -1)
        if tensors is None or position is None or not -len(tensors) <= position < len(tensors):
            return
        kind = tensors.pop(position).dtype
        if tensors:
            self._become("SequenceConstruct", tensors)
        elif kind is not None:
            self._become("SequenceEmpty", [], {"dtype": int(kind)})

    def concatenate(self) -> None:
        """ConcatFromSequence: a Concat, of tensors with one more axis where it is a new one."""
        tensors, axis = self._tensors(0), self._integer("axis", 0)
        if not tensors:
            return
        if self._integer("new_axis", 0):
            tensors = [self._reshape_axis("Unsqueeze", tensor, axis) for tensor in tensors]
        self._become("Concat", tensors, {"axis": axis})

    def map(self) -> None:
        """SequenceMap: the nodes of its body once for each tensor."""
        first, body = self._tensors(0), self._node.attributes["body"].as_graph()
        if not first:
            return
        columns: list[Sequence[ir.Value]] = []
        for index, value in enumerate(self._node.inputs):
            tensors = self._tensors(index)
            if tensors is None and value is not None and isinstance(value.type, ir.TensorType):
                tensors = [value] * len(first)
            if tensors is None or len(tensors) != len(first):
                return
            columns.append(tensors)
        rows = [self._unrolled(body, row) for row in zip(*columns, strict=True)]
        for old, results in zip(self._node.outputs, zip(*rows, strict=True), strict=True):
            self._put(self._add("SequenceConstruct", results)[0], old)
        release_inside(self._node)
        self._graph.remove(self._node, safe=True)

    def _unrolled(self, body: ir.Graph, tensors: Sequence[ir.Value]) -> list[ir.Value]:
        """What the body makes of ``tensors``, its nodes put before the node."""
        copy = body.clone(allow_outer_scope_values=True)
        given = dict(zip(copy.inputs, tensors, strict=True))
        for value in (value for graph in copy.subgraphs() for value in graph.inputs):
            self._rename(value)
        for node in copy.all_nodes():
            node.name = self._walk.fresh(str(node.name or node.op_type))
            for value in node.outputs:
                self._rename(value)
        results = [given.get(value, value) for value in copy.outputs]
        copy.outputs.clear()
        ir.convenience.replace_all_uses_with(list(given), list(given.values()), replace_graph_outputs=True)
        nodes = list(copy)
        copy.remove(nodes)
        self._graph.insert_before(self._node, nodes)
        self.made += nodes
        return results

    def _rename(self, value: ir.Value) -> None:
        """A name of its own for a copied value; what is open of its shape differs from copy to copy."""
        if value.name:
            value.name = self._walk.fresh(value.name)
        if value.shape is not None:
            value.shape = ir.Shape([axis if isinstance(axis, int) else None for axis in value.shape])

    def _put(self, new: ir.Value, old: ir.Value) -> None:
        """Let ``new`` stand in the place of ``old``, by its name where it makes a graph output."""
        handed_on, name = old.is_graph_output(), old.name
        ir.convenience.replace_all_uses_with(old, new, replace_graph_outputs=True)
        new.type = new.type or old.type
        if handed_on:
            old.name, new.name = self._walk.fresh(f"{name}_replaced"), name

    def _tensors(self, index: int) -> list[ir.Value] | None:
        """The tensors of an input that is a sequence, or None where they are not known."""
        value = self._input(index)
        node = value.producer() if value is not None else None
        if node is None or node.op_type not in ("SequenceConstruct", "SequenceEmpty"):
            return None
        tensors = [tensor for tensor in node.inputs if tensor is not None]
        return tensors if len(tensors) <= _LONGEST else None

    def _input(self, index: int) -> ir.Value | None:
        return self._node.inputs[index] if index < len(self._node.inputs) else None

    def _position(self, index: int, default: int) -> int | None:
        value = self._input(index)
        if value is None:
            return default
        return None if value.const_value is None else int(value.const_value.numpy().item())

    def _integer(self, name: str, default: int) -> int:
        attribute = self._node.attributes.get(name)
        return default if attribute is None else attribute.as_int()

    def _with_numbers(
        self, inputs: list[ir.Value], name: str, numbers: list[int]
    ) -> tuple[list[ir.Value], dict[str, int | list[int]]]:
        """The inputs and attributes of an operator whose ``numbers`` are an attribute below 13."""
        if self._walk.inference.opset < 13:
            return inputs, {name: numbers}
        return [*inputs, self._constant(np.array(numbers, dtype=np.int64), name)], {}

    def _reshape_axis(self, operator: str, value: ir.Value, axis: int) -> ir.Value:
        """``value`` without ``axis``, of length 1, or with it."""
        return self._add(operator, *self._with_numbers([value], "axes", [axis]))[0]

    def _constant(self, array: npt.NDArray[np.int64], purpose: str) -> ir.Value:
        return self._walk.initializer(array, f"{stem_of(self._node)}_{purpose}")

    def _add(
        self,
        operator: str,
        inputs: Sequence[ir.Value],
        attributes: Mapping[str, int | list[int]] | None = None,
        count: int = 1,
    ) -> list[ir.Value]:
        """The outputs of a new node before the node."""
        name = self._walk.fresh(f"{stem_of(self._node)}_{operator}")
        made = ir.node(operator, inputs, attributes or {}, num_outputs=count, name=name)
        for index, value in enumerate(made.outputs):
            value.name = name if count == 1 else self._walk.fresh(f"{name}_{index}")
        self._walk.put_before(self._node, made)
        self.made.append(made)
        return list(made.outputs)

    def _become(
        self, operator: str, inputs: Sequence[ir.Value], attributes: Mapping[str, int] | None = None
    ) -> None:
        """Turn the node into another one, whose output is the same."""
        self._node.op_type = operator
        self._node.attributes.clear()
        for name, number in (attributes or {}).items():
            self._node.attributes[name] = ir.AttrInt64(name, number)
        self._node.resize_inputs(len(inputs))
        for index, value in enumerate(inputs):
            self._node.replace_input_with(index, value)


_RESOLVERS: dict[str, Callable[[_Sequences], None]] = {
    "ConcatFromSequence": _Sequences.concatenate,
    "SequenceAt": _Sequences.at,
    "SequenceErase": _Sequences.erase,
    "SequenceInsert": _Sequences.insert,
    "SequenceLength": _Sequences.length,
    "SequenceMap": _Sequences.map,
    "SplitToSequence": _Sequences.split,
}
