"""Sum and Mean: numpy's broadcasting since 8, ``consumed_inputs`` below 6."""

from __future__ import annotations

from functools import reduce

from opsets.registry import adapts
from opsets.rewrite import Rewrite


def sum_8_to_7(rewrite: Rewrite) -> None:
    """Operands of several shapes are added one after the other; Mean divides by their number."""
    inputs = [value for value in rewrite.node.inputs if value is not None]
    known = all(value.shape is not None for value in inputs)
    if known and all(rewrite.lengths(value) == rewrite.lengths(inputs[0]) for value in inputs[1:]):
        return
    result = reduce(lambda a, b: rewrite.add("Add", [a, b]), inputs)
    if rewrite.node.op_type == "Mean":
        result = rewrite.add("Div", [result, rewrite.number(len(inputs), inputs[0], "count")])
    rewrite.replace(result)


for operator in ("Sum", "Mean"):
    adapts(operator, 8, 7)(sum_8_to_7)
