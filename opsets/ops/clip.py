"""Clip: integers since 12, bounds are inputs since 11, ``consumed_inputs`` below 6."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from opsets.families.arithmetic import bound_of_double
from opsets.families.integers import as_double, as_type_of, is_integer
from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("Clip", 12, 11)
def clip_12_to_11(rewrite: Rewrite) -> None:
    """Integers as doubles by Max and Min: exact for 32 bits and fewer, and up to 2**53."""
    data = rewrite.required(0)
    if is_integer(data):
        bound_of_double(rewrite)
        result = _by_max_and_min(
            rewrite, [value and as_double(rewrite, value) for value in rewrite.node.inputs]
        )
        rewrite.replace(as_type_of(rewrite, result, data))


@adapts("Clip", 11, 10)
def clip_11_to_10(rewrite: Rewrite) -> None:
    """Constant bounds of float32 become attributes; others are operands of Max and Min. Exact."""
    data = rewrite.required(0)
    numbers = _numbers(rewrite, data)
    if numbers is not None:
        for name, number in numbers.items():
            rewrite.set_attribute(name, number)
        rewrite.keep_inputs(1)
        return
    rewrite.replace(_by_max_and_min(rewrite, list(rewrite.node.inputs)))


def _by_max_and_min(rewrite: Rewrite, inputs: list[ir.Value | None]) -> ir.Value:
    """The first of ``inputs``, raised to the second and lowered to the third where they are given."""
    data, *bounds = inputs
    assert data is not None
    for operator, bound in zip(("Max", "Min"), bounds, strict=False):
        if bound is not None:
            data = rewrite.add(operator, [data, bound])
    return data


def _numbers(rewrite: Rewrite, data: ir.Value) -> dict[str, float] | None:
    """The bounds, where attributes can hold them and mean the same: one lower bound, one upper above it."""
    result = {}
    for name, index in (("min", 1), ("max", 2)):
        bound = rewrite.input(index)
        array = None if bound is None else rewrite.constant_or_none(bound)
        if bound is not None and (array is None or array.size != 1):
            return None
        if array is not None:
            result[name] = float(array.reshape(-1)[0])
    ordered = result.get("min", -np.inf) <= result.get("max", np.inf)
    return result if not result or (ordered and data.dtype == ir.DataType.FLOAT) else None


@adapts("Clip", 6, 5)
def clip_6_to_5(rewrite: Rewrite) -> None:
    """The bounds that are left out are written: below 6 they had no value of their own."""
    limits = np.finfo(np.float32)
    for name, number in (("min", limits.min), ("max", limits.max)):
        if not rewrite.has(name):
            rewrite.set_attribute(name, float(number))


@adapts("Clip", 10, 11)
def clip_10_to_11(rewrite: Rewrite) -> None:
    """Bounds become inputs; of doubles also those left out, which are the largest numbers of float32."""
    data, limits = rewrite.required(0), np.finfo(np.float32)
    for index, (name, limit) in enumerate((("min", limits.min), ("max", limits.max)), 1):
        if rewrite.has(name) or data.dtype == ir.DataType.DOUBLE:
            number = rewrite.number(rewrite.real(name, float(limit)), data, name)
            rewrite.drop_attribute(name)
            rewrite.set_input(index, number)
