"""Types and shapes of one node's outputs, asked of the onnx package node by node.

Lengths that are not known are symbols, so that two that are equal can be told: a batch that is
flattened into windows and taken apart again is the same batch. The arithmetic is sympy's.
"""

from __future__ import annotations

from collections.abc import Mapping

import onnx
import onnx_ir as ir
import sympy  # type: ignore[import-untyped]

from opsets.facts.asking import Inferred, OnnxInference
from opsets.facts.foreign import own_name
from opsets.facts.lengths import Length, symbol
from opsets.facts.shape_rules import RULES
from opsets.facts.versions import schema_at

_OF_FIRST_INPUT_NAMES = (
    "Abs Add BatchNormalization Ceil Clip Div Dropout Elu Exp Floor GroupNormalization HardSigmoid "
    "InstanceNormalization LeakyRelu Log Max Mean MeanVarianceNormalization Min Mul Neg PRelu Pow Reciprocal "
    "Relu Selu Sigmoid Sqrt Sub Sum Tanh ai.onnx.ml.Imputer ai.onnx.ml.Normalizer ai.onnx.ml.Scaler"
)
_OF_FIRST_INPUT = frozenset(_OF_FIRST_INPUT_NAMES.split())
"""Operators of which some form, mostly the oldest, has no inference: the output is like the first input."""

_NEED_NO_INFERENCE = frozenset(("Flatten", "Reshape"))
"""Operators whose results follow from the lengths alone, in whatever state the types are."""

_INFERRED_AS = {"GreaterOrEqual": "Greater", "LessOrEqual": "Less"}
"""Operators of which some form has no inference, and others that are inferred alike."""


class ShapeInference:
    """The types and shapes of nodes at ``opset``, and the lengths that stand for symbols.

    ``domains`` are the versions of the foreign domains, whose nodes are inferred where onnx knows them.
    """

    def __init__(self, opset: int, domains: Mapping[str, int] | None = None) -> None:
        self.opset = opset
        self._domains = dict(domains or {})
        self._onnx = OnnxInference(self._domains)
        self._expressions: dict[str, Length] = {}
        self._equal: dict[Length, Length] = {}

    def length(self, value: ir.Value, axis: int) -> Length:
        """The length of ``axis`` of ``value``, whose rank is known."""
        assert value.shape is not None
        entry = value.shape[axis]
        if isinstance(entry, int):
            return entry
        name = entry.value
        if name is None:
            return self._named(value, axis)
        return self._settled(self._expressions.get(name, symbol(name)))

    def take_as_equal(self, first: Length, second: Length) -> Length:
        """From now on two open lengths, and the larger of them, are the simpler one, which is returned."""
        kept, other = sorted((first, second), key=lambda length: (length.count_ops(), str(length)))
        self._equal |= {other: kept, sympy.Max(kept, other): kept}
        return kept

    def _settled(self, length: Length) -> Length:
        """``length`` with what is taken as equal replaced; each time it becomes simpler."""
        replaced = length.xreplace(self._equal) if self._equal else length
        return length if replaced == length else self._settled(replaced)

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
        for value, inferred in zip(node.outputs, self._onnx.outputs(schema, node, self.opset), strict=False):
            if inferred is not None:
                self._merge(value, inferred)
        self._correct(node)
        self._name_unknown(node)

    def _schema(self, node: ir.Node) -> onnx.defs.OpSchema | None:
        if node.domain:
            return schema_at(own_name(node), self._domains.get(node.domain, 0), node.domain)
        return schema_at(_INFERRED_AS.get(node.op_type, node.op_type), self.opset)

    def _merge(self, value: ir.Value, inferred: Inferred) -> None:
        kind, shape = inferred.kind, inferred.shape
        if kind is not None and (value.type is None or getattr(kind, "dtype", True)):
            value.type = kind
        if shape is None:
            return
        known = value.shape if value.shape is not None and len(value.shape) == len(shape) else shape
        value.shape = ir.Shape([old if new is None else new for old, new in zip(known, shape, strict=True)])

    def _correct(self, node: ir.Node) -> None:
        """What onnx's inference leaves open and follows from the lengths."""
        first = node.inputs[0] if node.inputs else None
        output = node.outputs[0] if node.outputs else None
        if first is None or output is None:
            return
        if output.shape is None and node.op_type in _OF_FIRST_INPUT:
            output.type = output.type or first.type
            known = all(value is None or value.shape is not None for value in node.inputs)
            if known or node.op_type not in RULES:  # a second operand may have more axes
                output.shape = first.shape
        rule = RULES.get(node.op_type)
        if rule is None or (output.shape is None and node.op_type not in _NEED_NO_INFERENCE):
            return
        given = [
            None if value is None or value.shape is None else self.lengths(value) for value in node.inputs
        ]
        found = rule(node, given, self.opset)
        if found is None or (output.shape is not None and len(output.shape) != len(found)):
            return
        if node.op_type == "Slice":  # of an axis of open length onnx takes a part for the whole
            found = [self._named(output, axis) if new is None else new for axis, new in enumerate(found)]
        inferred = [None] * len(found) if output.shape is None else list(output.shape)
        output.type = output.type or first.type
        output.shape = ir.Shape(
            [
                old if isinstance(old, int) or new is None else self._dimension(new)
                for old, new in zip(inferred, found, strict=True)
            ]
        )

    def _named(self, value: ir.Value, axis: int) -> Length:
        """A length that nothing else is known to have."""
        return symbol(f"{value.name}[{axis}]")

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
