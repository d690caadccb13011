"""Types and shapes of one node's outputs, asked of the onnx package node by node.

Lengths that are not known are symbols, so that two that are equal can be told: a batch that is
flattened into windows and taken apart again is the same batch. The arithmetic is sympy's.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, reduce
from operator import mul
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import sympy  # type: ignore[import-untyped]
from onnx.shape_inference import InferenceError, infer_node_outputs

from opsets.facts.foreign import has_map, own_name
from opsets.facts.versions import schema_at

Length = Any
"""The length of an axis: an int, or a sympy expression of positive integers."""

_LARGEST_DATA = 4096
"""Elements of a constant that inference may look into; it looks for shapes, axes and scales only."""

_FAR = np.iinfo(np.int32).max
"""An end of a Slice that no axis reaches."""

_OF_FIRST_INPUT_NAMES = (
    "Abs Add BatchNormalization Ceil Clip Div Dropout Elu Exp Floor GroupNormalization HardSigmoid "
    "InstanceNormalization LeakyRelu Log Max Mean MeanVarianceNormalization Min Mul Neg PRelu Pow Reciprocal "
    "Relu Selu Sigmoid Sqrt Sub Sum Tanh ai.onnx.ml.Imputer ai.onnx.ml.Normalizer ai.onnx.ml.Scaler"
)
_OF_FIRST_INPUT = frozenset(_OF_FIRST_INPUT_NAMES.split())
"""Operators of which some form, mostly the oldest, has no inference: the output is like the first input."""

_INFERRED_AS = {"GreaterOrEqual": "Greater", "LessOrEqual": "Less"}
"""Operators of which some form has no inference, and others that are inferred alike."""


@cache
def _symbol(name: str) -> Length:
    return sympy.Symbol(name, integer=True, positive=True)


class ShapeInference:
    """The types and shapes of nodes at ``opset``, and the lengths that stand for symbols.

    ``domains`` are the versions of the foreign domains, whose nodes are inferred where onnx knows them.
    """

    def __init__(self, opset: int, domains: Mapping[str, int] | None = None) -> None:
        self.opset = opset
        self._domains = dict(domains or {})
        self._expressions: dict[str, Length] = {}

    def length(self, value: ir.Value, axis: int) -> Length:
        """The length of ``axis`` of ``value``, whose rank is known."""
        assert value.shape is not None
        entry = value.shape[axis]
        if isinstance(entry, int):
            return entry
        name = entry.value
        if name is None:
            name = f"{value.name}[{axis}]"
            return _symbol(name)
        return self._expressions.get(name, _symbol(name))

    def lengths(self, value: ir.Value) -> list[Length]:
        """The length of every axis of ``value``, whose rank is known."""
        assert value.shape is not None
        return [self.length(value, axis) for axis in range(len(value.shape))]

    def shape(self, lengths: list[Length]) -> ir.Shape:
        """The shape with these lengths."""
        return ir.Shape([self._dimension(length) for length in lengths])

    def infer(self, node: ir.Node) -> None:
        """Set the types and shapes of the outputs of ``node``, as far as they follow from its inputs."""
        schema = self._schema(node)
        if schema is None:
            return
        for name, proto in self._asked(schema, node).items():
            value = next((value for value in node.outputs if value.name == name), None)
            if value is not None:
                self._merge(value, proto)
        self._correct(node)
        self._name_unknown(node)

    def _schema(self, node: ir.Node) -> onnx.defs.OpSchema | None:
        if node.domain:
            return schema_at(own_name(node), self._domains.get(node.domain, 0), node.domain)
        return schema_at(_INFERRED_AS.get(node.op_type, node.op_type), self.opset)

    def _asked(self, schema: onnx.defs.OpSchema, node: ir.Node) -> dict[str, onnx.TypeProto]:
        inputs = [value for value in node.inputs if value is not None]
        if any(
            attribute.type in (ir.AttributeType.GRAPH, ir.AttributeType.GRAPHS)
            for attribute in node.attributes.values()
        ):
            return {}
        if any(value.type is None for value in inputs):
            return {}
        types = {str(value.name): _type_proto(value) for value in inputs}
        data = {
            str(value.name): ir.serde.serialize_tensor(value.const_value)
            for value in inputs
            if value.const_value is not None and value.const_value.size <= _LARGEST_DATA
        }
        try:
            versions = {**self._domains, "": self.opset}
            imports = [onnx.helper.make_opsetid(domain, version) for domain, version in versions.items()]
            return dict(
                infer_node_outputs(schema, ir.serde.serialize_node(node), types, data, opset_imports=imports)
            )
        except (InferenceError, onnx.checker.ValidationError, RuntimeError):
            return {}  # the checker has the last word on the whole model

    def _merge(self, value: ir.Value, proto: onnx.TypeProto) -> None:
        if has_map(proto):
            return
        kind = ir.serde.deserialize_type_proto_for_type(proto)
        if kind is not None and (value.type is None or getattr(kind, "dtype", True)):
            value.type = kind
        shape = ir.serde.deserialize_type_proto_for_shape(proto)
        if shape is None:
            return
        if value.shape is not None and len(value.shape) == len(shape):
            known = [
                old if isinstance(new, ir.SymbolicDim) and new.value is None else new
                for old, new in zip(value.shape, shape, strict=True)
            ]
            shape = ir.Shape(known)
        value.shape = shape

    def _correct(self, node: ir.Node) -> None:
        """What onnx's inference leaves open and follows from the lengths."""
        first = node.inputs[0] if node.inputs else None
        output = node.outputs[0] if node.outputs else None
        if first is None or output is None:
            return
        if output.shape is None and node.op_type in _OF_FIRST_INPUT:
            output.type, output.shape = output.type or first.type, first.shape
        elif node.op_type == "Reshape" and first.shape is not None:
            wanted = self._reshape_target(node)
            if wanted is not None:
                output.type, output.shape = first.type, self.shape(reshaped(self.lengths(first), wanted))
        elif node.op_type == "Slice" and first.shape is not None and output.shape is not None:
            output.shape = self.shape(self._sliced(node, first))
        elif node.op_type == "Flatten" and first.shape is not None:
            output.shape = self.shape(_flattened(node, self.lengths(first)))
        elif node.op_type in ("Upsample", "Resize", "Pad", "Tile") and output.shape and first.shape:
            # An axis that is not touched keeps its symbol.
            keep = self._untouched(node, len(first.shape))
            output.shape = ir.Shape(
                [
                    old if index in keep else new
                    for index, (old, new) in enumerate(zip(first.shape, output.shape, strict=True))
                ]
            )

    def _sliced(self, node: ir.Node, source: ir.Value) -> list[Length]:
        """The lengths after a Slice; of an axis of open length onnx takes a part for the whole."""
        lengths: list[Length] = self.lengths(source)
        starts, ends = _numbers(node, "starts", 1), _numbers(node, "ends", 2)
        axes = [int(axis) for axis in _numbers(node, "axes", 3)] or list(range(len(starts)))
        steps = _numbers(node, "steps", 4) or [1] * len(starts)
        output = node.outputs[0]
        assert output.shape is not None
        result = [
            entry if isinstance(entry, int) else lengths[axis] for axis, entry in enumerate(output.shape)
        ]
        if not len(starts) == len(ends) == len(axes) == len(steps):
            return [_symbol(f"{output.name}[{axis}]") for axis in range(len(lengths))]
        for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
            if isinstance(lengths[axis], int) or (start == 0 and end >= _FAR and step == 1):
                continue
            one = step == 1 and ((start, end) == (0, 1) or (start == -1 and end >= _FAR))
            result[axis] = 1 if one else _symbol(f"{output.name}[{axis % len(lengths)}]")
        return result

    def _reshape_target(self, node: ir.Node) -> list[int] | None:
        if "shape" in node.attributes:
            return list(node.attributes["shape"].as_ints())
        target = node.inputs[1] if len(node.inputs) > 1 else None
        if target is None or target.const_value is None:
            return None
        zero = node.attributes.get("allowzero")
        if zero is not None and zero.as_int():
            return None
        return [int(entry) for entry in target.const_value.numpy().reshape(-1)]

    def _untouched(self, node: ir.Node, rank: int) -> set[int]:
        if node.op_type == "Pad":
            pads = _numbers(node, "pads", 1)
            return {
                axis for axis in range(rank) if len(pads) == 2 * rank and pads[axis] == pads[axis + rank] == 0
            }
        index = {"Resize": 2 if self.opset >= 11 else 1}.get(node.op_type, 1)
        scales = _numbers(node, "scales", index)
        return {axis for axis in range(rank) if len(scales) == rank and scales[axis] == 1}

    def _name_unknown(self, node: ir.Node) -> None:
        for value in node.outputs:
            if value.shape is not None and any(
                d.value is None for d in value.shape if isinstance(d, ir.SymbolicDim)
            ):
                value.shape = self.shape(self.lengths(value))

    def _dimension(self, length: Length) -> int | ir.SymbolicDim:
        if isinstance(length, int) or length.is_Integer:
            return int(length)
        name = str(length)
        self._expressions[name] = length
        return ir.SymbolicDim(name)


