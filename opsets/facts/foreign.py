"""Nodes of other domains than ONNX's own, such as ``ai.onnx.ml``: they stay as they are.

A domain has versions of its own, which a lower opset of the default domain does not touch. On the way
down such a node is called by domain and operator, ``com.microsoft.Gelu``: so no rule for the operator of
the same name takes it for that.
"""

from __future__ import annotations

import onnx
import onnx_ir as ir

from opsets.nodes import nodes_of


def set_apart(model: ir.Model) -> None:
    """Let every foreign operator in ``model`` be called by its domain too."""
    for node in nodes_of(model.graph):
        if node.domain:
            node.op_type = f"{node.domain}.{node.op_type}"


def put_back(model: ir.Model) -> None:
    """Let every foreign operator in ``model`` have its own name again."""
    for node in nodes_of(model.graph):
        if node.domain:
            node.op_type = own_name(node)


def own_name(node: ir.Node) -> str:
    """The operator of ``node`` as its domain calls it."""
    return node.op_type.removeprefix(f"{node.domain}.") if node.domain else node.op_type


def has_map(kind: onnx.TypeProto) -> bool:
    """Whether values of ``kind`` hold a map, as ai.onnx.ml makes them; onnx_ir has no such type."""
    while kind.HasField("sequence_type") or kind.HasField("optional_type"):
        wrapper = kind.sequence_type if kind.HasField("sequence_type") else kind.optional_type
        kind = wrapper.elem_type
    return bool(kind.HasField("map_type"))
