"""Equal: floats and all integers since 11, bools and 32 and 64 bit integers before."""

from __future__ import annotations

import onnx_ir as ir

from opsets.families.arithmetic import is_number
from opsets.families.integers import is_integer
from opsets.registry import adapts
from opsets.rewrite import Rewrite

_WIDER = {
    ir.DataType.INT8: ir.DataType.INT32,
    ir.DataType.UINT8: ir.DataType.INT32,
    ir.DataType.INT16: ir.DataType.INT32,
    ir.DataType.UINT16: ir.DataType.INT32,
    ir.DataType.UINT32: ir.DataType.INT64,
}


@adapts("Equal", 11, 10)
def equal_11_to_10(rewrite: Rewrite) -> None:
    """Exact: integers in a wider type; floats are equal where none is less and their sum is a number.

    The sum of two infinities of one sign is a number; of both signs it is not, nor are they equal.
    """
    a, b = rewrite.required(0), rewrite.required(1)
    if a.dtype in (ir.DataType.BOOL, ir.DataType.INT32, ir.DataType.INT64):
        return
    if a.dtype in _WIDER:
        wide = [rewrite.add("Cast", [value], {"to": int(_WIDER[a.dtype])}) for value in (a, b)]
        rewrite.replace(rewrite.add("Equal", wide))
        return
    unequal = rewrite.add("Or", [rewrite.add("Less", [a, b]), rewrite.add("Greater", [a, b])])
    same = rewrite.add("Not", [unequal])
    if not is_integer(a):
        same = rewrite.add("And", [same, is_number(rewrite, rewrite.add("Add", [a, b]))])
    rewrite.replace(same)
