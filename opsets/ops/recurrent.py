"""RNN, GRU and LSTM: ``layout`` since 14, ``output_sequence`` until 6; 22 changed only the accepted types."""

from __future__ import annotations

import onnx_ir as ir

from opsets.families.types import WHY
from opsets.registry import adapts, alike
from opsets.rewrite import Rewrite

BATCH_FIRST = [1, 0, 2]


def time_first(rewrite: Rewrite) -> None:
    """Exact: with ``layout`` 1 the batch comes first, and a Transpose brings it where older forms want it."""
    batch_first = rewrite.integer("layout", 0)
    rewrite.drop_attribute("layout")
    if not batch_first:
        return
    inputs: list[ir.Value | None] = list(rewrite.node.inputs)
    for index in (0, 5, 6):  # the data and the initial states
        value = rewrite.input(index)
        if value is not None:
            inputs[index] = rewrite.add("Transpose", [value], {"perm": BATCH_FIRST})
    attributes = {name: attribute.value for name, attribute in rewrite.node.attributes.items()}
    outputs = rewrite.add_many(rewrite.node.op_type, inputs, attributes, len(rewrite.node.outputs))
    orders = [[2, 0, 1, 3], BATCH_FIRST, BATCH_FIRST]
    rewrite.replace(
        *(
            rewrite.add("Transpose", [output], {"perm": order})
            for output, order in zip(outputs, orders, strict=False)
        )
    )


def say_sequence(rewrite: Rewrite) -> None:
    """Below 7 ``output_sequence`` asks for the first output."""
    if rewrite.node.outputs[0].name:
        rewrite.set_attribute("output_sequence", 1)


def forget_sequence(rewrite: Rewrite) -> None:
    """From 7 on the first output is asked for by its name alone."""
    rewrite.drop_attribute("output_sequence")


for operator in ("RNN", "GRU", "LSTM"):
    alike(operator, 22, 21, WHY)
    adapts(operator, 14, 13)(time_first)
    adapts(operator, 7, 6)(say_sequence)
    adapts(operator, 6, 7)(forget_sequence)
