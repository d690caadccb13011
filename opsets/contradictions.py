"""Lengths that a graph cannot be computed with, told by the input, the axis and what stands against it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import onnx
import onnx_ir as ir

from opsets.errors import AxesError
from opsets.facts.required_lengths import MOST_TRIED, Requirement, fitting, requirements
from opsets.nodes import nodes_of
from opsets.obstacles import origin_of
from opsets.static_axes import Axis, FixedAxes, named_axis
from opsets.walk import Walk


def refuse_contradictions(
    source: onnx.ModelProto, walk: Walk, fixed: FixedAxes, open_walk: Callable[[], Walk]
) -> None:
    """Raise :class:`AxesError` where the graph of ``walk``, with ``fixed`` axes, contradicts itself.

    ``source`` is what it was made of. ``open_walk`` makes the same graph with its axes open: there the
    lengths that are fixed can be told from all others, and so can those that would do.
    """
    for node in nodes_of(walk.model.graph):
        for index, requirement in enumerate(requirements(node, walk.inference)):
            if requirement.is_met is False:
                free = open_walk()
                asked = _same_requirement(node, index, free)
                if asked is None or asked.is_met is None:  # it is not so whatever is fixed
                    raise AxesError(_contradiction(node, requirement, asked, _symbols(free, fixed), fixed))
    _refuse_baked_in(source, walk, fixed, open_walk)


def _contradiction(
    node: ir.Node,
    requirement: Requirement,
    asked: Requirement | None,
    symbols: Mapping[Axis, str],
    fixed: FixedAxes,
) -> str:
    """What is wrong with ``requirement`` of ``node``, which is ``asked`` of open lengths."""
    free = {str(each) for side in (asked.given, asked.taken) for each in _free(side)} if asked else set()
    culprits = {owner: symbol for owner, symbol in symbols.items() if symbol in free} or symbols
    fits = _fits(asked, culprits) if asked else ""
    return f"{_cannot_be(culprits, fixed)}: {origin_of(node)} {requirement}{fits}"


def _same_requirement(node: ir.Node, index: int, walk: Walk) -> Requirement | None:
    """What the same node of the graph with open axes asks for."""
    for other in nodes_of(walk.model.graph):
        if other.op_type == node.op_type and origin_of(other) == origin_of(node):
            found = requirements(other, walk.inference)
            return found[index] if index < len(found) else None
    return None


def _symbols(walk: Walk, fixed: FixedAxes) -> dict[Axis, str]:
    """The axes that were fixed, and what stands for their lengths while they are open; each length once."""
    inputs = {str(value.name): value for value in walk.model.graph.inputs}
    symbols: dict[str, Axis] = {}
    for name, axis in fixed.lengths:
        if inputs[name].shape is not None:
            symbols.setdefault(str(walk.inference.length(inputs[name], axis)), (name, axis))
    return {owner: symbol for symbol, owner in symbols.items()}


def _free(length: object) -> Iterable[object]:
    return getattr(length, "free_symbols", ())


def _cannot_be(owners: Mapping[Axis, str], fixed: FixedAxes) -> str:
    named = [named_axis(name, axis, _own_name(symbol)) for (name, axis), symbol in owners.items()]
    return f"{' and '.join(named)} cannot be {' and '.join(str(fixed.lengths[owner]) for owner in owners)}"


def _own_name(symbol: str) -> str:
    """What the model calls an axis; a symbol of ours, such as ``x[0]``, says no more than is said already."""
    return symbol if symbol.isidentifier() else ""


def _fits(requirement: Requirement, culprits: Mapping[Axis, str]) -> str:
    lengths = fitting(requirement, next(iter(culprits.values()))) if len(culprits) == 1 else []
    if not lengths:
        return ""
    first, last = lengths[0], lengths[-1]
    if first == last:
        return f"; {first} would do"
    if len(lengths) < last - first + 1:
        return f"; {', '.join(map(str, lengths[:3]))}{', ...' if len(lengths) > 3 else ''} would do"
    return f"; {first} and more would do" if last == MOST_TRIED else f"; {first} to {last} would do"


def _refuse_baked_in(
    source: onnx.ModelProto, walk: Walk, fixed: FixedAxes, open_walk: Callable[[], Walk]
) -> None:
    """Refuse an output of one length, whatever is given, along an axis that has the name of a fixed one."""
    for name, axis, symbol in _unlike_their_names(source, walk, fixed):
        free = open_walk()
        length = free.inference.length(_output(free, name), axis)
        if isinstance(length, int):
            owners = {owner: each for owner, each in _symbols(free, fixed).items() if each == symbol}
            raise AxesError(
                f"{_cannot_be(owners, fixed)}: axis {axis} of the output {name!r} is called so too, and is "
                f"{length} whatever the input is; {length} would do"
            )


def _unlike_their_names(
    source: onnx.ModelProto, walk: Walk, fixed: FixedAxes
) -> Iterator[tuple[str, int, str]]:
    """Outputs and their axes whose name, the third, has been given one length, and which have another."""
    for declared in source.graph.output:
        shape = _output(walk, declared.name).shape
        for axis, entry in enumerate(declared.type.tensor_type.shape.dim):
            wanted = fixed.names.get(entry.dim_param)
            if wanted is not None and shape is not None and axis < len(shape):
                length = shape[axis]
                if isinstance(length, int) and length != wanted:
                    yield declared.name, axis, entry.dim_param


def _output(walk: Walk, name: str) -> ir.Value:
    return next(value for value in walk.model.graph.outputs if value.name == name)
