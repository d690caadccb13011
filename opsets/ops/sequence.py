"""Operators on sequences of tensors: new at 11, SequenceMap at 17.

Those whose number of tensors is known are gone before the walk (opsets/tidying/sequences.py).
"""

from __future__ import annotations

from opsets.registry import impossible

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
        "there are no values of sequence type below 11, and this one cannot be replaced by its tensors, as "
        "it enters or leaves the graph, or their number (1024 at most) or positions are not known",
    )
impossible(
    "SequenceMap",
    17,
    16,
    "no older operator applies a graph to each tensor of a sequence but a Loop around it, and it cannot be "
    "repeated for each of them, as their number (1 to 1024) is not known",
)