def _flattened(node: ir.Node, lengths: list[Length]) -> list[Length]:
    attribute = node.attributes.get("axis")
    axis = 1 if attribute is None else attribute.as_int()
    return [reduce(mul, part, 1) for part in (lengths[:axis], lengths[axis:])]


def reshaped(lengths: list[Length], target: list[int]) -> list[Length]:
    """The lengths after a Reshape: 0 copies the input's, -1 is what is left."""
    result = [
        lengths[index] if entry == 0 and index < len(lengths) else entry for index, entry in enumerate(target)
    ]
    if -1 in target:
        rest = reduce(mul, (entry for entry in result if not (isinstance(entry, int) and entry == -1)), 1)
        total = reduce(mul, lengths, 1)
        result[target.index(-1)] = quotient(total, rest)
    return result


def quotient(total: Length, part: Length) -> Length:
    """``total`` divided by ``part``, rounded down, as an int where it is one."""
    if isinstance(total, int) and isinstance(part, int):
        return total // part if part else 0
    result = sympy.floor(total / part)
    return int(result) if result.is_Integer else result


def _numbers(node: ir.Node, attribute: str, index: int) -> list[float]:
    if attribute in node.attributes:
        return [float(entry) for entry in node.attributes[attribute].value]
    value = node.inputs[index] if index < len(node.inputs) else None
    if value is None or value.const_value is None:
        return []
    return [float(entry) for entry in value.const_value.numpy().reshape(-1)]


def _type_proto(value: ir.Value) -> onnx.TypeProto:
    assert value.type is not None
    proto = ir.serde.serialize_type(value.type)
    if value.shape is not None:
        ir.serde.serialize_shape_into(proto, value.shape)
    return proto
