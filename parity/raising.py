"""Models of opset 3 to 6 raised to opset 9, by rules that share nothing with those that lowered them.

Only what changed its form between these opsets is touched; an operator without a rule, of which it
is not known that nothing changed, is refused. :mod:`parity.old_broadcasting` does broadcasting.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import onnx
from onnx import helper

from parity.cast_types import number_of_type
from parity.old_broadcasting import BROADCASTING, raise_broadcasts
from parity.runtimes.interface import InvalidModelError, UnsupportedError

TARGET, IR_VERSION = 9, 4

_SAME = frozenset(
    {"Abs", "AveragePool", "Ceil", "Clip", "Constant", "Elu", "Exp", "Flatten", "Floor", "HardSigmoid"}
    | {"InstanceNormalization", "LeakyRelu", "Log", "MatMul", "MaxPool", "Neg", "Reciprocal", "Relu"}
    | {"Sigmoid", "Sqrt", "Tanh"}
    | BROADCASTING
)
"""Operators whose versions up to 9 added types, optional outputs, or attributes with the old meaning as
their default, and lost no more than ``consumed_inputs``; and those that broadcast, raised together."""
_NEGATIVE_AXES = frozenset({"Gather", "LpNormalization", "TopK"})
"""Operators that count axes from the end before opset 11."""


def raise_to_9(model: onnx.ModelProto) -> None:
    """Raise ``model`` in place.

    Raises:
        UnsupportedError: an operator cannot be raised.
        InvalidModelError: an operator is not of the model's opset, or breaks a rule of it.
    """
    graph = model.graph
    opset = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    nodes = [raised for node in graph.node for raised in _raise(node, opset)]
    # From IR 4 on, what is also an input can be overridden, and no runtime may fold it.
    weights = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in weights]
    nodes = raise_broadcasts(nodes, inputs, graph.initializer)
    for field, values in (("node", nodes), ("input", inputs), ("value_info", [])):
        graph.ClearField(field)
        getattr(graph, field).extend(values)
    del model.opset_import[:]
    model.opset_import.append(helper.make_opsetid("", TARGET))
    model.ir_version = IR_VERSION


def _raise(node: onnx.NodeProto, opset: int) -> list[onnx.NodeProto]:
    """The nodes that say at opset 9 what ``node`` says at ``opset``; ``node`` is left as it is."""
    kind = node.op_type
    if node.domain not in ("", "ai.onnx") or any(item.HasField("g") for item in node.attribute):
        raise UnsupportedError(
            f"{node.domain or 'ai.onnx'}.{kind}: other domains and subgraphs are not raised"
        )
    since = _since(kind, opset)
    axes = [attribute(node, "axis", 0), *attribute(node, "axes", ())]
    if min(axes) < 0 and kind not in _NEGATIVE_AXES:
        raise InvalidModelError(f"{_named(node)} has a negative axis, which opset {opset} does not know")
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    drop(copy, "consumed_inputs")
    if kind in _RULES:
        return _RULES[kind](copy, opset)
    if kind in _SAME or since == _since(kind, TARGET):
        return [copy]
    raise UnsupportedError(f"{kind} of version {since} is not raised")


def _since(kind: str, opset: int) -> int:
    try:
        return int(onnx.defs.get_schema(kind, opset, "").since_version)
    except onnx.defs.SchemaError as error:
        if onnx.defs.has(kind):
            raise InvalidModelError(f"opset {opset} has no operator {kind}") from error
        raise UnsupportedError(f"{kind} is not an operator of onnx") from error


def attribute(node: onnx.NodeProto, name: str, default: Any = None) -> Any:
    """The value of an attribute, or ``default`` where it is absent."""
    return next((helper.get_attribute_value(item) for item in node.attribute if item.name == name), default)


def drop(node: onnx.NodeProto, *names: str) -> None:
    """Remove the attributes ``names`` where they are there."""
    for item in [item for item in node.attribute if item.name in names]:
        node.attribute.remove(item)


def _named(node: onnx.NodeProto) -> str:
    return f"{node.op_type} {node.name or node.output[0]!r}"


def _required(node: onnx.NodeProto, name: str) -> Any:
    value = attribute(node, name)
    if value is None:
        raise InvalidModelError(f"{_named(node)} has no attribute {name}")
    return value


def _constant(node: onnx.NodeProto, name: str, values: list[Any], element: int) -> onnx.NodeProto:
    tensor = helper.make_tensor(name, element, [len(values)], values)
    return helper.make_node("Constant", [], [f"{node.output[0]}/{name}"], value=tensor)


def _for_inference(node: onnx.NodeProto, _opset: int) -> list[onnx.NodeProto]:
    """Require the form for inference, which later versions know by the number of outputs."""
    if not attribute(node, "is_test", 0) or len([name for name in node.output if name]) > 1:
        raise InvalidModelError(f"{_named(node)} is in its form for training")
    if not attribute(node, "spatial", 1):
        raise UnsupportedError("BatchNormalization with spatial = 0 has no later form")
    drop(node, "is_test", "spatial")
    del node.output[1:]
    return [node]


def _reshape(node: onnx.NodeProto, opset: int) -> list[onnx.NodeProto]:
    if opset >= 5:
        return [node]
    shape = _constant(node, "shape", list(_required(node, "shape")), onnx.TensorProto.INT64)
    drop(node, "shape")
    node.input.append(shape.output[0])
    return [shape, node]


def _cast(node: onnx.NodeProto, opset: int) -> list[onnx.NodeProto]:
    if opset < 6:
        element = number_of_type(_required(node, "to"))
        drop(node, "to")
        node.attribute.append(helper.make_attribute("to", element))
    return [node]


def _concat(node: onnx.NodeProto, opset: int) -> list[onnx.NodeProto]:
    if opset < 4 and attribute(node, "axis") is None:
        node.attribute.append(helper.make_attribute("axis", 1))
    return [node]


def _upsample(node: onnx.NodeProto, _opset: int) -> list[onnx.NodeProto]:
    factors = [1.0, 1.0, _required(node, "height_scale"), _required(node, "width_scale")]
    scales = _constant(node, "scales", factors, onnx.TensorProto.FLOAT)
    drop(node, "height_scale", "width_scale")
    node.input.append(scales.output[0])
    return [scales, node]


def _recurrent(node: onnx.NodeProto, _opset: int) -> list[onnx.NodeProto]:
    """Later versions know by the name of the first output whether it is wanted."""
    if not attribute(node, "output_sequence", 0) and node.output and node.output[0]:
        raise InvalidModelError(f"{_named(node)} has a first output, but no output_sequence to ask for it")
    drop(node, "output_sequence")
    return [node]


def _tile(node: onnx.NodeProto, opset: int) -> list[onnx.NodeProto]:
    """Copies along one axis as copies along each: a row with the number at its place among ones."""
    if opset >= 6:
        return [node]
    data, count, axis = node.input
    name, whole = node.output[0], onnx.TensorProto.INT64
    one = _constant(node, "one", [1], whole)
    steps: list[tuple[str, list[str], str, dict[str, Any]]] = [
        ("Cast", [axis], "axis", {"to": whole}),
        ("Reshape", [f"{name}/axis", one.output[0]], "place", {}),
        ("Cast", [count], "count", {"to": whole}),
        ("Reshape", [f"{name}/count", one.output[0]], "number", {}),
        ("Concat", [one.output[0], f"{name}/number"], "values", {"axis": 0}),
        ("Shape", [data], "lengths", {}),
        ("Shape", [f"{name}/lengths"], "rank", {}),
        ("OneHot", [f"{name}/place", f"{name}/rank", f"{name}/values"], "row", {}),
        ("Squeeze", [f"{name}/row"], "repeats", {"axes": [0]}),
    ]
    made = [helper.make_node(kind, inputs, [f"{name}/{to}"], **given) for kind, inputs, to, given in steps]
    del node.input[1:]
    node.input.append(f"{name}/repeats")
    return [one, *made, node]


_RULES: dict[str, Callable[[onnx.NodeProto, int], list[onnx.NodeProto]]] = {
    "BatchNormalization": _for_inference,
    "Cast": _cast,
    "Concat": _concat,
    "Dropout": _for_inference,
    "GRU": _recurrent,
    "LSTM": _recurrent,
    "RNN": _recurrent,
    "Reshape": _reshape,
    "Tile": _tile,
    "Upsample": _upsample,
}
