"""CumSum: new at 11; 14 changed only the accepted types."""

from __future__ import annotations

import numpy as np

from opsets.errors import CannotAdapt
from opsets.families.matrices import along_axis
from opsets.registry import adapts
from opsets.rewrite import Rewrite

LONGEST = 4096
"""The length of an axis whose sums still are taken by a matrix, of that length squared."""


@adapts("CumSum", 11, 10)
def cum_sum_11_to_10(rewrite: Rewrite) -> None:
    """A product with a triangle of ones: exact but for the order of the sums, and for inf and NaN."""
    data, axis = rewrite.required(0), rewrite.constant(1, "axis")
    assert axis is not None
    place = int(axis.reshape(-1)[0]) % rewrite.rank(data)
    length = rewrite.length(data, place)
    if length > LONGEST:
        raise CannotAdapt(f"it sums over {length} elements, and the matrix for it would have {length}**2")
    # Row i of the result sums the columns up to i; the diagonal is the element itself.
    matrix = np.tri(length, k=-rewrite.integer("exclusive", 0), dtype=rewrite.kind(data))
    if rewrite.integer("reverse", 0):
        matrix = np.ascontiguousarray(matrix[::-1, ::-1])
    rewrite.replace(along_axis(rewrite, data, matrix, place))
    rewrite.bound("CumSum below 11: an inf or a NaN makes every sum of its row NaN")
