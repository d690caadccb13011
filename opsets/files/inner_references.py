"""References to external data where few models have any: in attributes and in subgraphs."""

from __future__ import annotations

import onnx_ir as ir

from opsets.nodes import inner_graphs, nodes_of


def load_inner_references(model: ir.Model) -> None:
    """Load the data of references in attributes and in subgraphs, which ``onnx.checker`` refuses there.

    It sees none of the large initialisers of the graph itself, where almost all references are.
    """
    for node in nodes_of(model.graph):
        for name, attribute in node.attributes.items():
            if isinstance(attribute.value, ir.ExternalTensor):
                node.attributes[name] = ir.AttrTensor(name, _loaded(attribute.value))
    for graph in inner_graphs(model.graph):
        for value in graph.initializers.values():
            if isinstance(value.const_value, ir.ExternalTensor):
                value.const_value = _loaded(value.const_value)


def _loaded(tensor: ir.ExternalTensor) -> ir.TensorProtocol:
    return ir.Tensor(tensor.numpy(), dtype=tensor.dtype, name=tensor.name)
