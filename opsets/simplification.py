"""Before the way down: types and shapes everywhere, and no arithmetic on shapes that can be done now.

Exporters spell a batch size that nobody knows as chains of Shape, Gather, Concat and If. What only
constants and lengths decide is decided here, so that old forms, which cannot say it, need not.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from opsets.constants import Array, computed
from opsets.dead import remove_dead
from opsets.graph import Walk
from opsets.inference import Length
from opsets.values import Entries, Evaluator

_END = np.iinfo(np.int64).max


def simplify(walk: Walk, weights: frozenset[str]) -> None:
    """Infer, fold and simplify ``walk.model`` at the opset of ``walk.inference``, in place.

    ``weights`` are the names of constants that are to stay as they are: nothing is computed of them.
    """
    _Simplification(walk, weights).graph(walk.model.graph)
    remove_dead(walk.model)


class _Simplification:
    def __init__(self, walk: Walk, weights: frozenset[str]) -> None:
        self._walk = walk
        self._inference = walk.inference
        self._evaluator = Evaluator(walk.inference)
        self._weights = weights

    def graph(self, graph: ir.Graph) -> None:
        for node in list(graph):
            self._node(node, graph)

    def _node(self, node: ir.Node, graph: ir.Graph) -> None:
        if node.op_type == "If" and self._inline_branch(node, graph):
            return
        for attribute in node.attributes.values():
            if attribute.type == ir.AttributeType.GRAPH:
                self.graph(attribute.as_graph())
        self._resolve(node)
        self._inference.infer(node)
        self._set_expanded(node)
        arrays = self._folded(node)
        if arrays is not None:
            for output, array in zip(node.outputs, arrays, strict=False):
                self._replace(output, self._constant(output, array))
        elif self._is_idle(node):
            source = node.inputs[0]
            assert source is not None
            self._replace(node.outputs[0], source)

    def _folded(self, node: ir.Node) -> list[Array] | None:
        """What ``node`` computes, if it is constant and made of no weight."""
        for output in node.outputs[:1]:
            entries = self._evaluator.entries(output) if output.dtype in _WHOLE else None
            if entries is not None and all(isinstance(entry, int) for entry in entries.reshape(-1)):
                assert output.dtype is not None
                return [entries.astype(output.dtype.numpy())]
        if any(value is not None and value.name in self._weights for value in node.inputs):
            return None
        return computed(node, self._inference.opset)

    def _constant(self, output: ir.Value, array: Array) -> ir.Value:
        return self._walk.initializer(array, f"{output.name}_value")

    def _replace(self, old: ir.Value, new: ir.Value) -> None:
        """Let ``new`` stand where ``old`` is used; a graph output keeps the node that makes it."""
        if old.is_graph_output():
            node = old.producer()
            assert node is not None
            idle = node.op_type == "Identity"  # a constant that is handed on already
            if new.const_value is not None and not idle and len(node.outputs) == 1:
                self._hand_on(new, old, node, _graph_of(node))
        else:
            ir.convenience.replace_all_uses_with(old, new)

    def _is_idle(self, node: ir.Node) -> bool:
        """Whether ``node`` hands its first input on as it is."""
        source = node.inputs[0] if node.inputs else None
        if source is None or node.outputs[0].is_graph_output():
            return False
        if node.op_type == "Identity":
            return True
        if node.op_type == "Cast":
            return source.dtype is not None and source.dtype == node.attributes["to"].as_int()
        if node.op_type == "Expand" and source.shape is not None and node.outputs[0].shape is not None:
            return self._inference.lengths(source) == self._inference.lengths(node.outputs[0])
        return False

    def _inline_branch(self, node: ir.Node, graph: ir.Graph) -> bool:
        """Put the branch of an If in its place where the condition is known."""
        condition = node.inputs[0]
        assert condition is not None
        if condition.const_value is None:
            return False
        taken = bool(condition.const_value.numpy().reshape(-1)[0])
        branch = node.attributes["then_branch" if taken else "else_branch"].as_graph()
        inner = list(branch)
        branch.remove(inner)
        graph.insert_before(node, inner)
        results = list(branch.outputs)
        branch.outputs.clear()
        for old, result in zip(node.outputs, results, strict=True):
            if old.is_graph_output():
                inner.append(self._hand_on(result, old, node, graph))
            else:
                ir.convenience.replace_all_uses_with(old, result)
        graph.remove(node, safe=True)
        for made in inner:
            self._node(made, graph)
        return True

    def _hand_on(self, value: ir.Value, old: ir.Value, node: ir.Node, graph: ir.Graph) -> ir.Node:
        """Let an Identity of ``value`` before ``node`` make the graph output ``old``."""
        name = self._walk.fresh(f"{node.name or old.name}_Identity")
        made = ir.node("Identity", [value], name=name)
        graph.insert_before(node, made)
        output, output_name = made.outputs[0], old.name
        output.type, output.shape = old.type, old.shape
        ir.convenience.replace_all_uses_with(old, output, replace_graph_outputs=True)
        old.name, output.name = self._walk.fresh(f"{output_name}_replaced"), output_name
        return made

    # Operators that take lengths

    def _resolve(self, node: ir.Node) -> None:
        """Turn an input of lengths into a constant, where the operator has a way to say it."""
        source = node.inputs[0] if node.inputs else None
        if source is None or source.shape is None:
            return
        if node.op_type == "Reshape" and len(node.inputs) > 1:
            self._resolve_reshape(node, source)
        elif node.op_type == "Expand":
            self._resolve_expand(node, source)
        elif node.op_type == "Slice" and len(node.inputs) > 2:
            self._resolve_slice(node, source)

    def _open(self, node: ir.Node, index: int) -> Entries | None:
        """The entries of an input that is no constant yet."""
        value = node.inputs[index]
        if value is None or value.const_value is not None:
            return None
        return self._evaluator.entries(value)

    def _set(self, node: ir.Node, index: int, entries: list[int]) -> None:
        name = f"{node.name or node.outputs[0].name}_input_{index}"
        node.replace_input_with(index, self._walk.initializer(np.array(entries, dtype=np.int64), name))

    def _resolve_reshape(self, node: ir.Node, source: ir.Value) -> None:
        entries = self._open(node, 1)
        if entries is None:
            return
        lengths = self._inference.lengths(source)
        zeros = bool(node.attributes["allowzero"].as_int()) if "allowzero" in node.attributes else False
        target: list[int] = []
        for index, entry in enumerate(entries):
            if isinstance(entry, int):
                target.append(entry)
            else:
                target.append(0 if index < len(lengths) and entry == lengths[index] and not zeros else -1)
        if target.count(-1) > 1:
            return  # two lengths are to be found out: an exporter has written one of them down at least
        self._set(node, 1, target)

    def _resolve_expand(self, node: ir.Node, source: ir.Value) -> None:
        entries = self._open(node, 1)
        if entries is None:
            return
        lengths = self._inference.lengths(source)
        padded: list[Length] = [1] * (len(entries) - len(lengths)) + lengths
        first = len(padded) - len(entries)
        target = [1 if entry == padded[first + index] else entry for index, entry in enumerate(entries)]
        if all(isinstance(entry, int) for entry in target):
            self._set(node, 1, target)

    def _resolve_slice(self, node: ir.Node, source: ir.Value) -> None:
        starts, ends = (self._evaluator.entries(value) if value else None for value in node.inputs[1:3])
        if starts is None or ends is None:
            return
        axes = self._evaluator.entries(node.inputs[3]) if len(node.inputs) > 3 and node.inputs[3] else None
        lengths = self._inference.lengths(source)
        over = list(range(len(starts))) if axes is None else [int(axis) for axis in axes]
        for index, entries in ((1, starts), (2, ends)):
            if all(isinstance(entry, int) for entry in entries):
                continue
            if index == 1 or any(
                not isinstance(entry, int) and entry != lengths[axis]
                for entry, axis in zip(entries, over, strict=True)
            ):
                return
            self._set(node, 2, [entry if isinstance(entry, int) else _END for entry in entries])

    def _set_expanded(self, node: ir.Node) -> None:
        """The shape that Expand and ConstantOfShape make of lengths, which onnx's inference cannot follow."""
        index = {"Expand": 1, "ConstantOfShape": 0}.get(node.op_type)
        if index is None:
            return
        value = node.inputs[index]
        entries = self._evaluator.entries(value) if value is not None else None
        if entries is None:
            return
        lengths = list(entries)
        source = node.inputs[0]
        if index == 1:
            if source is None or source.shape is None:
                return
            own = self._inference.lengths(source)
            width = max(len(own), len(lengths))
            own, lengths = [1] * (width - len(own)) + own, [1] * (width - len(lengths)) + lengths
            lengths = [mine if theirs == 1 else theirs for mine, theirs in zip(own, lengths, strict=True)]
        node.outputs[0].shape = self._inference.shape(lengths)


_WHOLE = (ir.DataType.INT64, ir.DataType.INT32, ir.DataType.BOOL)


def _graph_of(node: ir.Node) -> ir.Graph:
    graph = node.graph
    assert isinstance(graph, ir.Graph)
    return graph
