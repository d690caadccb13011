"""Linear maps along one axis, as products with constant matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from opsets.families.axes import swapped
from opsets.rewrite import Rewrite


def along_axis(rewrite: Rewrite, data: ir.Value, matrix: npt.NDArray[Any], axis: int) -> ir.Value:
    """``data`` with the vectors along ``axis`` multiplied by ``matrix``, of shape (new length, old length).

    ``axis`` counts from the front. Exact but for the order of the sums; a product of 0 and inf is NaN.
    """
    rank = rewrite.rank(data)
    if rank > 1 and axis == rank - 2:
        return rewrite.add("MatMul", [rewrite.factors(matrix, "matrix"), data])
    right = rewrite.factors(np.ascontiguousarray(matrix.T), "matrix")
    if axis == rank - 1:
        return rewrite.add("MatMul", [data, right])
    order = swapped(rank, axis, -1)
    moved = rewrite.add("Transpose", [data], {"perm": order})
    return rewrite.add("Transpose", [rewrite.add("MatMul", [moved, right])], {"perm": order})
