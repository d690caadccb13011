"""A shuffle of channels: one axis taken apart, its parts put in another order, and joined again."""

from __future__ import annotations

from math import prod

import numpy as np
import onnx_ir as ir

from opsets.facts.lengths import Length
from opsets.walk import Walk, stem_of


def pick_shuffled(walk: Walk, node: ir.Node, lengths: list[Length]) -> bool:
    """Let a Reshape to ``lengths`` become a Gather along the one axis that is shuffled; whether it did.

    Exact, and needs no shape, of which a Reshape can leave only one length to be worked out.
    """
    order = _producer(node.inputs[0], "Transpose")
    apart = None if order is None else _producer(order.inputs[0], "Reshape")
    source = None if apart is None else apart.inputs[0]
    if order is None or apart is None or source is None or source.shape is None:
        return False
    middle = apart.outputs[0]
    if middle.shape is None or walk.inference.lengths(source) != lengths or "perm" not in order.attributes:
        return False
    parts = walk.inference.lengths(middle)
    axis = next((axis for axis, length in enumerate(lengths) if parts[axis] != length), len(lengths))
    count = len(parts) - len(lengths) + 1
    run, perm = parts[axis : axis + count], list(order.attributes["perm"].as_ints())
    if not all(isinstance(length, int) for length in run) or count < 1 or axis == len(lengths):
        return False
    if parts[axis + count :] != lengths[axis + 1 :] or prod(run) != lengths[axis]:
        return False
    inside = perm[axis : axis + count]
    outside = [place for place in range(len(perm)) if not axis <= place < axis + count]
    if sorted(inside) != list(range(axis, axis + count)) or [perm[place] for place in outside] != outside:
        return False
    picked = np.arange(lengths[axis], dtype=np.int64).reshape(run).transpose([i - axis for i in inside])
    node.op_type = "Gather"
    node.attributes.clear()
    node.attributes["axis"] = ir.AttrInt64("axis", axis)
    node.replace_input_with(0, source)
    node.replace_input_with(1, walk.initializer(picked.reshape(-1), f"{stem_of(node)}_channels"))
    return True


def _producer(value: ir.Value | None, operator: str) -> ir.Node | None:
    node = None if value is None else value.producer()
    return node if node is not None and node.op_type == operator else None
