"""The reductions: axes are an input since 18, of ReduceSum since 13."""

from __future__ import annotations

from opsets.families.axes import reduction
from opsets.registry import adapts

for operator in ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "SumSquare"):
    adapts(f"Reduce{operator}", 18, 17)(reduction)
adapts("ReduceSum", 13, 12)(reduction)
