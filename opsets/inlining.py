"""Functions of a model, whose nodes stand in the place of their calls before anything else is done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter

import onnx
import onnx_ir as ir
from onnx.inliner import inline_local_functions

from opsets.errors import RetargetError

MOST_NODES = 100_000
"""Nodes that inlining may make; functions that call each other twice double them with each level."""

_Identifier = tuple[str, str, str]
"""Domain, name and overload of a function."""


def read_inlined(source: onnx.ModelProto) -> ir.Model:
    """``source`` with the nodes of its functions in the place of their calls; the weights are not copied.

    Raises :class:`RetargetError` where functions call each other in a circle, make more than
    :data:`MOST_NODES` nodes, or are written for another opset than the model.
    """
    count = _count_inlined(source)
    if count > MOST_NODES:
        raise RetargetError(
            f"the functions of the model call each other so often that the graph would have {count} nodes, "
            f"and {MOST_NODES} are the most; export the model without functions, or with fewer levels of them"
        )
    skeleton = _without_weights(source)
    _write_defaults(skeleton)
    inlined = inline_local_functions(skeleton)
    left = set(_called(inlined.graph.node))
    for function in inlined.functions:
        if _identifier(function) in left:
            raise RetargetError(
                f"the function {function.name!r} of the model is written for {_imports(function)}, and the "
                f"model for {_imports(source)}; export the model without functions"
            )
    del inlined.functions[:]
    model = ir.from_proto(inlined)
    for tensor in source.graph.initializer:
        model.graph.initializers[tensor.name].const_value = ir.from_proto(tensor)
    return model


def _imports(message: onnx.ModelProto | onnx.FunctionProto) -> str:
    return ", ".join(
        f"opset {entry.version} of {entry.domain or 'ai.onnx'}" for entry in message.opset_import
    )


def _without_weights(source: onnx.ModelProto) -> onnx.ModelProto:
    """``source`` with empty tensors in the place of its initialisers: the inliner serialises the model."""
    skeleton, graph = onnx.ModelProto(), onnx.GraphProto()
    for target, message, left_out in ((skeleton, source, "graph"), (graph, source.graph, "initializer")):
        for field, content in message.ListFields():
            if field.name == left_out:
                continue
            if isinstance(content, (int, str)):
                setattr(target, field.name, content)
            else:
                getattr(target, field.name).MergeFrom(content)
    graph.initializer.extend(
        onnx.TensorProto(name=tensor.name, data_type=tensor.data_type, dims=[0])
        for tensor in source.graph.initializer
    )
    skeleton.graph.CopyFrom(graph)
    return skeleton


def _write_defaults(model: onnx.ModelProto) -> None:
    """Let each call have the attributes that it leaves to the function's defaults: the inliner has none."""
    defaults = {_identifier(one): one.attribute_proto for one in model.functions if one.attribute_proto}
    for nodes in (model.graph.node, *(function.node for function in model.functions)):
        for node in _all(nodes) if defaults else ():
            given = {attribute.name for attribute in node.attribute}
            node.attribute.extend(
                default for default in defaults.get(_identifier(node), ()) if default.name not in given
            )


def _count_inlined(source: onnx.ModelProto) -> int:
    """The nodes of the graph of ``source`` once no call is left, each function counted once."""
    bodies = {_identifier(one): one.node for one in source.functions}
    calls = {name: [called for called in _called(body) if called in bodies] for name, body in bodies.items()}
    sizes: dict[_Identifier, int] = {}
    try:
        for name in TopologicalSorter(calls).static_order():
            sizes[name] = _count(bodies[name], sizes)
    except CycleError as error:
        circle = " calls ".join(repr(name) for _, name, _ in error.args[1])
        raise RetargetError(f"the functions of the model call each other in a circle: {circle}") from error
    return _count(source.graph.node, sizes)


def _count(nodes: Iterable[onnx.NodeProto], sizes: dict[_Identifier, int]) -> int:
    return sum(sizes.get(name, 1) for name in _called(nodes))


def _called(nodes: Iterable[onnx.NodeProto]) -> Iterator[_Identifier]:
    """What each of ``nodes`` computes, and those of their branches and bodies."""
    return map(_identifier, _all(nodes))


def _identifier(message: onnx.NodeProto | onnx.FunctionProto) -> _Identifier:
    name = message.op_type if isinstance(message, onnx.NodeProto) else message.name
    return message.domain, name, message.overload


def _all(nodes: Iterable[onnx.NodeProto]) -> Iterator[onnx.NodeProto]:
    """``nodes``, and those of their branches and bodies."""
    for node in nodes:
        yield node
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs) if attribute.HasField("g") else attribute.graphs:
                yield from _all(graph.node)
