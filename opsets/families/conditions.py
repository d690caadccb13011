"""Conditions as numbers, 1 where they hold and 0 elsewhere, without Cast, which few runtimes know below 6."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx_ir as ir

from opsets.families.arithmetic import clip, with_number
from opsets.rewrite import Rewrite


def numbers_of(rewrite: Rewrite, condition: ir.Value) -> ir.Value | None:
    """The float32 numbers of ``condition`` at opset 5 or below, or None where it comes from no comparison.

    Exact but for NaN, which every comparison denies, and for two infinities of one sign: NaN for both.
    """
    array = rewrite.constant_or_none(condition)
    if array is not None:
        return rewrite.initializer(array.astype(np.float32), "mask")
    node = condition.producer()
    inputs = [] if node is None else [value for value in node.inputs if value is not None]
    if node is None or node.op_type not in _RULES:
        return None
    if node.op_type in ("Cast", "Greater", "Less"):
        return _RULES[node.op_type](rewrite, node, inputs) if inputs[0].dtype == ir.DataType.FLOAT else None
    parts = [numbers_of(rewrite, value) if value.dtype == ir.DataType.BOOL else value for value in inputs]
    known = [part for part in parts if part is not None]
    return _RULES[node.op_type](rewrite, node, known) if len(known) == len(parts) else None


def _compared(rewrite: Rewrite, node: ir.Node, operands: list[ir.Value]) -> ir.Value:
    shape = node.outputs[0].shape
    difference = rewrite.add("Sub", operands, node.attributes, shape=shape)
    if node.op_type == "Less":
        difference = rewrite.add("Neg", [difference], shape=shape)
    return _step(rewrite, difference)


def _not_zero(rewrite: Rewrite, node: ir.Node, inputs: list[ir.Value]) -> ir.Value:
    return _step(rewrite, rewrite.add("Abs", inputs, shape=node.outputs[0].shape))


def _moved(rewrite: Rewrite, node: ir.Node, parts: list[ir.Value]) -> ir.Value:
    return rewrite.add(node.op_type, parts, node.attributes, shape=node.outputs[0].shape)


def _step(rewrite: Rewrite, value: ir.Value) -> ir.Value:
    """1 where ``value`` is above 0, however small it is."""
    for _ in range(2):
        value = clip(rewrite, with_number(rewrite, "Mul", value, 1e30, "factor"), 0.0, 1.0)
    return value


def _joined(rewrite: Rewrite, node: ir.Node, parts: list[ir.Value]) -> ir.Value:
    shape = node.outputs[0].shape
    if node.op_type == "Not":
        return with_number(rewrite, "Add", rewrite.add("Neg", parts, shape=shape), 1.0, "one")
    if node.op_type == "And":
        return rewrite.add("Mul", parts, node.attributes, shape=shape)
    if node.op_type == "Or":
        return clip(rewrite, rewrite.add("Add", parts, node.attributes, shape=shape), 0.0, 1.0)
    return rewrite.add("Abs", [rewrite.add("Sub", parts, node.attributes, shape=shape)], shape=shape)


_RULES: dict[str, Callable[[Rewrite, ir.Node, list[ir.Value]], ir.Value]] = {
    "And": _joined,
    "Cast": _not_zero,
    "Concat": _moved,
    "Greater": _compared,
    "Identity": _moved,
    "Less": _compared,
    "Not": _joined,
    "Or": _joined,
    "Reshape": _moved,
    "Slice": _moved,
    "Squeeze": _moved,
    "Transpose": _moved,
    "Unsqueeze": _moved,
    "Xor": _joined,
}
