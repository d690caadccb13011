"""From a graph back to a ModelProto, and what onnx's checker has to say about it."""

from __future__ import annotations

from collections.abc import Iterator

import onnx
import onnx_ir as ir
from onnx import helper

from opsets.errors import RetargetError
from opsets.facts.foreign import has_map, put_back
from opsets.facts.versions import INITIALIZERS_ALONE, ir_version
from opsets.files.external import is_external
from opsets.nodes import nodes_of
from opsets.reading import read_model
from opsets.static_axes import FixedAxes, fix_axes
from opsets.tidying.sorting import sort_nodes

_LARGEST_SEEN = 1024
"""Bytes up to which the checker sees a constant: shapes, axes and scales, and no weights."""


def write_model(
    model: ir.Model, source: onnx.ModelProto, target: int, fixed: FixedAxes | None = None
) -> onnx.ModelProto:
    """``model`` as a checked ModelProto of opset ``target``; axes of ``source`` are ``fixed`` in it.

    It declares of its values what ``source`` declares, and has the constants in its order.
    Initialisers are graph inputs exactly at IR 3, as every IR version wants it.
    """
    order = {tensor.name: index for index, tensor in enumerate(source.graph.initializer)}

    def place(constant: ir.Value | onnx.TensorProto) -> tuple[int, str]:
        name = str(constant.name)  # new ones by name
        return order.get(name, len(order)), name

    declared = {value.name for value in _declarations(source.graph)} | _not_inferred(model, target)
    for value in _made_inside(model):
        if value.name not in declared:
            value.shape = value.type = None
    used = {node.domain for node in nodes_of(model.graph)}
    for domain in [domain for domain in model.graph.opset_imports if domain not in used]:
        del model.graph.opset_imports[domain]
    model.graph.opset_imports[""] = target
    model.ir_version = ir_version(target)
    if model.ir_version < INITIALIZERS_ALONE:
        model.graph.inputs.extend(sorted(model.graph.initializers.values(), key=place))
    result = _proto(model, source)
    known = [value for value in result.graph.value_info if value.name in declared]
    del result.graph.value_info[:]
    result.graph.value_info.extend(known)
    result.graph.initializer.sort(key=place)
    reason = _fault(result)
    if reason:
        raise RetargetError(
            fault_of_source(source, fixed) or f"the result is not valid at opset {target}: {reason}"
        )
    return result


def fault_of_source(source: onnx.ModelProto, fixed: FixedAxes | None = None) -> str | None:
    """Why ``source`` itself, its nodes in order and open axes ``fixed``, is not valid; None where it is."""
    model = read_model(source)
    if fixed:
        fix_axes(model, fixed)
    sort_nodes(model)
    fault = fault_of(model, source)
    if fault is None:
        return None
    if fixed and fault_of_source(source) is None:
        return f"the lengths that are asked for do not suit the model: {fault}"
    return f"the source is not a valid model: {fault}"


def fault_of(model: ir.Model, source: onnx.ModelProto) -> str | None:
    """What ``onnx.checker`` has against ``model``, which was made of ``source``; None where it passes."""
    if model.ir_version < INITIALIZERS_ALONE:
        model.graph.inputs.extend(model.graph.initializers.values())
    return _fault(_proto(model, source))


def _declarations(graph: onnx.GraphProto) -> Iterator[onnx.ValueInfoProto]:
    """What ``graph``, and the branches and bodies in it, declare of values inside."""
    yield from graph.value_info
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _declarations(attribute.g)


def _not_inferred(model: ir.Model, target: int) -> set[str | None]:
    """What has to be declared, as no reader can know its type: below 6 a Cast names it by a string."""
    if target >= 6:
        return set()
    return {node.outputs[0].name for node in nodes_of(model.graph) if node.op_type == "Cast"}


def _made_inside(model: ir.Model) -> Iterator[ir.Value]:
    for node in nodes_of(model.graph):
        for value in node.outputs:
            if not value.is_graph_output():
                yield value


def _proto(model: ir.Model, source: onnx.ModelProto) -> onnx.ModelProto:
    """``model`` as a ModelProto; inputs and outputs that hold maps are declared as in ``source``."""
    put_back(model)
    result: onnx.ModelProto = ir.to_proto(model)
    maps = {value.name: value.type for value in (*source.graph.input, *source.graph.output)}
    for value in (*result.graph.input, *result.graph.output):
        if value.name in maps and has_map(maps[value.name]):
            value.type.CopyFrom(maps[value.name])
    return result


def _fault(model: onnx.ModelProto) -> str | None:
    """What ``onnx.checker``, types and shapes included, has against ``model``; None where it passes."""
    try:
        onnx.checker.check_model(_without_weights(model), full_check=True)
    except Exception as error:  # noqa: BLE001 - several kinds, and the message is what counts
        return " ".join(str(error).split())  # it has many lines
    return None


def _without_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """``model`` with its large constants as inputs: neither their bytes are seen, nor where they lie."""
    result, given = onnx.ModelProto(), {value.name for value in model.graph.input}
    for message, copy, left_out in (
        (model, result, "graph"),
        (model.graph, result.graph, "initializer"),
    ):
        for field, value in message.ListFields():
            if field.name == left_out:
                continue
            if field.is_repeated:
                getattr(copy, field.name).extend(value)
            else:
                setattr(copy, field.name, value)
    for tensor in model.graph.initializer:
        if not is_external(tensor) and tensor.ByteSize() <= _LARGEST_SEEN:
            result.graph.initializer.append(tensor)
        elif tensor.name not in given:
            result.graph.input.append(
                helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
            )
    return result
