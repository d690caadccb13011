"""An If whose branches make tensors of different ranks, of which what follows can be computed with one alone.

Exporters of PyTorch write a Squeeze that may find nothing to squeeze as such an If, though what follows takes
one rank alone. Below 11 no If may be so.
"""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir

from opsets.facts.constants import Constants
from opsets.facts.inference import ShapeInference
from opsets.nodes import nodes_of
from opsets.obstacles import origin_of
from opsets.reading import names_in
from opsets.tidying.simplification import simplify
from opsets.walk import Walk
from opsets.writing import fault_of


def settle_branches(source: onnx.ModelProto, walk: Walk) -> bool:
    """Whether an If of ``walk``, at the opset of its nodes, was given the condition that alone can be.

    Where the other branch would be taken, ``source``, which the model was made of, cannot be computed, as a
    bound says.
    """
    settled = False
    while (found := _settled(source, walk)) is not None:
        node, taken = found
        walk.bounds[
            f"{origin_of(node)}: taken to be {str(taken).lower()}, as the source cannot be computed otherwise"
        ] = None
        _decide(walk, node, taken)
        settled = True
    return settled


def _settled(source: onnx.ModelProto, walk: Walk) -> tuple[ir.Node, bool] | None:
    """The first If that can be computed with one condition alone, and which."""
    for node in nodes_of(walk.model.graph):
        if node.op_type == "If" and not node.domain and _has_ranks_of_both(node):
            possible = [taken for taken in (True, False) if _can_be(source, walk, node, taken)]
            if len(possible) == 1:
                return node, possible[0]
    return None


def _has_ranks_of_both(node: ir.Node) -> bool:
    branches = [node.attributes[name].as_graph() for name in ("then_branch", "else_branch")]
    pairs = zip(*([output.shape for output in branch.outputs] for branch in branches), strict=True)
    return any(one is not None and other is not None and len(one) != len(other) for one, other in pairs)


def _can_be(source: onnx.ModelProto, walk: Walk, node: ir.Node, taken: bool) -> bool:
    """Whether the graph is valid where ``node`` takes the branch of ``taken``."""
    model = walk.model.clone()
    model.graph.opset_imports[""] = walk.inference.opset
    inference = ShapeInference(walk.inference.opset, model.graph.opset_imports)
    trial = Walk(model, inference, names_in(model), Constants())
    same = next(other for other in nodes_of(model.graph) if other.outputs[0].name == node.outputs[0].name)
    _decide(trial, same, taken)
    return fault_of(model, source) is None


def _decide(walk: Walk, node: ir.Node, taken: bool) -> None:
    node.replace_input_with(0, walk.initializer(np.array(taken), "condition"))
    walk.constants.forget()  # what was none before may be one now
    simplify(walk)
