"""Nodes in an order in which each comes after those that make its inputs, as ONNX demands it.

Converters that insert a Cast at the end break it, and runtimes sort for themselves.
"""

from __future__ import annotations

from collections.abc import Iterator

import onnx_ir as ir

from opsets.errors import RetargetError
from opsets.nodes import graphs_of, nodes_of


def sort_nodes(model: ir.Model) -> int:
    """Sort the nodes of ``model``, also in branches and bodies; how many stood too early.

    The order stays where it is right. Raises :class:`RetargetError` for nodes that go round in a circle.
    """
    early = set(nodes_of(model.graph)) - set(_in_time(model.graph, set()))
    if early:
        try:
            model.graph.sort()
        except ValueError as error:
            node = _node_of_circle(model.graph)
            name = node.name or node.outputs[0].name
            raise RetargetError(
                f"the source is not a valid model: {node.op_type} (node {name!r}) needs what is made of its "
                "own output; the nodes go round in a circle"
            ) from error
    return len(early)


def _in_time(graph: ir.Graph, passed: set[ir.Node]) -> Iterator[ir.Node]:
    """The nodes of ``graph`` and in it that come after all that they need; ``passed`` were before."""
    for node in graph:
        inner = [found for branch in graphs_of(node) for found in _in_time(branch, passed)]
        yield from inner
        if _needs(node) <= passed:
            yield node
        passed.add(node)


def _needs(node: ir.Node) -> set[ir.Node]:
    """The nodes that make the inputs of ``node``."""
    makers = {value.producer() for value in node.inputs if value is not None}
    return {maker for maker in makers if maker is not None}


def _node_of_circle(graph: ir.Graph) -> ir.Node:
    """A node that needs its own output; there has to be one.

    A node also needs what its branches and bodies need; the nodes in these need it in no way.
    """
    needs = {node: _needs(node) for node in nodes_of(graph)}
    for node in needs:
        for branch in graphs_of(node):
            needs[node] |= set(nodes_of(branch))
    while ready := [node for node, makers in needs.items() if not makers & set(needs)]:
        for node in ready:
            del needs[node]
    path = [next(iter(needs))]
    while path[-1] not in path[:-1]:
        path.append(next(maker for maker in needs[path[-1]] if maker in needs))
    return path[-1]
