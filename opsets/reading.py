"""From a ModelProto to a graph of standard operators, and back."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count as count_from

import onnx
import onnx_ir as ir
from onnx_ir.passes.common import (
    CheckerPass,
    LiftConstantsToInitializersPass,
    LiftSubgraphInitializersToMainGraphPass,
)

from opsets.errors import RetargetError
from opsets.facts.versions import ir_version
from opsets.files.external import load_inner_references
from opsets.inlining import read_inlined

DEFAULT_DOMAINS = ("", "ai.onnx")


def read_model(source: onnx.ModelProto) -> ir.Model:
    """``source`` as a graph of standard operators, its functions inlined.

    Every constant is an initialiser of the main graph.
    Raises :class:`RetargetError` where it is no valid graph or an operator is of another domain.
    """
    if source.graph.sparse_initializer:
        name = source.graph.sparse_initializer[0].values.name
        raise RetargetError(f"the initialiser {name!r} is sparse; export the model with dense ones")
    try:
        model = read_inlined(source) if source.functions else ir.from_proto(source)
        if "ai.onnx" in model.graph.opset_imports:
            model.graph.opset_imports[""] = model.graph.opset_imports.pop("ai.onnx")
        for value in model.graph.initializers.values():
            if value in model.graph.inputs:
                model.graph.inputs.remove(value)  # a constant, not a default that callers may replace
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
    for node in model.graph.all_nodes():
        if node.domain == "ai.onnx":
            node.domain = ""
        if node.domain:
            raise RetargetError(
                f"{node.op_type} (node {node.name or node.outputs[0].name!r}) is of domain {node.domain!r}, "
                "whose older versions are not known here; export the model with standard operators"
            )
    return model


def _name_apart(model: ir.Model) -> None:
    """Give what stands in branches and bodies names of its own.

    Two of them may use the same name, which is no longer so once they are put into the main graph.
    """
    taken, seen = names_in(model), set[str | None]()
    for graph in (model.graph, *model.graph.subgraphs()):
        for value in (*graph.inputs, *(value for node in graph for value in node.outputs)):
            if value.name and value.name in seen:
                value.name = next(
                    name for count in count_from(1) if (name := f"{value.name}_{count}") not in taken
                )
                taken.add(value.name)
            seen.add(value.name)


def _hand_on_outputs(model: ir.Model) -> None:
    """Let an Identity make the outputs of branches and bodies that are constants: those move out."""
    taken = names_in(model)
    for graph in model.graph.subgraphs():
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
    for graph in (model.graph, *model.graph.subgraphs()):
        names |= {value.name for value in graph.inputs} | set(graph.initializers)
    for node in model.graph.all_nodes():
        names |= {node.name} | {value.name for value in node.outputs}
    return {name for name in names if name}


def write_model(model: ir.Model, source: onnx.ModelProto, target: int) -> onnx.ModelProto:
    """``model`` as a checked ModelProto of opset ``target``.

    It declares of its values what ``source`` declares, and has the constants in its order.
    Initialisers are graph inputs exactly at IR 3, as every IR version wants it.
    """
    order = {tensor.name: index for index, tensor in enumerate(source.graph.initializer)}

    def place(constant: ir.Value | onnx.TensorProto) -> tuple[int, str]:
        name = str(constant.name)  # new ones by name: the checker's pass mixes their order
        return order.get(name, len(order)), name

    declared = {value.name for value in _declarations(source.graph)} | _not_inferred(model, target)
    for value in _made_inside(model):
        if value.name not in declared:
            value.shape = value.type = None
    for domain in [domain for domain in model.graph.opset_imports if domain]:
        del model.graph.opset_imports[domain]  # no node of another domain is left
    model.graph.opset_imports[""] = target
    model.ir_version = ir_version(target)
    if model.ir_version < 4:
        model.graph.inputs.extend(sorted(model.graph.initializers.values(), key=place))
    _check(model, target)
    result = ir.to_proto(model)
    known = [value for value in result.graph.value_info if value.name in declared]
    del result.graph.value_info[:]
    result.graph.value_info.extend(known)
    result.graph.initializer.sort(key=place)
    return result


def _declarations(graph: onnx.GraphProto) -> Iterator[onnx.ValueInfoProto]:
    yield from graph.value_info
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _declarations(attribute.g)


def _not_inferred(model: ir.Model, target: int) -> set[str | None]:
    """What has to be declared, as no reader can know its type: below 6 a Cast names it by a string."""
    if target >= 6:
        return set()
    return {node.outputs[0].name for node in model.graph.all_nodes() if node.op_type == "Cast"}


def _made_inside(model: ir.Model) -> Iterator[ir.Value]:
    for node in model.graph.all_nodes():
        for value in node.outputs:
            if not value.is_graph_output():
                yield value


def _check(model: ir.Model, target: int) -> None:
    """Refuse a ``model`` that ``onnx.checker``, types and shapes included, does not pass."""
    try:
        CheckerPass(full_check=True)(model)
    except Exception as error:
        reason = " ".join(str(error.__cause__ or error).split())  # the checker's has many lines
        raise RetargetError(f"the result is not valid at opset {target}: {reason}") from error
