"""Lengths for axes that a model leaves open: what is asked for, what that fixes, and what cannot be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

import onnx
import onnx_ir as ir

from opsets.errors import AxesError, printable
from opsets.nodes import inner_graphs

Axis = tuple[str, int]
"""An input of the model and one of its axes."""
Inputs = Mapping[str, Sequence[onnx.TensorShapeProto.Dimension] | None]
"""The axes of inputs by their names; None where they are not declared."""


@dataclass(frozen=True)
class StaticAxes:
    """What is asked for: the lengths of all axes of some inputs, or the first axis of every input."""

    shapes: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """By the names of inputs, a length for each axis."""
    batch: int | None = None
    """The length of the first axis of every input that has axes."""


@dataclass(frozen=True)
class FixedAxes:
    """Lengths of open axes: of the inputs', and of all axes that are called by a name."""

    lengths: Mapping[Axis, int] = field(default_factory=dict)
    names: Mapping[str, int] = field(default_factory=dict)

    def of(self, value: ir.Value, is_input: bool) -> ir.Shape | None:
        """The shape of ``value`` with what is fixed; None where it has none, and none is given."""
        name = str(value.name)
        given = {axis: length for (owner, axis), length in self.lengths.items() if owner == name and is_input}
        if value.shape is None:
            return ir.Shape([given[axis] for axis in sorted(given)]) if given else None
        return ir.Shape(
            [
                entry if isinstance(entry, int) else self.names.get(entry.value or "", entry)
                for entry in (given.get(axis, entry) for axis, entry in enumerate(value.shape))
            ]
        )


def fix_axes(model: ir.Model, fixed: FixedAxes) -> None:
    """Give what is open in ``model``, in branches and bodies too, the lengths of ``fixed``."""
    for graph in (model.graph, *inner_graphs(model.graph)):
        for value in (*graph.inputs, *(value for node in graph for value in node.outputs)):
            value.shape = fixed.of(value, graph is model.graph and value.is_graph_input())


def inputs_of(source: onnx.ModelProto) -> Inputs:
    """The axes of each input that is a tensor and no constant."""
    constants = {tensor.name for tensor in source.graph.initializer}
    tensors = {
        value.name: value.type.tensor_type
        for value in source.graph.input
        if value.name not in constants and value.type.HasField("tensor_type")
    }
    return {
        name: list(tensor.shape.dim) if tensor.HasField("shape") else None for name, tensor in tensors.items()
    }


def is_open(axis: onnx.TensorShapeProto.Dimension) -> bool:
    """Whether ``axis`` has no length; some exporters write 0 or -1 for that."""
    return axis.dim_value < 1


def told_of(source: onnx.ModelProto, fixed: FixedAxes) -> list[str]:
    """A line for each input of which axes are fixed: ``Input fixed: 'x' is 1x3x224x224``."""
    lines = []
    for name, axes in inputs_of(source).items():
        given = {axis: length for (owner, axis), length in fixed.lengths.items() if owner == name}
        own = [axis.dim_param or "?" if is_open(axis) else axis.dim_value for axis in axes or ()]
        own = own or ["?"] * len(given)
        shape = "x".join(str(given.get(axis, entry)) for axis, entry in enumerate(own))
        if given:
            lines.append(printable(f"Input fixed: {name!r} is {shape}"))
    return lines


def named_axis(name: str, axis: int, symbol: str) -> str:
    """An axis of the input ``name`` in words, with what the model calls it, which may be nothing."""
    return f"axis {axis}{f' ({symbol})' if symbol else ''} of the input {name!r}"


def fixed_axes(source: onnx.ModelProto, static: StaticAxes) -> FixedAxes:
    """What ``static`` fixes in ``source``; of an axis that has its length already, nothing.

    Raises :class:`AxesError` for an input that the model has not, a shape of another number of axes, a length
    below 1, and a length that is not the one that the model, or another wish, gives the axis.
    """
    inputs = inputs_of(source)
    asked: dict[Axis, int] = {}
    for name, shape in static.shapes.items():
        _require_axes(name, shape, inputs)
        asked |= {(name, axis): length for axis, length in enumerate(shape)}
    if static.batch is not None:
        for name in _batched(inputs, static):
            if asked.setdefault((name, 0), static.batch) != static.batch:
                raise AxesError(
                    f"the first axis of the input {name!r} is asked to be {static.batch} as the batch and "
                    f"{asked[name, 0]} in its shape; give one of the two"
                )
    for (name, axis), length in asked.items():
        _require_length(name, axis, length, inputs[name])
    return follow_names(source, asked)


