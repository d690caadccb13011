"""Graphs as the walk sees them before it starts."""

from __future__ import annotations

import onnx
import onnx_ir as ir

from opsets.conversion import convert
from opsets.facts.inference import ShapeInference
from opsets.reading import names_in, read_model
from opsets.walk import Walk
from tests.opsets.comparing import assert_same_numbers, constants_of, parse, text_of


def walk_of(opset: int, text: str) -> Walk:
    """The graph ``text`` with the types and shapes that inference finds, nothing folded."""
    model = read_model(parse(opset, text))
    walk = Walk(model, ShapeInference(opset), names_in(model))
    for node in model.graph:
        walk.inference.infer(node)
    return walk


def value_in(walk: Walk, name: str) -> ir.Value:
    made = [value for node in walk.model.graph for value in node.outputs]
    return next(value for value in (*walk.model.graph.inputs, *made) if value.name == name)


def shape_of(walk: Walk, name: str) -> list[int | str | None] | None:
    shape = value_in(walk, name).shape
    return None if shape is None else [axis if isinstance(axis, int) else axis.value for axis in shape]


def simplified(opset: int, text: str) -> onnx.ModelProto:
    """The graph ``text`` after what is done before the first step."""
    return convert(parse(opset, text), opset, opset).model


def operators(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


def assert_simplified(opset: int, before: str, after: str) -> None:
    """``before`` becomes ``after``, with the same numbers; and that stays as it is."""
    result, expected = simplified(opset, before), parse(opset, after)
    assert text_of(result) == text_of(expected)
    assert constants_of(result) == constants_of(expected)
    assert_same_numbers(parse(opset, before), result)
    again = convert(result, opset, opset).model
    assert again.SerializeToString(deterministic=True) == result.SerializeToString(deterministic=True)
