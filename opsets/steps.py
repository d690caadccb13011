"""The walk down or up: one opset at a time, every node asked, until the target."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import onnx
import onnx_ir as ir

import opsets.ops  # noqa: F401 - registers every operator
from opsets.branches import settle_branches
from opsets.contradictions import refuse_contradictions
from opsets.errors import CannotAdapt
from opsets.facts.constants import Constants
from opsets.facts.inference import ShapeInference
from opsets.facts.types import refused_type
from opsets.facts.versions import since_version
from opsets.nodes import nodes_of
from opsets.obstacles import Obstacle, name_origins, origin_of
from opsets.reading import names_in, read_model
from opsets.registry import ADAPTERS, IMPOSSIBLE, UNCHANGED, Step
from opsets.rewrite import Rewrite
from opsets.static_axes import FixedAxes, fix_axes
from opsets.tidying.cleaning import clean, count_from_front
from opsets.tidying.dead import remove_dead
from opsets.tidying.simplification import simplify
from opsets.tidying.sorting import sort_nodes
from opsets.walk import Walk


@dataclass
class Walked:
    """A model that has been walked to its target, and what was done to it and found in its way."""

    model: ir.Model
    sorted: int = 0
    """Nodes that stood before what they need."""
    folded: int = 0
    corrected: dict[str, tuple[ir.Shape, ir.Shape]] = field(default_factory=dict)
    """The values whose declared shape is wrong, with it and the one that is computed."""
    rewrites: Counter[str] = field(default_factory=Counter)
    """The kinds of rewrites, with the number of nodes that each was done to."""
    bounds: tuple[str, ...] = ()
    obstacles: list[Obstacle] = field(default_factory=list)
    """In the order of the walk; where there are any, the model is of no use."""


def walk_to(source: onnx.ModelProto, current: int, target: int, fixed: FixedAxes | None = None) -> Walked:
    """``source``, of opset ``current``, at opset ``target``, its open axes ``fixed`` where that is given.

    Raises :class:`RetargetError` where it is no graph, and :class:`AxesError` where it cannot be computed
    with what is fixed.
    """
    return Walking(source, current, fixed).at(target, last=True)


class Walking:
    """A model on its way, which stops at one opset after the other.

    What it is at an opset does not depend on where it stopped before.
    """

    def __init__(self, source: onnx.ModelProto, current: int, fixed: FixedAxes | None = None) -> None:
        """``source``, of opset ``current``, ready for the first step; raises what :func:`walk_to` does."""
        self._source = source
        self._walk, self._result = walk, result = _begin(source, current, fixed)
        self._reached, self._stopped, self._is_fixed = current, set[ir.Node](), fixed is not None
        declared = _shapes(walk.model)
        self._outputs = {value.name: (value.shape, value.type) for value in walk.model.graph.outputs}
        before = len(nodes_of(walk.model.graph))
        simplify(walk)
        if fixed:
            refuse_contradictions(source, walk, fixed, partial(_open_walk, source, current))
        count_from_front(walk)
        self._computed = _shapes(walk.model)
        result.corrected = _contradictions(declared, self._computed)
        clean(walk)
        result.folded = before - len(nodes_of(walk.model.graph))

    @property
    def reached(self) -> int:
        """The opset that it is at."""
        return self._reached

    def at(self, target: int, *, last: bool = False) -> Walked:
        """The model at ``target``, which lies further in the same direction.

        With ``last`` nothing is asked for behind it, and the model itself is given, not a copy.
        """
        walk = self._walk
        _walk_to(self._source, walk, self._reached, target, self._result, self._stopped)
        self._reached = target
        result = replace(
            self._result,
            rewrites=Counter(self._result.rewrites),
            bounds=tuple(walk.bounds),
            obstacles=list(self._result.obstacles),
        )
        if result.obstacles:
            return result
        if not last:
            result.model = walk.model.clone()
        # Of what the steps made: the result is as clean as what it was made of.
        clean(Walk(result.model, walk.inference, walk.taken))
        self._declare_outputs(result)
        return result

    def _declare_outputs(self, result: Walked) -> None:
        for value in result.model.graph.outputs:
            shape, kind = self._outputs[value.name]
            value.type = kind or value.type
            if value.name in result.corrected:
                shape = result.corrected[value.name][1]
            elif shape is not None and self._is_fixed:
                shape = _with_known(shape, self._computed.get(str(value.name)))
            value.shape = shape or value.shape


def _begin(source: onnx.ModelProto, current: int, fixed: FixedAxes | None) -> tuple[Walk, Walked]:
    """``source`` before the first step, its nodes in order and nothing inferred yet."""
    model = read_model(source)
    result = Walked(model, sort_nodes(model))
    if fixed:
        fix_axes(model, fixed)
    name_origins(model)
    weights = frozenset(
        tensor.name for tensor in source.graph.initializer if tensor.data_type not in _WHOLE and tensor.dims
    )
    inference = ShapeInference(current, model.graph.opset_imports)
    size = sum(value.const_value.nbytes for value in model.graph.initializers.values() if value.const_value)
    return Walk(model, inference, names_in(model), Constants(weights, size)), result


def _open_walk(source: onnx.ModelProto, current: int) -> Walk:
    """``source`` simplified, its axes as they are."""
    walk, _ = _begin(source, current, None)
    simplify(walk)
    return walk


def _with_known(declared: ir.Shape, computed: ir.Shape | None) -> ir.Shape:
    """``declared`` with the lengths of ``computed`` where it has none."""
    if computed is None:
        return declared
    return ir.Shape(
        [
            new if isinstance(new, int) else old
            for old, new in zip(declared, computed, strict=True)  # other numbers of axes are corrected
        ]
    )


_WHOLE = (onnx.TensorProto.INT64, onnx.TensorProto.INT32, onnx.TensorProto.BOOL)


def _shapes(model: ir.Model) -> dict[str, ir.Shape]:
    values = (value for node in nodes_of(model.graph) for value in node.outputs)
    return {str(value.name): value.shape for value in values if value.shape is not None}


def _contradictions(
    declared: Mapping[str, ir.Shape], computed: Mapping[str, ir.Shape]
) -> dict[str, tuple[ir.Shape, ir.Shape]]:
    """What is declared otherwise than it is computed, in the number of axes or in a length."""
    return {
        name: (shape, computed[name])
        for name, shape in declared.items()
        if name in computed and _contradict(shape, computed[name])
    }


def _contradict(one: ir.Shape, other: ir.Shape) -> bool:
    return len(one) != len(other) or any(
        a != b for a, b in zip(one, other, strict=True) if isinstance(a, int) and isinstance(b, int)
    )


_BRANCHES_ALIKE = 11, -1
"""The step behind which both branches of an If make the same."""


def _walk_to(
    source: onnx.ModelProto, walk: Walk, current: int, target: int, result: Walked, stopped: set[ir.Node]
) -> None:
    """Every node that stops stays as it is, so that all obstacles are found and not only the first."""
    by = 1 if target > current else -1
    for leaves in range(current, target, by):
        if (leaves, by) == _BRANCHES_ALIKE and settle_branches(source, walk):
            count_from_front(walk)
            clean(walk)
        walk.begin_step(leaves, leaves + by)
        touched = False
        for node in [node for node in nodes_of(walk.model.graph) if _changes(node, walk)]:
            if node.graph is None or node in stopped:
                continue
            operator = node.op_type
            outcome = _step_node(node, walk)
            touched = touched or bool(outcome)
            if isinstance(outcome, Obstacle):
                stopped.add(node)
                result.obstacles.append(outcome)
            elif outcome:
                result.rewrites[f"{operator} {leaves} to {leaves + by}"] += 1
        if touched:
            remove_dead(walk.model)


def _step_of(node: ir.Node, walk: Walk) -> Step:
    return node.op_type, walk.leaves, walk.inference.opset


def _changes(node: ir.Node, walk: Walk) -> bool:
    """Whether ``node`` may be another one after the step: the newer side has a form of its own, or none."""
    newer = max(walk.leaves, walk.inference.opset)
    return not node.domain and since_version(node.op_type, newer) in (None, newer)


def _step_node(node: ir.Node, walk: Walk) -> bool | Obstacle:
    """Bring one node to the opset of the step; whether it was rewritten, or what is in its way."""
    known = since_version(node.op_type, walk.leaves) is not None
    if known and _step_of(node, walk) not in UNCHANGED and _fold(node, walk, weights=False):
        return True
    outcome = _adapt(node, walk)
    if isinstance(outcome, Obstacle) and _fold(node, walk, weights=True):
        return True
    return outcome


def _adapt(node: ir.Node, walk: Walk) -> bool | Obstacle:
    step, origin = _step_of(node, walk), origin_of(node)
    if since_version(node.op_type, walk.leaves) is None:
        return Obstacle(origin, *step, _UNKNOWN, _UNKNOWN, is_defect=True)
    if step in IMPOSSIBLE:
        is_final = _is_all_of(walk.model.graph, node)
        return Obstacle(origin, *step, IMPOSSIBLE[step], IMPOSSIBLE[step], is_final=is_final)
    if step not in ADAPTERS and step not in UNCHANGED:
        return Obstacle(origin, *step, _UNCLAIMED, _UNCLAIMED)
    return _rewritten(node, walk)


_UNKNOWN = "the onnx package knows no such operator at this opset"
_UNCLAIMED = "no adapter is known, nor that nothing changes"


def _is_all_of(graph: ir.Graph, node: ir.Node) -> bool:
    """Whether ``node`` makes an output of ``graph`` from its inputs alone, which may be anything."""
    given = [value for value in node.inputs if value is not None]
    return (
        node.graph is graph
        and all(value.is_graph_input() and value.const_value is None for value in given)
        and any(value.is_graph_output() for value in node.outputs)
    )


def _rewritten(node: ir.Node, walk: Walk) -> bool | Obstacle:
    step, origin, rewrite = _step_of(node, walk), origin_of(node), Rewrite(node, walk)
    try:
        if step in ADAPTERS:
            ADAPTERS[step](rewrite)
    except CannotAdapt as error:
        return Obstacle(origin, *step, str(error), _raised_at(error))
    except Exception as error:  # noqa: BLE001 - an axis that does not exist, which the checker may pass
        reason = f"it cannot be read ({type(error).__name__}: {error}); is the model valid?"
        return Obstacle(origin, *step, reason, _raised_at(error), is_defect=True)
    refused = refused_type(node, walk.inference.opset) if node.graph is not None else None
    return Obstacle(origin, *step, refused, refused) if refused else rewrite.touched


def _raised_at(error: Exception) -> tuple[tuple[str, int], ...]:
    """Where an adapter gave up: what names other values there is still of one kind."""
    frames = traceback.walk_tb(error.__traceback__)
    return tuple((frame.f_code.co_filename, line) for frame, line in frames)


def _fold(node: ir.Node, walk: Walk, *, weights: bool) -> bool:
    """Compute a node of constants that would have to be rewritten, unless it makes a graph output.

    Weights stay as they are: one is computed with only where the node cannot be rewritten.
    """
    if any(value.is_graph_output() for value in node.outputs):
        return False
    compute = walk.constants.computed if weights else walk.constants.folded
    arrays = compute(node, walk.leaves)
    if arrays is None:
        return False
    for output, array in zip(node.outputs, arrays, strict=False):
        constant = walk.folded(array, f"{output.name}_value")
        ir.convenience.replace_all_uses_with(output, constant)
    assert node.graph is not None
    node.graph.remove(node, safe=True)
    return True