def _require_axes(name: str, shape: Sequence[int], inputs: Inputs) -> None:
    if name not in inputs:
        near = get_close_matches(name, inputs, n=1)
        hint = f", did you mean {near[0]!r}?" if near else ";"
        raise AxesError(f"the model has no input {name!r}{hint} it has {', '.join(map(repr, inputs))}")
    axes = inputs[name]
    if axes is not None and len(shape) != len(axes):
        own = "x".join("?" if is_open(axis) else str(axis.dim_value) for axis in axes)
        raise AxesError(
            f"the input {name!r} has {len(axes)} axes ({own or 'none'}), and {len(shape)} lengths are given "
            f"({'x'.join(map(str, shape))}); give one for each"
        )


def _batched(inputs: Inputs, static: StaticAxes) -> list[str]:
    """The inputs that have a first axis."""
    for name, axes in inputs.items():
        if axes is None and name not in static.shapes:
            raise AxesError(
                f"the input {name!r} declares no axes, so none is its batch; give its whole shape"
            )
    return [name for name, axes in inputs.items() if (static.shapes[name] if axes is None else axes)]


def _require_length(
    name: str, axis: int, length: int, axes: Sequence[onnx.TensorShapeProto.Dimension] | None
) -> None:
    if length < 1:
        raise AxesError(f"axis {axis} of the input {name!r} cannot be {length}: the least length is 1")
    if axes is not None and not is_open(axes[axis]) and axes[axis].dim_value != length:
        raise AxesError(
            f"axis {axis} of the input {name!r} cannot be {length}: the model has fixed it at "
            f"{axes[axis].dim_value}; give that, or export the model with this axis open"
        )


def follow_names(source: onnx.ModelProto, asked: Mapping[Axis, int]) -> FixedAxes:
    """``asked`` with the axes of the same names, which have the same length wherever they stand.

    ONNX says so of its names (https://github.com/onnx/onnx/blob/main/docs/IR.md, "Static tensor shapes"),
    and that they are identifiers. One that is none, such as ``?``, says nothing, and neither does one that
    stands for several axes of an input that are not all given the same length. Raises :class:`AxesError`
    where a name gets one length at one input, and another at another.
    """
    lengths, names = dict(asked), dict[str, Axis]()
    vague = set(_vague_names(source, asked))
    for owner, length in asked.items():
        name = _symbol(source, owner)
        if not name.isidentifier() or name in vague:
            continue
        other = names.setdefault(name, owner)
        if asked[other] != length:
            raise AxesError(
                f"{named_axis(*other, name)} and {named_axis(*owner, name)} have one name, for one "
                f"length, and are asked to be {asked[other]} and {length}"
            )
    values = {name: asked[owner] for name, owner in names.items()}
    for owner, name in _symbols(source):
        if name in values:
            lengths.setdefault(owner, values[name])
    open_lengths = {owner: length for owner, length in lengths.items() if not _is_fixed(source, owner)}
    return FixedAxes(open_lengths, values)


def _symbols(source: onnx.ModelProto) -> Iterator[tuple[Axis, str]]:
    for name, axes in inputs_of(source).items():
        for axis, entry in enumerate(axes or ()):
            if entry.dim_param:
                yield (name, axis), entry.dim_param


def _symbol(source: onnx.ModelProto, owner: Axis) -> str:
    return dict(_symbols(source)).get(owner, "")


def _is_fixed(source: onnx.ModelProto, owner: Axis) -> bool:
    axes = inputs_of(source)[owner[0]]
    return axes is not None and not is_open(axes[owner[1]])


def _vague_names(source: onnx.ModelProto, asked: Mapping[Axis, int]) -> Iterator[str]:
    """The names of several axes of one input of which some are asked for, and not all alike."""
    given: dict[tuple[str, str], set[int | None]] = {}
    for owner, name in _symbols(source):
        given.setdefault((owner[0], name), set()).add(asked.get(owner))
    for (_, name), lengths in given.items():
        if len(lengths) > 1:
            yield name
