"""What nothing needs any more goes, and what is not of ONNX alone is refused."""

from __future__ import annotations

import onnx

from quantization.errors import QuantizationError


def remove_dead(model: onnx.ModelProto) -> None:
    """Remove nodes whose results nothing reads, such as a DequantizeLinear that came before a moved byte."""
    needed, kept = {port.name for port in model.graph.output}, []
    for node in reversed(model.graph.node):
        if any(name in needed for name in node.output):
            kept.append(node)
            needed |= set(node.input)
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in reversed(kept)]
    del model.graph.node[:]
    model.graph.node.extend(copies)


def remove_unread(model: onnx.ModelProto) -> None:
    """Remove initializers that nothing reads, and what is declared of tensors that are not there."""
    graph = model.graph
    read = {name for node in graph.node for name in node.input} | {port.name for port in graph.output}
    gone = [tensor for tensor in graph.initializer if tensor.name not in read]
    for tensor in gone:
        graph.initializer.remove(tensor)
    names = {tensor.name for tensor in gone}
    for port in [port for port in graph.input if port.name in names]:
        graph.input.remove(port)
    del graph.value_info[:]


def without_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of ``model`` without nodes and initializers, as weights may be most of the memory."""
    result = onnx.ModelProto()
    for field, value in model.ListFields():
        if field.name != "graph":
            _set(result, field.name, value)
    for field, value in model.graph.ListFields():
        if field.name not in ("node", "initializer", "value_info"):
            _set(result.graph, field.name, value)
    return result


def _set(message: onnx.ModelProto | onnx.GraphProto, name: str, value: object) -> None:
    if isinstance(value, str | int | float):
        setattr(message, name, value)
    else:
        getattr(message, name).MergeFrom(value)


def require_standard(model: onnx.ModelProto) -> None:
    """Raise QuantizationError where ``model`` has an operator, or only an import, of another domain."""
    foreign = {entry.domain for entry in model.opset_import if entry.domain not in ("", "ai.onnx")}
    foreign |= {node.domain for node in model.graph.node if node.domain not in ("", "ai.onnx")}
    if foreign:
        raise QuantizationError(f"the model has operators of {', '.join(sorted(foreign))}, not of ONNX alone")
