"""Gemm: C is optional since 11, integers since 9, and C is copied by numpy's rules since 7.

13 changed only the accepted types.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from opsets.facts.lengths import Length
from opsets.families.broadcasting import binary
from opsets.families.copies import spread, without_axes
from opsets.families.integers import in_double, is_integer
from opsets.registry import adapts, alike
from opsets.rewrite import Rewrite


@adapts("Gemm", 11, 10)
def gemm_11_to_10(rewrite: Rewrite) -> None:
    """A C of zeros where there is none."""
    if rewrite.input(2) is None:
        rewrite.set_input(2, _zeros(rewrite))


@adapts("Gemm", 9, 8)
def gemm_9_to_8(rewrite: Rewrite) -> None:
    """Integers are multiplied as doubles: exact while every sum stays below 2**53, and no longer modular."""
    if is_integer(rewrite.required(0)):
        in_double(rewrite)


@adapts("Gemm", 7, 6)
def gemm_7_to_6(rewrite: Rewrite) -> None:
    """``broadcast`` copies C along the rows; a C of one column is added afterwards."""
    bias = rewrite.required(2)
    rows, columns = _lengths(rewrite)
    own = rewrite.lengths(bias)
    if own == [rows, columns]:
        return
    if len(own) == 2 and own[0] != 1:
        _column_added(rewrite, bias)
        return
    bias = without_axes(rewrite, bias, range(len(own) - 1))
    if isinstance(columns, int) and rewrite.lengths(bias) != [columns]:
        bias = spread(rewrite, bias, [columns])
    if bias is not rewrite.required(2):
        rewrite.set_input(2, bias)
    rewrite.set_attribute("broadcast", 1)


alike("Gemm", 6, 5, "the older description lets a runtime write over C, which no result shows")


def _lengths(rewrite: Rewrite) -> tuple[Length, Length]:
    """The numbers of rows and columns of the product."""
    first, second = rewrite.lengths(rewrite.required(0)), rewrite.lengths(rewrite.required(1))
    return first[rewrite.integer("transA", 0)], second[1 - rewrite.integer("transB", 0)]


def _zeros(rewrite: Rewrite) -> ir.Value:
    columns = _lengths(rewrite)[1]
    length = columns if isinstance(columns, int) else 1
    return rewrite.initializer(np.zeros(length, dtype=rewrite.kind(rewrite.required(0))), "zeros")


def _column_added(rewrite: Rewrite, bias: ir.Value) -> None:
    """``alpha * A @ B + beta * C`` by Gemm without C, Mul and Add."""
    data, beta = rewrite.required(0), rewrite.real("beta", 1.0)
    attributes = {**rewrite.node.attributes, "broadcast": 1}
    attributes.pop("beta", None)
    product = rewrite.add("Gemm", [data, rewrite.required(1), _zeros(rewrite)], attributes)
    product.shape = rewrite.node.outputs[0].shape
    if beta != 1.0:
        bias = binary(rewrite, "Mul", bias, rewrite.number(beta, data, "beta"))
    rewrite.replace(binary(rewrite, "Add", product, bias))


@adapts("Gemm", 6, 7)
def gemm_6_to_7(rewrite: Rewrite) -> None:
    """What ``broadcast`` copies, numpy's rules copy."""
    rewrite.drop_attribute("broadcast")
