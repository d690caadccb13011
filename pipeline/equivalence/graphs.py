"""The two files that are compared: what they take and give, and whether that fits together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from parity.quantized import is_quantized
from pipeline.errors import PipelineError, UsageError
from publishing.graph_facts import numpy_type

if TYPE_CHECKING:
    import onnx

TYPES = frozenset({"float16", "float32", "float64", "bool"}) | {
    f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}
"""Those of inputs and outputs that are made, handed over and compared here, as NumPy names them."""

Axis = int | str
"""A length, or a name where it is open; empty where it is open and has none."""


@dataclass(frozen=True)
class Port:
    """An input or output of a graph. ``shape`` is None where the graph does not say how many axes it has."""

    name: str
    type: str
    shape: tuple[Axis, ...] | None

    @property
    def text(self) -> str:
        """As a message names it."""
        axes = "of any shape" if self.shape is None else str([axis or "?" for axis in self.shape])
        return f"{self.type} {axes}".replace("'", "")


@dataclass(frozen=True)
class Graph:
    """What is known of a file before anything runs it."""

    path: Path
    opset: int
    quantized: bool
    inputs: tuple[Port, ...]
    """Without those that are initializers."""
    outputs: tuple[Port, ...]
    rows: Mapping[str, int]
    """For inputs that pick rows of a constant, such as the ids of words, how many there are."""


def read(path: Path) -> Graph:
    """Read the graph of a file. Raises UsageError where there is none, or it is no ONNX file."""
    from opsets import RetargetError, read_graph

    if not path.exists():
        raise UsageError(f"{path}: there is no such file.")
    try:
        model = read_graph(path)
    except RetargetError as error:
        raise UsageError(f"{error}.") from error
    opsets = [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    if not opsets:
        raise UsageError(
            f"{path}: it imports no opset of the standard operators, by which runtimes are asked."
        )
    weights = {tensor.name for tensor in model.graph.initializer}
    return Graph(
        path,
        opsets[0],
        is_quantized(node.op_type for node in model.graph.node),
        tuple(_port(value) for value in model.graph.input if value.name not in weights),
        tuple(_port(value) for value in model.graph.output),
        _rows(model.graph),
    )


def _port(value: onnx.ValueInfoProto) -> Port:
    import onnx

    kind = value.type.WhichOneof("value")
    tensor = value.type.tensor_type
    if kind != "tensor_type":
        return Port(value.name, (kind or "nothing").removesuffix("_type"), None)
    name = onnx.TensorProto.DataType.Name(tensor.elem_type).lower()
    shape = None
    if tensor.HasField("shape"):
        lengths = tensor.shape.dim
        # Some exporters write 0 or -1 for an axis that is open.
        shape = tuple(one.dim_value if one.dim_value > 0 else one.dim_param for one in lengths)
    return Port(value.name, numpy_type(name), shape)


def _rows(graph: onnx.GraphProto) -> dict[str, int]:
    """The inputs that are the indices of a Gather along the first axis of an initializer, by its length."""
    lengths = {tensor.name: tensor.dims[0] for tensor in graph.initializer if tensor.dims}
    names = {value.name: value.name for value in graph.input}
    rows: dict[str, int] = {}
    for node in graph.node:
        if node.op_type == "Cast" and node.input[0] in names:
            names[node.output[0]] = names[node.input[0]]
        first = not any(each.name == "axis" and each.i for each in node.attribute)
        if node.op_type == "Gather" and first and node.input[0] in lengths and node.input[1] in names:
            name = names[node.input[1]]
            rows[name] = min(lengths[node.input[0]], rows.get(name, np.iinfo(np.int64).max))
    return rows


def with_input_of(first: Graph, second: Graph) -> tuple[Graph, str]:
    """``second`` with its one input called as that of ``first``, and what there is to say of it.

    Runtimes are given arrays by position. Of several inputs, names alone tell which is which.
    """
    if len(first.inputs) != 1 or len(second.inputs) != 1 or first.inputs[0].name == second.inputs[0].name:
        return second, ""
    [one], [other] = first.inputs, second.inputs
    rows = dict(zip([one.name], second.rows.values(), strict=False))
    note = f"the input is called {one.name!r} and {other.name!r}"
    return replace(second, inputs=(replace(other, name=one.name),), rows=rows), note


def common_inputs(first: Graph, second: Graph) -> tuple[Port, ...]:
    """The inputs of both, in the order of the first one, with each axis fixed that one of them fixes.

    Raises UsageError where they differ, and PipelineError where they are of a type that is not compared.
    """
    theirs = {port.name: port for port in second.inputs}
    ours = {port.name for port in first.inputs}
    if ours != set(theirs):
        raise UsageError(
            f"{first.path} and {second.path} have different inputs: {_names(first.inputs)}, and "
            f"{_names(second.inputs)}. Only files that take the same can be compared."
        )
    for port in first.inputs:
        other = theirs[port.name]
        if port.type != other.type or not _fit(port.shape, other.shape):
            raise UsageError(
                f"the input {port.name!r} is {port.text} in {first.path}, and {other.text} in "
                f"{second.path}. Only files that take the same can be compared."
            )
    require_types(first.inputs, first.path, "input")
    return tuple(
        Port(port.name, port.type, _narrowed(port.shape, theirs[port.name].shape)) for port in first.inputs
    )


def matched_outputs(first: Graph, second: Graph) -> tuple[tuple[int, ...], str]:
    """The position in the second file of each output of the first one, and what there is to say of it.

    They are matched by their names, or where these differ, by position. Raises PipelineError where their
    numbers differ, or they are of a type that is not compared.
    """
    for graph in (first, second):
        require_types(graph.outputs, graph.path, "output")
    ours, theirs = ([port.name for port in graph.outputs] for graph in (first, second))
    if len(ours) != len(theirs) or not ours:
        raise PipelineError(
            f"{first.path} and {second.path} cannot be compared: {_counted(ours)}, and {_counted(theirs)}."
        )
    if set(ours) == set(theirs):
        return tuple(theirs.index(name) for name in ours), ""
    pairs = ", ".join(f"{one} and {other}" for one, other in zip(ours, theirs, strict=True))
    return tuple(range(len(ours))), f"outputs have other names and are matched by position: {pairs}"


def require_types(ports: tuple[Port, ...], path: Path, what: str) -> None:
    """Raise PipelineError where something is of a type that is not compared."""
    for port in ports:
        if port.type not in TYPES:
            raise PipelineError(
                f"{path} cannot be compared: its {what} {port.name!r} is {port.type}. "
                f"Tensors are, of {', '.join(sorted(TYPES))}."
            )


def _fit(ours: tuple[Axis, ...] | None, theirs: tuple[Axis, ...] | None) -> bool:
    if ours is None or theirs is None:
        return True
    pairs = zip(ours, theirs, strict=False)
    return len(ours) == len(theirs) and not any(
        isinstance(one, int) and isinstance(other, int) and one != other for one, other in pairs
    )


def _narrowed(ours: tuple[Axis, ...] | None, theirs: tuple[Axis, ...] | None) -> tuple[Axis, ...] | None:
    if ours is None or theirs is None:
        return ours or theirs
    return tuple(
        other if isinstance(other, int) else one or other for one, other in zip(ours, theirs, strict=True)
    )


def _names(ports: tuple[Port, ...]) -> str:
    return ", ".join(repr(port.name) for port in ports) or "none"


def _counted(names: list[str]) -> str:
    return f"{len(names)} output{'' if len(names) == 1 else 's'} ({', '.join(names)})"
