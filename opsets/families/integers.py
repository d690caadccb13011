"""Arithmetic on integers where the older form takes floats only: in double, exact up to 2**53."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import onnx_ir as ir

from opsets.rewrite import Rewrite


def is_integer(value: ir.Value) -> bool:
    """Whether the elements of ``value`` are integers of any width; bools are none."""
    return value.dtype is not None and value.dtype.is_integer()


def as_double(rewrite: Rewrite, value: ir.Value) -> ir.Value:
    """``value`` as float64; exact for integers up to 2**53."""
    return rewrite.add("Cast", [value], {"to": int(ir.DataType.DOUBLE)})


def as_type_of(rewrite: Rewrite, value: ir.Value, like: ir.Value) -> ir.Value:
    """``value`` in the type of ``like``; a double that stands for an integer is one already."""
    assert like.dtype is not None
    return rewrite.add("Cast", [value], {"to": int(like.dtype)})


def in_double(rewrite: Rewrite, attributes: Mapping[str, Any] | None = None) -> None:
    """Compute the node's operator in double and cast its one output back to the type of the first input."""
    replace_in_double(rewrite, attributes)
    operator, opset = rewrite.node.op_type, rewrite.opset + 1
    rewrite.bound(f"{operator} of integers below {opset}: exact while every sum stays below 2**53")


def replace_in_double(rewrite: Rewrite, attributes: Mapping[str, Any] | None = None) -> None:
    """As :func:`in_double`, for operators whose own bound the caller knows."""
    node = rewrite.node
    inputs = [None if value is None else as_double(rewrite, value) for value in node.inputs]
    result = rewrite.add(node.op_type, inputs, dict(node.attributes) if attributes is None else attributes)
    rewrite.replace(as_type_of(rewrite, result, rewrite.required(0)))
