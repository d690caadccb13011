"""Operators on sequences of tensors: new at 11, SequenceMap at 17."""

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
    impossible(operator, 11, 10, "there are no values of sequence type below 11")
impossible(
    "SequenceMap",
    17,
    16,
    "no older operator applies a graph to each tensor of a sequence but a Loop around it",
)
