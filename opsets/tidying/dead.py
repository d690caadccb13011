"""What nothing uses."""

from __future__ import annotations

import onnx_ir as ir

from opsets.nodes import inner_graphs, nodes_of


def release_inside(node: ir.Node) -> None:
    """Let what stands inside ``node``, which goes, use nothing of the outside any more."""
    for attribute in node.attributes.values():
        if attribute.type == ir.AttributeType.GRAPH:
            for inner in nodes_of(attribute.as_graph()):
                inner.resize_inputs(0)


def remove_dead(model: ir.Model) -> None:
    """Remove nodes and constants that nothing uses."""
    for node in reversed(nodes_of(model.graph)):
        graph = node.graph
        if graph is None or any(value.uses() or value.is_graph_output() for value in node.outputs):
            continue
        release_inside(node)
        graph.remove(node, safe=True)
    for graph in (model.graph, *inner_graphs(model.graph)):
        for name, value in list(graph.initializers.items()):
            if not (value.uses() or value.is_graph_output() or value.is_graph_input()):
                del graph.initializers[name]
