"""The walk down: one opset at a time, every node asked, until the target."""

from __future__ import annotations

from collections import Counter

import onnx
import onnx_ir as ir
from onnx_ir.passes.common import CheckerPass, InlinePass, ShapeInferencePass

import opsets.ops  # noqa: F401 - registers every operator
from opsets.errors import CannotAdapt, RetargetError
from opsets.graph import Rewrite, remove_dead
from opsets.registry import ADAPTERS, IMPOSSIBLE, UNCHANGED
from opsets.versions import ir_version, since_version

DEFAULT_DOMAINS = ("", "ai.onnx")


def _read(source: onnx.ModelProto) -> ir.Model:
    """``source`` as a graph of standard operators only, its functions inlined.

    Raises :class:`RetargetError` where it is no valid graph or an operator is of another domain.
    """
    if source.graph.sparse_initializer:
        name = source.graph.sparse_initializer[0].values.name
        raise RetargetError(f"the initialiser {name!r} is sparse; export the model with dense ones")
    try:
        model = ir.from_proto(source)
        if "ai.onnx" in model.graph.opset_imports:
            model.graph.opset_imports[""] = model.graph.opset_imports.pop("ai.onnx")
        if model.functions:
            InlinePass()(model)
        for value in model.graph.initializers.values():
            if value in model.graph.inputs:
                model.graph.inputs.remove(value)  # a constant, not a default that callers may replace
    except Exception as error:
        reason = error.__cause__ or error
        raise RetargetError(f"the graph cannot be read: {reason}; is the model valid?") from error
    for node in model.graph.all_nodes():
        if node.domain not in DEFAULT_DOMAINS:
            raise RetargetError(
                f"{node.op_type} (node {node.name or node.outputs[0].name!r}) is of domain {node.domain!r}, "
                "whose older versions are not known here; export the model with standard operators"
            )
    return model


def lower(source: onnx.ModelProto, current: int, target: int) -> tuple[onnx.ModelProto, tuple[str, ...]]:
    """``source``, of opset ``current``, at opset ``target``, and what was rewritten.

    Initialisers are graph inputs exactly at IR 3, as every IR version wants it. What the model
    declares of its values stands; what inference found out on the way does not stay. Raises
    :class:`RetargetError`.
    """
    model = _read(source)
    declared = {value.name for value in source.graph.value_info}
    outputs = {value.name: (value.shape, value.type) for value in model.graph.outputs}
    _infer(model)
    rewrites = _walk_down(model, current, target)
    for value in model.graph.outputs:
        shape, kind = outputs[value.name]
        value.shape, value.type = shape or value.shape, kind or value.type
    for node in model.graph.all_nodes():
        for value in node.outputs:
            if value.name not in declared and not value.is_graph_output():
                value.shape = value.type = None
    for domain in [domain for domain in model.graph.opset_imports if domain]:
        del model.graph.opset_imports[domain]  # no node of another domain is left
    model.ir_version = ir_version(target)
    if model.ir_version < 4:
        model.graph.inputs.extend(model.graph.initializers.values())
    _check(model, target)
    return _written(model, source), rewrites


def _written(model: ir.Model, source: onnx.ModelProto) -> onnx.ModelProto:
    """``model`` with the declarations and the order of constants that ``source`` has."""
    result = ir.to_proto(model)
    declared = {value.name for value in source.graph.value_info}
    known = [value for value in result.graph.value_info if value.name in declared]
    del result.graph.value_info[:]
    result.graph.value_info.extend(known)
    order = {tensor.name: index for index, tensor in enumerate(source.graph.initializer)}
    result.graph.initializer.sort(key=lambda tensor: order.get(tensor.name, len(order)))
    return result


def _check(model: ir.Model, target: int) -> None:
    """Refuse a ``model`` that ``onnx.checker``, types and shapes included, does not pass."""
    try:
        CheckerPass(full_check=True)(model)
    except Exception as error:
        reason = error.__cause__ or error
        raise RetargetError(f"the result is not valid at opset {target}: {reason}") from error


def _infer(model: ir.Model) -> None:
    ShapeInferencePass(check_type=False, strict_mode=False, data_prop=True)(model)


def _walk_down(model: ir.Model, current: int, target: int) -> tuple[str, ...]:
    taken, rewrites = _names(model), Counter[str]()
    for opset in range(current, target, -1):
        lines = Counter[str]()
        for node in list(model.graph.all_nodes()):
            operator = node.op_type
            if _step_node(node, opset, taken):
                lines[f"{operator} {opset} to {opset - 1}"] += 1
        model.graph.opset_imports[""] = opset - 1
        if lines:
            _infer(model)
        rewrites += lines
    remove_dead(model)
    return tuple(f"{line}: {count} node{'s' * (count > 1)}" for line, count in rewrites.items())


def _names(model: ir.Model) -> set[str]:
    names: set[str | None] = set()
    for graph in (model.graph, *model.graph.subgraphs()):
        names |= {value.name for value in graph.inputs} | set(graph.initializers)
    for node in model.graph.all_nodes():
        names |= {node.name} | {value.name for value in node.outputs}
    return {name for name in names if name}


def _step_node(node: ir.Node, opset: int, taken: set[str]) -> bool:
    """Bring one node from ``opset`` to the next lower one; whether it was rewritten."""
    step = (node.op_type, opset)
    where = f"{node.op_type} (node {node.name or node.outputs[0].name!r}), opset {opset} to {opset - 1}"
    since = since_version(node.op_type, opset)
    if since is None:
        raise RetargetError(f"{where}: the onnx package knows no such operator at this opset")
    if since != opset or step in UNCHANGED:
        return False
    if step in IMPOSSIBLE:
        raise RetargetError(f"{where}: {IMPOSSIBLE[step]}; the lowest possible opset is {opset}")
    if step not in ADAPTERS:
        raise RetargetError(
            f"{where}: no adapter is known, nor that nothing changes; stay at {opset} or above"
        )
    rewrite = Rewrite(node, taken)
    try:
        ADAPTERS[step](rewrite)
    except CannotAdapt as error:
        raise RetargetError(f"{where}: {error}; the lowest possible opset is {opset}") from error
    return rewrite.touched
