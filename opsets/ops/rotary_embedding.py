"""RotaryEmbedding: new at 23."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("RotaryEmbedding", 23, 22)
def rotary_embedding_23_to_22(rewrite: Rewrite) -> None:
    """Each pair of numbers turned by its angle, as the operator's text has it: halves or neighbours.

    With the heads along the second of four axes the steps in time stay where they are, and the angles
    get an axis for the heads.
    """
    data = rewrite.required(0)
    packed = rewrite.rank(data) == len(("batch", "steps", "size"))
    if packed:  # (batch, steps, heads, size)
        heads = rewrite.integer("num_heads", 0)
        if not heads:
            raise CannotAdapt("its input has three axes, and the number of heads is not given")
        value = _reshaped(rewrite, data, [0, 0, heads, -1], "heads")
    else:
        value = data
    size = rewrite.length(value, 3)
    turned = rewrite.integer("rotary_embedding_dim", 0) or size
    cosine, sine = (_angles(rewrite, index, 2 if packed else 1) for index in (1, 2))
    interleaved = bool(rewrite.integer("interleaved", 0))
    first, second = _pairs(rewrite, value, turned, interleaved)
    real = _of_products(rewrite, "Sub", (cosine, first), (sine, second))
    imaginary = _of_products(rewrite, "Add", (sine, first), (cosine, second))
    result = _together(rewrite, real, imaginary, turned, interleaved)
    if turned < size:
        rest = _part(rewrite, value, turned, size)
        result = rewrite.add("Concat", [result, rest], {"axis": -1})
    if packed:
        result = _reshaped(rewrite, result, [0, 0, -1], "packed")
    rewrite.replace(result)


def _reshaped(rewrite: Rewrite, value: ir.Value, target: list[int], purpose: str) -> ir.Value:
    return rewrite.add("Reshape", [value, rewrite.initializer(np.array(target, dtype=np.int64), purpose)])


def _angles(rewrite: Rewrite, index: int, axis: int) -> ir.Value:
    """Sines or cosines of each step, with an axis of length 1 for the heads at ``axis``."""
    value, places = rewrite.required(index), rewrite.input(3)
    if places is not None:
        value = rewrite.add("Gather", [value, places], {"axis": 0})
    return rewrite.add("Unsqueeze", [value, rewrite.initializer(np.array([axis], dtype=np.int64), "axis")])


def _part(rewrite: Rewrite, value: ir.Value, start: int, end: int, step: int = 1) -> ir.Value:
    """Every ``step``-th number along the last axis."""
    bounds = [
        rewrite.initializer(np.array([number], dtype=np.int64), purpose)
        for number, purpose in ((start, "start"), (end, "end"), (3, "axis"), (step, "step"))
    ]
    return rewrite.add("Slice", [value, *bounds])


def _pairs(rewrite: Rewrite, value: ir.Value, turned: int, interleaved: bool) -> tuple[ir.Value, ir.Value]:
    """The first and the second number of each pair among the first ``turned``."""
    if interleaved:
        return _part(rewrite, value, 0, turned, 2), _part(rewrite, value, 1, turned, 2)
    return _part(rewrite, value, 0, turned // 2), _part(rewrite, value, turned // 2, turned)


def _of_products(
    rewrite: Rewrite, operator: str, one: tuple[ir.Value, ir.Value], other: tuple[ir.Value, ir.Value]
) -> ir.Value:
    """``operator`` of two products."""
    return rewrite.add(operator, [rewrite.add("Mul", one), rewrite.add("Mul", other)])


def _together(
    rewrite: Rewrite, real: ir.Value, imaginary: ir.Value, turned: int, interleaved: bool
) -> ir.Value:
    """The numbers of each pair at the places that they came from."""
    if not interleaved:
        return rewrite.add("Concat", [real, imaginary], {"axis": -1})
    last = rewrite.initializer(np.array([-1], dtype=np.int64), "last")
    columns = [rewrite.add("Unsqueeze", [value, last]) for value in (real, imaginary)]
    joined = rewrite.add("Concat", columns, {"axis": -1})
    return _reshaped(rewrite, joined, [0, 0, 0, turned], "pairs")
