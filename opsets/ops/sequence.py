"""Operators on sequences of tensors: new at 11, SequenceMap at 17.

Those whose number of tensors is known are gone before the walk (opsets/tidying/sequences.py).
"""

from __future__ import annotations

from opsets.registry import impossible, refuses

for operator in (
    "ConcatFromSequence",
    "SequenceAt",
    "SequenceConstruct",
    "SequenceEmpty",
    "SequenceErase",
    "SequenceInsert",
    "SequenceLength",
    "SplitToSequence",
):
    impossible(
        operator,
        11,
        10,
        "no operator below 11 makes or takes a sequence, which is replaced by its tensors only where it does "
        "not enter or leave the graph, and their number (1024 at most) and positions are known",
    )
refuses(
    "SequenceMap",
    17,
    16,
    "no older operator applies a graph to each tensor of a sequence but a Loop around it, and it cannot be "
    "repeated for each of them, as their number (1 to 1024) is not known",
)
