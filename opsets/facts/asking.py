"""What the onnx package infers of one node, each question put to it once.

A network asks the same of many nodes: its blocks repeat. Names decide nothing but where types and
lengths come from, so two nodes that differ in names alone have the same answer.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import onnx
import onnx_ir as ir
from onnx.shape_inference import InferenceError, infer_node_outputs

from opsets.facts.foreign import has_map

_LARGEST_DATA = 4096
"""Elements of a constant that inference may look into; it looks for shapes, axes and scales only."""

_WHOLE = frozenset((ir.DataType.INT64, ir.DataType.INT32, ir.DataType.INT16, ir.DataType.BOOL))
"""Types of the constants that it looks into: other integers are data."""

_REAL_LENGTHS = frozenset(("Range", "Resize", "Upsample"))
"""The operators of which it looks into constants of other types too, as these decide lengths."""

_GRAPHS = frozenset((ir.AttributeType.GRAPH, ir.AttributeType.GRAPHS))

Dimension = int | str | None
"""A length: known, by its symbol, or open."""


@dataclass(frozen=True)
class Inferred:
    """What is known of one output, as far as it is."""

    kind: ir.TypeProtocol | None
    shape: tuple[Dimension, ...] | None


class OnnxInference:
    """The answers of ``onnx.shape_inference`` for nodes of ``domains`` and of the default domain."""

    def __init__(self, domains: Mapping[str, int]) -> None:
        self._domains = domains
        self._answers: dict[Hashable, tuple[Inferred | None, ...]] = {}

    def outputs(self, schema: onnx.defs.OpSchema, node: ir.Node, opset: int) -> Sequence[Inferred | None]:
        """Of each output of ``node`` what follows from its inputs by ``schema``; empty where nothing does."""
        if any(attribute.type in _GRAPHS for attribute in node.attributes.values()):
            return ()
        if any(value is not None and value.type is None for value in node.inputs):
            return ()
        data = [self._data(node, value) for value in node.inputs]
        question = (
            *(schema.domain, schema.name, opset),
            tuple([_signature(value) for value in node.inputs]),
            tuple([None if tensor is None else tensor.tobytes() for tensor in data]),
            tuple([(each.name, each.type, _content(each)) for each in node.attributes.values()]),
            tuple([bool(value.name) for value in node.outputs]),
        )
        answer = self._answers.get(question)
        if answer is None:
            answer = self._answers[question] = self._asked(schema, node, data, opset)
        return answer

    @staticmethod
    def _data(node: ir.Node, value: ir.Value | None) -> ir.TensorProtocol | None:
        """The constant that ``value`` is, if inference may look into it."""
        tensor = None if value is None else value.const_value
        if tensor is None or not (tensor.dtype in _WHOLE or node.op_type in _REAL_LENGTHS or node.domain):
            return None
        is_text = tensor.dtype == ir.DataType.STRING
        return None if is_text or tensor.size > _LARGEST_DATA else tensor

    def _asked(
        self,
        schema: onnx.defs.OpSchema,
        node: ir.Node,
        data: Sequence[ir.TensorProtocol | None],
        opset: int,
    ) -> tuple[Inferred | None, ...]:
        versions = {**self._domains, "": opset}
        try:
            found = infer_node_outputs(
                schema,
                ir.serde.serialize_node(node),
                {str(value.name): _type_proto(value) for value in node.inputs if value is not None},
                {
                    str(value.name): ir.serde.serialize_tensor(tensor)
                    for value, tensor in zip(node.inputs, data, strict=True)
                    if value is not None and tensor is not None
                },
                opset_imports=[onnx.helper.make_opsetid(*version) for version in versions.items()],
            )
        except (InferenceError, onnx.checker.ValidationError, RuntimeError):
            return ()  # the checker has the last word on the whole model
        return tuple([_inferred(found.get(str(value.name))) for value in node.outputs])


def _signature(value: ir.Value | None) -> Hashable:
    """The type and shape of an input."""
    if value is None:
        return None
    kind = value.type.dtype if type(value.type) is ir.TensorType else repr(value.type)
    if value.shape is None:
        return kind
    return kind, tuple([axis if isinstance(axis, int) else axis.value for axis in value.shape])


def _content(attribute: ir.Attr) -> Hashable:
    if attribute.type == ir.AttributeType.TENSOR:
        return bytes(ir.serde.serialize_tensor(attribute.value).SerializeToString())
    if isinstance(attribute.value, int | float | str) or attribute.type in _LISTS:
        return attribute.value  # type: ignore[no-any-return]
    return bytes(ir.serde.serialize_attribute(attribute).SerializeToString())


_LISTS = frozenset((ir.AttributeType.INTS, ir.AttributeType.FLOATS, ir.AttributeType.STRINGS))


def _type_proto(value: ir.Value) -> onnx.TypeProto:
    assert value.type is not None
    proto = ir.serde.serialize_type(value.type)
    if value.shape is not None:
        ir.serde.serialize_shape_into(proto, value.shape)
    return proto


def _inferred(proto: onnx.TypeProto | None) -> Inferred | None:
    """``proto`` for our graph, which has no maps."""
    if proto is None or has_map(proto):
        return None
    shape = ir.serde.deserialize_type_proto_for_shape(proto)
    return Inferred(
        ir.serde.deserialize_type_proto_for_type(proto),
        None if shape is None else tuple(axis if isinstance(axis, int) else axis.value for axis in shape),
    )
