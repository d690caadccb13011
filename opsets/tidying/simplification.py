"""Before the way down: types and shapes everywhere, and no arithmetic on shapes that can be done now.

Exporters spell a batch size that nobody knows as chains of Shape, Gather, Concat and If. What only
constants and lengths decide is decided here, so that old forms, which cannot say it, need not.
"""

from __future__ import annotations

import onnx_ir as ir

from opsets.facts.constants import Array
from opsets.facts.values import Evaluator
from opsets.nodes import cast_type
from opsets.tidying.dead import release_inside, remove_dead
from opsets.tidying.resolution import resolve, set_expanded
from opsets.tidying.sequences import resolve_sequence
from opsets.walk import Walk


def simplify(walk: Walk) -> None:
    """Infer, fold and simplify ``walk.model`` at the opset of ``walk.inference``, in place."""
    _Simplification(walk).graph(walk.model.graph)
    remove_dead(walk.model)


def simplify_node(walk: Walk, node: ir.Node) -> None:
    """As :func:`simplify`, for one node whose inputs are simplified, of the main graph or a body in it."""
    _Simplification(walk).node(node, _graph_of(node))


class _Simplification:
    def __init__(self, walk: Walk) -> None:
        self._walk = walk
        self._inference = walk.inference
        self._evaluator = Evaluator(walk.inference)

    def graph(self, graph: ir.Graph) -> None:
        for node in list(graph):
            self.node(node, graph)

    def node(self, node: ir.Node, graph: ir.Graph) -> None:
        if node.op_type == "If" and self._inline_branch(node, graph):
            return
        for made in resolve_sequence(self._walk, node):
            self.node(made, graph)
        if node.graph is None:
            return
        for attribute in node.attributes.values():
            if attribute.type == ir.AttributeType.GRAPH:
                self.graph(attribute.as_graph())
        resolve(self._walk, self._evaluator, node)
        self._inference.infer(node)
        if node.op_type == "If":
            _set_branches(node)
        elif node.op_type == "Loop":
            _set_states(node)
        set_expanded(self._inference, self._evaluator, node)
        arrays = self._folded(node)
        if arrays is not None:
            for output, array in zip(node.outputs, arrays, strict=False):
                self._replace(output, self._walk.folded(array, f"{output.name}_value"))
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
        return self._walk.constants.folded(node, self._inference.opset)

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
            return source.dtype is not None and source.dtype == cast_type(node)
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
        release_inside(node)
        graph.remove(node, safe=True)
        for made in inner:
            self.node(made, graph)
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


_WHOLE = (ir.DataType.INT64, ir.DataType.INT32, ir.DataType.BOOL)


def _set_branches(node: ir.Node) -> None:
    """Give the outputs of an If the types of its branches' outputs, and the lengths in which these agree."""
    branches = [node.attributes[name].as_graph() for name in ("then_branch", "else_branch")]
    for value, *made in zip(node.outputs, *(branch.outputs for branch in branches), strict=True):
        value.type = value.type or made[0].type
        first, second = (output.shape for output in made)
        if first is not None and second is not None and len(first) == len(second):
            value.shape = ir.Shape(
                [one if one == other else None for one, other in zip(first, second, strict=True)]
            )


def _set_states(node: ir.Node) -> None:
    """Give the outputs of a Loop the types of what its body makes, and the lengths that no turn changes."""
    made = node.attributes["body"].as_graph().outputs[1:]
    states = len(node.inputs) - 2
    for index, (value, output) in enumerate(zip(node.outputs, made, strict=True)):
        value.type = value.type or output.type
        if value.shape is not None or output.shape is None:
            continue
        lengths = [length if isinstance(length, int) else None for length in output.shape]
        if index >= states:  # one behind the other for each turn
            value.shape = ir.Shape([None, *lengths])
            continue
        first = node.inputs[index + 2]
        if first is not None and first.shape is not None and len(first.shape) == len(lengths):
            pairs = zip(lengths, first.shape, strict=True)
            value.shape = ir.Shape([one if one == other else None for one, other in pairs])


def _graph_of(node: ir.Node) -> ir.Graph:
    graph = node.graph
    assert isinstance(graph, ir.Graph)
    return graph
