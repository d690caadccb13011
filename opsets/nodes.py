"""The nodes of a graph, and of the branches and bodies in it; and what one says in two ways."""

from __future__ import annotations

import onnx_ir as ir

_ONE, _SEVERAL = ir.AttributeType.GRAPH, ir.AttributeType.GRAPHS


def graphs_of(node: ir.Node) -> list[ir.Graph]:
    """The branches and bodies of ``node``."""
    graphs: list[ir.Graph] = []
    for attribute in node.attributes.data.values():  # the dict itself: its views cost much more
        kind = attribute.type
        if kind is _ONE:
            graphs.append(attribute.as_graph())
        elif kind is _SEVERAL:
            graphs += attribute.as_graphs()
    return graphs


def nodes_of(graph: ir.Graph) -> list[ir.Node]:
    """Every node of ``graph``, each followed by those of its branches and bodies."""
    nodes: list[ir.Node] = []
    for node in graph:
        nodes.append(node)
        if node.attributes.data:
            for inner in graphs_of(node):
                nodes += nodes_of(inner)
    return nodes


def inner_graphs(graph: ir.Graph) -> list[ir.Graph]:
    """Every branch and body in ``graph``, each followed by those in it."""
    graphs: list[ir.Graph] = []
    for node in graph:
        if node.attributes.data:
            for inner in graphs_of(node):
                graphs += [inner, *inner_graphs(inner)]
    return graphs


def cast_type(node: ir.Node) -> ir.DataType | None:
    """The type that a Cast makes, which is named by text below 6; None where that is none."""
    to = node.attributes["to"]
    if to.type is ir.AttributeType.STRING:
        return ir.DataType.__members__.get(to.as_string().upper())
    return ir.DataType(to.as_int())
