"""From a ModelProto to a graph of nodes in order, its constants in one place."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count as count_from

import onnx
import onnx_ir as ir
from onnx_ir.passes.common import (
    LiftConstantsToInitializersPass,
    LiftSubgraphInitializersToMainGraphPass,
)

from opsets.errors import RetargetError
from opsets.facts.foreign import has_map, set_apart
from opsets.files.inner_references import load_inner_references
from opsets.inlining import read_inlined
from opsets.nodes import inner_graphs, nodes_of

DEFAULT_DOMAINS = ("", "ai.onnx")


def read_model(source: onnx.ModelProto) -> ir.Model:
    """``source`` as a graph, its functions inlined.

    Every constant is an initialiser of the main graph, and nodes of other domains are called by these.
    Raises :class:`RetargetError` where it is no graph.
    """
    if source.graph.sparse_initializer:
        name = source.graph.sparse_initializer[0].values.name
        raise RetargetError(f"the initialiser {name!r} is sparse; export the model with dense ones")
    try:
        plain = _without_maps(source)
        model = read_inlined(plain) if plain.functions else ir.from_proto(plain)
        if "ai.onnx" in model.graph.opset_imports:
            model.graph.opset_imports[""] = model.graph.opset_imports.pop("ai.onnx")
        # An initialiser is a constant, not a default that callers may replace.
        given = [value for value in model.graph.inputs if not value.is_initializer()]
        model.graph.inputs.clear()
        model.graph.inputs.extend(given)
        _take_inner_constants(model)
        _name_apart(model)
        _hand_on_outputs(model)
        LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(model)
        LiftSubgraphInitializersToMainGraphPass()(model)
        load_inner_references(model)
    except RetargetError:
        raise
    except Exception as error:
        reason = " ".join(str(error.__cause__ or error).split())
        raise RetargetError(f"the graph cannot be read: {reason}; is the model valid?") from error
    for value in model.graph.initializers.values():
        if value.const_value is not None:
            value.type = ir.TensorType(value.const_value.dtype)
            value.shape = ir.Shape(value.const_value.shape.numpy())
    for node in nodes_of(model.graph):
        if node.domain == "ai.onnx":
            node.domain = ""
    set_apart(model)
    return model


def _without_maps(source: onnx.ModelProto) -> onnx.ModelProto:
    """``source``, or where values are declared to hold maps a copy that does not say so."""
    graph = source.graph
    if not any(has_map(value.type) for value in (*graph.input, *graph.output, *graph.value_info)):
        return source
    copy = onnx.ModelProto()
    copy.CopyFrom(source)
    for value in (*copy.graph.input, *copy.graph.output, *copy.graph.value_info):
        if has_map(value.type):
            value.ClearField("type")
    return copy


def _take_inner_constants(model: ir.Model) -> None:
    """Let constants of branches and bodies be none of the source: they are renamed where they move out."""
    for graph in inner_graphs(model.graph):
        for value in graph.initializers.values():
            tensor = value.const_value
            if isinstance(tensor, ir.serde.TensorProtoTensor):
                value.const_value = ir.Tensor(tensor.numpy(), dtype=tensor.dtype, name=tensor.name)


def _name_apart(model: ir.Model) -> None:
    """Give what stands in branches and bodies names of its own.

    Two of them may use the same name, which is no longer so once they are put into the main graph.
    """
    taken, seen, counts = names_in(model), set[str | None](), dict[str, Iterator[int]]()
    for graph in (model.graph, *inner_graphs(model.graph)):
        for value in (*graph.inputs, *(value for node in graph for value in node.outputs)):
            if value.name and value.name in seen:
                numbers = counts.setdefault(value.name, count_from(1))  # one name may be used many times
                names = (f"{value.name}_{number}" for number in numbers)
                value.name = next(name for name in names if name not in taken)
                taken.add(value.name)
            seen.add(value.name)


def _hand_on_outputs(model: ir.Model) -> None:
    """Let an Identity make the outputs of branches and bodies that are constants: those move out."""
    taken = names_in(model)
    for graph in inner_graphs(model.graph):
        for index, value in enumerate(graph.outputs):
            if value.is_initializer():
                name = next(
                    name for count in count_from(0) if (name := f"{value.name}_output_{count}") not in taken
                )
                taken.add(name)
                handed = ir.node("Identity", [value], name=name)
                handed.outputs[0].name, handed.outputs[0].type = name, value.type
                handed.outputs[0].shape = value.shape
                graph.append(handed)
                graph.outputs[index] = handed.outputs[0]


def names_in(model: ir.Model) -> set[str]:
    """Every name of a value or node of ``model``."""
    names: set[str | None] = set()
    for graph in (model.graph, *inner_graphs(model.graph)):
        names |= {value.name for value in graph.inputs} | set(graph.initializers)
    for node in nodes_of(model.graph):
        names |= {node.name} | {value.name for value in node.outputs}
    return {name for name in names if name}
