"""The walk down: one opset at a time, every node asked, until the target."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import onnx
import onnx_ir as ir

import opsets.ops  # noqa: F401 - registers every operator
from opsets.errors import CannotAdapt, RetargetError
from opsets.facts.constants import Constants
from opsets.facts.inference import ShapeInference
from opsets.facts.types import refused_type
from opsets.facts.versions import since_version
from opsets.reading import names_in, read_model, write_model
from opsets.registry import ADAPTERS, IMPOSSIBLE, UNCHANGED
from opsets.rewrite import Rewrite
from opsets.tidying.cleaning import clean, count_from_front
from opsets.tidying.dead import remove_dead
from opsets.tidying.simplification import simplify
from opsets.walk import Walk, nodes_of


@dataclass(frozen=True)
class Retargeted:
    """A model at its new opset, and what was done to it."""

    model: onnx.ModelProto
    rewrites: tuple[str, ...]
    """One line per kind of rewrite, such as ``Softmax 13 to 12: 2 nodes``, in the order of the walk."""
    bounds: tuple[str, ...]
    """What is not exact, such as ``Erf below 9: absolute error at most 1e-6``; empty where all is."""


def lower(source: onnx.ModelProto, current: int, target: int) -> Retargeted:
    """``source``, of opset ``current``, at opset ``target``.

    What the model declares of its values stands; what inference found out on the way does not stay.
    Raises :class:`RetargetError`.
    """
    model = read_model(source)
    weights = frozenset(
        tensor.name for tensor in source.graph.initializer if tensor.data_type not in _WHOLE and tensor.dims
    )
    outputs = {value.name: (value.shape, value.type) for value in model.graph.outputs}
    size = sum(value.const_value.nbytes for value in model.graph.initializers.values() if value.const_value)
    walk = Walk(model, ShapeInference(current), names_in(model), Constants(weights, size))
    before = len(nodes_of(model.graph))
    simplify(walk)
    count_from_front(walk)
    clean(walk)
    folded = before - len(nodes_of(model.graph))
    rewrites = _walk_down(walk, current, target)
    clean(walk)  # of what the steps made: the result is as clean as what it was made of
    for value in model.graph.outputs:
        shape, kind = outputs[value.name]
        value.shape, value.type = shape or value.shape, kind or value.type
    lines = [_line("Nodes folded", folded)] if folded > 0 else []
    lines += [_line(kind, count) for kind, count in rewrites.items()]
    return Retargeted(write_model(model, source, target), tuple(lines), tuple(walk.bounds))


_WHOLE = (onnx.TensorProto.INT64, onnx.TensorProto.INT32, onnx.TensorProto.BOOL)


def _line(kind: str, count: int) -> str:
    return f"{kind}: {count} node{'s' * (count > 1)}"


def _walk_down(walk: Walk, current: int, target: int) -> Counter[str]:
    """The kinds of rewrites, with the number of nodes that each was done to."""
    rewrites = Counter[str]()
    for opset in range(current, target, -1):
        walk.begin_step(opset - 1)
        touched = 0
        for node in nodes_of(walk.model.graph):
            operator = node.op_type
            if since_version(operator, opset) in (None, opset) and node.graph is not None:
                touched += 1
                if _step_node(node, opset, walk):
                    rewrites[f"{operator} {opset} to {opset - 1}"] += 1
        if touched:
            remove_dead(walk.model)
    return rewrites


def _step_node(node: ir.Node, opset: int, walk: Walk) -> bool:
    """Bring one node from ``opset`` to the next lower one; whether it was rewritten."""
    step = (node.op_type, opset)
    if since_version(*step) == opset and step not in UNCHANGED and _fold(node, opset, walk, weights=False):
        return True
    try:
        return _adapt(node, opset, walk)
    except RetargetError:
        if _fold(node, opset, walk, weights=True):
            return True
        raise


def _adapt(node: ir.Node, opset: int, walk: Walk) -> bool:
    step = (node.op_type, opset)
    where = f"{node.op_type} (node {node.name or node.outputs[0].name!r}), opset {opset} to {opset - 1}"
    if since_version(*step) is None:
        raise RetargetError(f"{where}: the onnx package knows no such operator at this opset")
    if step in IMPOSSIBLE:
        raise RetargetError(f"{where}: {IMPOSSIBLE[step]}; the lowest possible opset is {opset}")
    if step not in ADAPTERS and step not in UNCHANGED:
        raise RetargetError(
            f"{where}: no adapter is known, nor that nothing changes; stay at {opset} or above"
        )
    rewrite = Rewrite(node, walk)
    try:
        if step in ADAPTERS:
            ADAPTERS[step](rewrite)
        reason = refused_type(node, opset - 1) if node.graph is not None else None
        if reason:
            raise CannotAdapt(reason)
    except CannotAdapt as error:
        raise RetargetError(f"{where}: {error}; the lowest possible opset is {opset}") from error
    except Exception as error:  # such as an axis that does not exist, which the checker may pass
        reason = f"{type(error).__name__}: {error}"
        raise RetargetError(f"{where}: it cannot be read ({reason}); is the model valid?") from error
    return rewrite.touched


def _fold(node: ir.Node, opset: int, walk: Walk, *, weights: bool) -> bool:
    """Compute a node of constants that would have to be rewritten, unless it makes a graph output.

    Weights stay as they are: one is computed with only where the node cannot be rewritten.
    """
    if any(value.is_graph_output() for value in node.outputs):
        return False
    arrays = walk.constants.computed(node, opset) if weights else walk.constants.folded(node, opset)
    if arrays is None:
        return False
    for output, array in zip(node.outputs, arrays, strict=False):
        constant = walk.initializer(array, f"{output.name}_value")
        ir.convenience.replace_all_uses_with(output, constant)
    assert node.graph is not None
    node.graph.remove(node, safe=True)
    return True
