"""The walk down: one opset at a time, every node asked, until the target."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import onnx
import onnx_ir as ir
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx_ir.passes.common import CheckerPass, InlinePass, ShapeInferencePass

import opsets.ops  # noqa: F401 - registers every operator
from opsets.errors import CannotAdapt, RetargetError
from opsets.graph import Rewrite
from opsets.registry import ADAPTERS, IMPOSSIBLE, UNCHANGED
from opsets.versions import ir_version, since_version

LOWEST_TARGET, HIGHEST_TARGET = 3, 12
DEFAULT_DOMAINS = ("", "ai.onnx")


@dataclass(frozen=True)
class Retargeted:
    """A model at its new opset, and what was rewritten for it."""

    model: onnx.ModelProto
    rewrites: tuple[str, ...]
    """One line per kind of rewrite, such as ``Softmax 13 to 12: 2 nodes``, in the order of the walk."""


def _opset(model: onnx.ModelProto, target: int) -> int:
    """The opset of ``model``, once it is sure that ``target`` can be asked of it."""
    if not LOWEST_TARGET <= target <= HIGHEST_TARGET:
        raise RetargetError(
            f"opset {target} is out of range: targets are {LOWEST_TARGET} to {HIGHEST_TARGET}"
        )
    imports = {entry.domain: entry.version for entry in model.opset_import}
    current = next((imports[domain] for domain in DEFAULT_DOMAINS if domain in imports), None)
    if current is None:
        raise RetargetError("the model imports no opset of the default domain; is it an ONNX model?")
    if current < target:
        raise RetargetError(
            f"the model is at opset {current}, below the target {target}: opsets are only lowered; "
            f"ask for {current} or less, or export it again at a higher one"
        )
    if current > onnx.defs.onnx_opset_version():
        raise RetargetError(f"the model is at opset {current}, newer than the installed onnx knows")
    return int(current)


def _nodes(model: ir.Model) -> list[ir.Node]:
    """All nodes, those of subgraphs included."""
    return list(model.graph.all_nodes())


def _refuse_unknown_domains(model: ir.Model) -> None:
    for node in _nodes(model):
        if node.domain not in DEFAULT_DOMAINS:
            raise RetargetError(
                f"{node.op_type} (node {node.name!r}) is of domain {node.domain!r}, whose older versions "
                "are not known here; export the model with standard operators"
            )


def _names(model: ir.Model) -> set[str]:
    names = {value.name for value in model.graph.inputs} | set(model.graph.initializers)
    for node in _nodes(model):
        names |= {node.name} | {value.name for value in node.outputs}
        for attribute in node.attributes.values():
            if attribute.type == ir.AttributeType.GRAPH:
                names |= {value.name for value in attribute.as_graph().inputs}
                names |= set(attribute.as_graph().initializers)
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


def _remove_dead(model: ir.Model) -> None:
    """Remove nodes and constants that nothing uses any more."""
    for node in reversed(_nodes(model)):
        if not any(value.uses() or value.is_graph_output() for value in node.outputs):
            graph = node.graph
            if graph is not None:
                graph.remove(node, safe=True)
    graphs = [model.graph, *model.graph.subgraphs()]
    for graph in graphs:
        for name, value in list(graph.initializers.items()):
            if not value.uses() and not value.is_graph_output() and not value.is_graph_input():
                del graph.initializers[name]


def _walk_down(model: ir.Model, current: int, target: int) -> tuple[str, ...]:
    taken, rewrites = _names(model), Counter[str]()
    for opset in range(current, target, -1):
        for node in _nodes(model):
            operator = node.op_type
            if _step_node(node, opset, taken):
                rewrites[f"{operator} {opset} to {opset - 1}"] += 1
        model.graph.opset_imports[""] = opset - 1
        if any(f" {opset} to" in line for line in rewrites):
            ShapeInferencePass(check_type=False, strict_mode=False, data_prop=True)(model)
    _remove_dead(model)
    return tuple(f"{line}: {count} node{'s' * (count > 1)}" for line, count in rewrites.items())


def _place_initializers(model: ir.Model) -> None:
    """Initialisers among the graph inputs exactly where the IR version wants them."""
    inputs = model.graph.inputs
    for value in model.graph.initializers.values():
        if model.ir_version < 4 and value not in inputs:
            inputs.append(value)
        elif model.ir_version >= 4 and value in inputs:
            inputs.remove(value)


def _lower(source: onnx.ModelProto, current: int, target: int) -> tuple[ir.Model, tuple[str, ...]]:
    model = ir.from_proto(source)
    if "ai.onnx" in model.graph.opset_imports:
        model.graph.opset_imports[""] = model.graph.opset_imports.pop("ai.onnx")
    if model.functions:
        InlinePass()(model)
    _refuse_unknown_domains(model)
    declared = {value.name for value in source.graph.value_info}
    outputs = [(value, value.shape, value.type) for value in model.graph.outputs]
    positions = {value.name: index for index, (value, _, _) in enumerate(outputs)}
    ShapeInferencePass(check_type=False, strict_mode=False, data_prop=True)(model)
    rewrites = _walk_down(model, current, target)
    for value in model.graph.outputs:  # what the model declares stands, where it declares anything
        _, shape, kind = outputs[positions[value.name]]
        value.shape, value.type = shape or value.shape, kind or value.type
    for node in _nodes(model):
        for value in node.outputs:
            if value.name not in declared and not value.is_graph_output():
                value.shape = value.type = None
    for domain in [domain for domain in model.graph.opset_imports if domain]:
        del model.graph.opset_imports[domain]  # no node of another domain is left
    model.ir_version = ir_version(target)
    _place_initializers(model)
    try:
        CheckerPass(full_check=True)(model)
    except Exception as error:
        raise RetargetError(f"the result is not valid at opset {target}: {error}") from error
    return model, rewrites


def retarget_with_report(model: onnx.ModelProto, target: int) -> Retargeted:
    """``model`` at opset ``target`` (3 to 12), and what was rewritten; the input is left as it is.

    The result computes the same from the same inputs, keeps the names of inputs and outputs and the
    bytes of every weight, and passes ``onnx.checker`` in full. Raises :class:`RetargetError`.
    """
    current = _opset(model, target)
    if current == target and not model.functions:
        result = onnx.ModelProto()
        result.CopyFrom(model)
        result.ir_version = ir_version(target)
        wanted = ir.from_proto(result)
        _place_initializers(wanted)
        kept = {value.name for value in wanted.graph.inputs}
        if kept != {value.name for value in result.graph.input}:
            result = ir.to_proto(wanted)
        return Retargeted(result, ())
    lowered, rewrites = _lower(model, current, target)
    return Retargeted(ir.to_proto(lowered), rewrites)


def retarget(model: onnx.ModelProto, target: int) -> onnx.ModelProto:
    """``model`` at opset ``target``: see :func:`retarget_with_report`."""
    return retarget_with_report(model, target).model


def retarget_file(source: Path, target: int, destination: Path) -> tuple[str, ...]:
    """Write the model of ``source`` at opset ``target`` to ``destination``; what was rewritten.

    ``destination`` appears complete or not at all. Raises :class:`RetargetError`, also where
    ``source`` cannot be read.
    """
    try:
        model = onnx.load(source)
    except (OSError, DecodeError, onnx.checker.ValidationError) as error:
        raise RetargetError(f"cannot read {source} as an ONNX model: {error}") from error
    result = retarget_with_report(model, target)
    del model
    handle, part = tempfile.mkstemp(prefix=destination.name, suffix=".part", dir=destination.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(result.model.SerializeToString())
        Path(part).replace(destination)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
    return result.rewrites
