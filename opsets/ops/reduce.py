"""The reductions: axes are an input since 18, of ReduceSum since 13, and may be negative since 11."""

from __future__ import annotations

import onnx_ir as ir

from opsets.families.axes import axes_from_back, axes_to_input, reduction
from opsets.families.integers import as_type_of
from opsets.registry import adapts
from opsets.rewrite import Rewrite

for name in ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "SumSquare"):
    adapts(f"Reduce{name}", 18, 17)(reduction)
    adapts(f"Reduce{name}", 11, 10)(axes_from_back)
adapts("ReduceSum", 13, 12)(reduction)
adapts("ReduceSum", 11, 10)(axes_from_back)


def reduce_12_to_11(rewrite: Rewrite) -> None:
    """The largest and the smallest of bytes are found as int32, which holds each of them."""
    data = rewrite.required(0)
    if data.dtype not in (ir.DataType.INT8, ir.DataType.UINT8):
        return
    wide = rewrite.add("Cast", [data], {"to": int(ir.DataType.INT32)})
    result = rewrite.add(rewrite.node.op_type, [wide], dict(rewrite.node.attributes))
    rewrite.replace(as_type_of(rewrite, result, data))


for operator in ("ReduceMax", "ReduceMin"):
    adapts(operator, 12, 11)(reduce_12_to_11)

for name in ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "SumSquare"):
    adapts(f"Reduce{name}", 17, 18)(axes_to_input)
adapts("ReduceSum", 12, 13)(axes_to_input)
