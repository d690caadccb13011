"""Operators on sequences of tensors: new at 11, SequenceMap at 17.

Those whose number of tensors is known are gone before the walk (opsets/tidying/sequences.py).
"""

from __future__ import annotations

import onnx_ir as ir

from opsets.families.new_types import needs_type
from opsets.registry import refused

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
    needs_type(
        operator,
        11,
        ir.SequenceType,
        "sequence",
        ", and this one cannot be replaced by its tensors, as their number (1024 at most) or positions are "
        "not known",
    )
refused(
    "SequenceMap",
    17,
    16,
    "no older operator applies a graph to each tensor of a sequence but a Loop around it, and it cannot be "
    "repeated for each of them, as their number (1 to 1024) is not known",
)
