"""Steps that users of a network would else take themselves: normalisation before it, Softmax behind it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from opsets.errors import RetargetError
from opsets.facts.versions import INITIALIZERS_ALONE
from opsets.reading import DEFAULT_DOMAINS

SETTING = "of the preprocessing, not learned"
"""The ``doc_string`` of constants that could be taken for weights."""
_BROADCASTING = 7
"""From this opset on operators broadcast as numpy does."""
_HANDED_ON = ("Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Cast", "Dropout")
"""What stands behind the operator that makes the outputs, and keeps the values."""


@dataclass(frozen=True)
class Normalisation:
    """``(x - offset) / divisor`` by channel, on pictures (N, C, H, W), before the network.

    With ``turned``, the channels are put in the opposite order first; offset and divisor are in the new one.
    """

    offset: tuple[float, ...]
    divisor: tuple[float, ...]
    turned: bool = False


@dataclass(frozen=True)
class EmbeddedSteps:
    """What is put before a network, and whether Softmax over the classes is put behind it."""

    normalisation: Normalisation | None = None
    softmax: bool = False


def last_operator(model: onnx.ModelProto) -> str:
    """The operator that makes the values of the first output, such as ``Gemm``; empty where there is none.

    What only hands values on, in the shape or the type that is wanted, is passed over.
    """
    makers = {name: node for node in model.graph.node for name in node.output}
    node = makers.get(model.graph.output[0].name)
    while node and node.op_type in _HANDED_ON:
        node = makers.get(node.input[0])
    return node.op_type if node else ""


def embed(model: onnx.ModelProto, steps: EmbeddedSteps) -> list[str]:
    """Put ``steps`` into ``model``, at its own opset; a line for each. The names of input and output stay.

    The operators are Gather, Sub and Div, each only where it changes something, and Softmax. Raises
    :class:`RetargetError` where the model does not take one float32 tensor of pictures (N, C, H, W), or
    does not answer with logits (N, classes).
    """
    lines: list[str] = []
    if steps.normalisation:
        lines += _normalise(model, steps.normalisation)
    if steps.softmax:
        lines.append(_softmax(model))
    return lines


def _normalise(model: onnx.ModelProto, wanted: Normalisation) -> list[str]:
    picture = _pictures(model.graph, len(wanted.offset))
    steps = _steps(wanted, picture, _opset(model) < _BROADCASTING)
    if not steps:
        return []
    taken, result = set(_names(model.graph)), picture.name
    nodes = []
    for step in steps:
        before, result = result, _new_name(f"{picture.name}_{step.operator}", taken)
        tensor = numpy_helper.from_array(step.values, _new_name(f"{result}_values", taken))
        tensor.doc_string = SETTING
        model.graph.initializer.append(tensor)
        if model.ir_version < INITIALIZERS_ALONE:
            model.graph.input.append(
                helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims))
            )
        node = helper.make_node(step.operator, [before, tensor.name], [result], name=result)
        node.attribute.extend(helper.make_attribute(*attribute) for attribute in step.attributes.items())
        nodes.append(node)
    _rename_inputs(model.graph, picture.name, result)
    rest = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*nodes, *rest])
    return [step.told for step in steps]


@dataclass(frozen=True)
class _Step:
    """A node with one constant."""

    operator: str
    values: npt.NDArray[np.generic]
    attributes: Mapping[str, int]
    told: str


def _steps(wanted: Normalisation, picture: onnx.ValueInfoProto, is_old: bool) -> list[_Step]:
    steps = []
    if wanted.turned:
        order = np.arange(len(wanted.offset), dtype=np.int64)[::-1].copy()
        steps.append(_Step("Gather", order, {"axis": 1}, "Embedded: the channels in the opposite order"))
    for operator, values, nothing in (("Sub", wanted.offset, 0), ("Div", wanted.divisor, 1)):
        constant = np.array(values, np.float32).reshape(-1, 1, 1)
        if (constant == nothing).all():
            continue
        told = f"Embedded: {operator} of {', '.join(f'{value:.6g}' for value in values)} by channel"
        if is_old:  # an axis would do for one value of each channel, but there are runtimes that pass over it
            constant = np.broadcast_to(constant, (len(values), *_sides(picture))).copy()
        steps.append(
            _Step(operator, constant if is_old else constant[None], {"broadcast": 1} if is_old else {}, told)
        )
    return steps


def _softmax(model: onnx.ModelProto) -> str:
    graph = model.graph
    _require_logits(graph)
    output, taken = graph.output[0].name, set(_names(graph))
    logits = _new_name(f"{output}_logits", taken)
    _rename_inputs(graph, output, logits)
    for node in graph.node:
        for place, name in enumerate(node.output):
            if name == output:
                node.output[place] = logits
    name = _new_name(f"{output}_Softmax", taken)
    graph.node.append(helper.make_node("Softmax", [logits], [output], name=name, axis=1))
    return "Embedded: Softmax over the classes"


def _pictures(graph: onnx.GraphProto, channels: int) -> onnx.ValueInfoProto:
    """The one input that is no constant."""
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    if len(inputs) != 1:
        names = ", ".join(repr(value.name) for value in inputs)
        raise RetargetError(
            f"a normalisation is put before one input, and the model has {len(inputs)}: {names}"
        )
    tensor = inputs[0].type.tensor_type
    axes = _axes(inputs[0])
    if tensor.elem_type != onnx.TensorProto.FLOAT or len(axes) != 4 or axes[1] not in (channels, "?"):
        kind = onnx.TensorProto.DataType.Name(tensor.elem_type).lower()
        raise RetargetError(
            f"a normalisation of {channels} channels is put before float pictures (N, C, H, W), and the "
            f"input {inputs[0].name!r} is {kind} of shape {axes}"
        )
    picture: onnx.ValueInfoProto = inputs[0]
    return picture


def _require_logits(graph: onnx.GraphProto) -> None:
    axes = {value.name: _axes(value) for value in graph.output}
    if len(axes) != 1 or len(next(iter(axes.values()))) not in (0, 2):
        told = ", ".join(f"{name!r} of shape {shape}" for name, shape in axes.items())
        raise RetargetError(f"Softmax is put behind logits (N, classes), and the model answers with {told}")


def _axes(value: onnx.ValueInfoProto) -> list[int | str]:
    return [axis.dim_value or "?" for axis in value.type.tensor_type.shape.dim]


def _sides(picture: onnx.ValueInfoProto) -> list[int]:
    """The height and width of the pictures."""
    sides = [int(axis.dim_value) for axis in picture.type.tensor_type.shape.dim[2:]]
    if not all(sides):
        raise RetargetError(
            f"below opset {_BROADCASTING} a normalisation needs the height and width of the input "
            f"{picture.name!r}, which are open; give the file a fixed size"
        )
    return sides


def _opset(model: onnx.ModelProto) -> int:
    return next(int(entry.version) for entry in model.opset_import if entry.domain in DEFAULT_DOMAINS)


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """A graph, with the branches and bodies in it."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (*([attribute.g] if attribute.HasField("g") else ()), *attribute.graphs):
                yield from _graphs(inner)


def _names(graph: onnx.GraphProto) -> Iterator[str]:
    for inner in _graphs(graph):
        yield from (tensor.name for tensor in inner.initializer)
        yield from (value.name for value in (*inner.input, *inner.output))
        for node in inner.node:
            yield from (node.name, *node.input, *node.output)


def _rename_inputs(graph: onnx.GraphProto, old: str, new: str) -> None:
    """Let all that takes ``old`` take ``new``: nodes, and those in branches and bodies, which see it too."""
    for inner in _graphs(graph):
        for node in inner.node:
            for place, name in enumerate(node.input):
                if name == old:
                    node.input[place] = new
        for value in inner.output:
            if inner is not graph and value.name == old:  # a branch may hand on what it sees
                value.name = new


def _new_name(stem: str, taken: set[str]) -> str:
    name, number = stem, 1
    while name in taken:
        name, number = f"{stem}_{number}", number + 1
    taken.add(name)
    return name
