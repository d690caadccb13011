"""Range: new at 11; half floats, counted in ``stash_type``, since 27."""

from __future__ import annotations

import onnx_ir as ir

from opsets.families.counting import first_places
from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("Range", 11, 10)
def range_11_to_10(rewrite: Rewrite) -> None:
    """The places of a tensor that is as long, times the step, plus the start: no constant is needed."""
    start, limit, delta = (rewrite.required(index) for index in range(3))
    double, whole = {"to": int(ir.DataType.DOUBLE)}, {"to": int(ir.DataType.INT64)}
    span = rewrite.add("Cast", [rewrite.add("Sub", [limit, start])], double)
    steps = rewrite.add("Div", [span, rewrite.add("Cast", [delta], double)])
    # The older Ceil of a runtime may take float32 only: -floor(-x) by casts would cut towards zero.
    count = rewrite.add("Cast", [rewrite.add("Ceil", [steps])], whole)
    any_ = rewrite.add("Cast", [rewrite.add("Less", [rewrite.number(0, steps, "none"), steps])], whole)
    count = rewrite.add("Mul", [count, any_])
    length = rewrite.add("Unsqueeze", [count], {"axes": [0]})
    places = first_places(rewrite, length)
    assert start.dtype is not None
    if start.dtype != ir.DataType.INT64:
        places = rewrite.add("Cast", [places], {"to": int(start.dtype)})
    rewrite.replace(rewrite.add("Add", [rewrite.add("Mul", [places, delta]), start]))


@adapts("Range", 27, 26)
def range_27_to_26(rewrite: Rewrite) -> None:
    """``stash_type`` decides nothing but how half floats are counted, types that 26 does not count."""
    rewrite.drop_attribute("stash_type")
