"""CumProd: new at 26."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("CumProd", 26, 25)
def cum_prod_26_to_25(rewrite: Rewrite) -> None:
    """Each number times the product that ends before it: products of 2, 4, 8 and more numbers.

    As many steps as the length of the axis has binary digits; integers are exact, floats are multiplied
    in another order.
    """
    data, axis = rewrite.required(0), rewrite.constant(1, "axis")
    assert axis is not None
    rank = rewrite.rank(data)
    place = int(axis.reshape(-1)[0])
    if not -rank <= place < rank:
        raise CannotAdapt(f"axis {place} does not exist: there are {rank} axes")
    place %= rank
    length, back = rewrite.length(data, place), bool(rewrite.integer("reverse", 0))
    result = _moved(rewrite, data, place, 1, back) if rewrite.integer("exclusive", 0) else data
    reach = 1
    while reach < length:
        result = rewrite.add("Mul", [result, _moved(rewrite, result, place, reach, back)])
        reach *= 2
    if result is data:
        result = rewrite.add("Identity", [data])
    rewrite.replace(result)


def _moved(rewrite: Rewrite, value: ir.Value, axis: int, count: int, back: bool) -> ir.Value:
    """``value`` moved by ``count`` places along ``axis``, ones where nothing was: as Pad does it."""
    pads = np.zeros(2 * rewrite.rank(value), dtype=np.int64)
    before, after = axis, axis + rewrite.rank(value)
    pads[before], pads[after] = (-count, count) if back else (count, -count)
    amounts = rewrite.initializer(pads, "pads")
    return rewrite.add("Pad", [value, amounts, rewrite.number(1, value, "one")])
