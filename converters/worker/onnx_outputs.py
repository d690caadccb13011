"""One of the outputs of an ONNX graph, with what it is computed of, and nothing else."""

from __future__ import annotations

from typing import Any, Dict, List, Set

import onnx


def keep_output(graph: Any, position: int) -> None:
    """Leave of ``graph`` the output at ``position``, and the nodes and initialisers that it needs."""
    if len(graph.output) == 1:
        return
    output = type(graph.output[position]).FromString(graph.output[position].SerializeToString())
    makers: Dict[str, int] = {name: index for index, node in enumerate(graph.node) for name in node.output}
    needed, kept, waiting = {output.name}, set(), [output.name]
    while waiting:
        maker = makers.get(waiting.pop())
        if maker is None or maker in kept:
            continue
        kept.add(maker)
        waiting += read_by(graph.node[maker])
        needed.update([*read_by(graph.node[maker]), *graph.node[maker].output])
    unused = {tensor.name for tensor in graph.initializer} - needed
    del graph.output[:]
    graph.output.append(output)
    for index in reversed(range(len(graph.node))):
        if index not in kept:
            del graph.node[index]
    _remove(graph.initializer, unused)
    _remove(graph.input, unused)
    _remove(graph.value_info, {value.name for value in graph.value_info} - needed)


def _remove(values: Any, names: Set[str]) -> None:
    for index in reversed(range(len(values))):
        if values[index].name in names:
            del values[index]


def read_by(node: Any) -> List[str]:
    """The names that ``node`` and the graphs inside of it read, inner ones among them."""
    names = list(node.input)
    for graph in inner_graphs(node):
        names += [name for inner in graph.node for name in read_by(inner)]
        names += [value.name for value in graph.output]
    return names


def inner_graphs(node: Any) -> List[Any]:
    """The branches of an If, and the bodies of loops."""
    return [attribute.g for attribute in node.attribute if attribute.type == onnx.AttributeProto.GRAPH]
