"""What a comparison has found: the tensor, the nodes that make it, and what these were given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from opsets.files.external import is_external, region_of
from parity.diagnosis.difference import Values, Worst, difference
from parity.diagnosis.graphs import Network
from pipeline.diagnosis.running import Runner, Side, Tensors, given_of


@dataclass(frozen=True)
class Finding:
    """A tensor that nodes compute otherwise than the reference, although they are given the reference's."""

    side: Side
    """Of these nodes."""
    tensor: str
    reference: str
    """What the reference calls it: a tensor, or a layer of a framework."""
    nodes: tuple[onnx.NodeProto, ...]
    """Those that make it of tensors that are given, in their order; the last one makes it."""
    worst: Worst
    given: Tensors
    """On the data set where it is the worst."""
    expected: Values
    rewrite: str = ""
    """What made these nodes, where the file was made of the reference."""
    weights: str = ""
    """How the weights of these nodes differ from those of the reference, where they do."""
    others: tuple[str, ...] = ()
    """The operators of all the other tensors that differ by themselves."""

    @property
    def node(self) -> onnx.NodeProto:
        return self.nodes[-1]


@dataclass(frozen=True)
class Outcome:
    """What came of one comparison."""

    title: str
    finding: Finding | None
    text: str
    """What there is to say where nothing was found, or beside it."""
    differs: bool
    """Whether something differs beyond the tolerance, found or not."""


def finding_of(
    side: Side, tensor: str, reference: str, given: Tensors, expected: Values, worst: Worst
) -> Finding:
    """The finding that ``side`` makes another ``tensor`` of what it is ``given``."""
    places = side.network.segment([tensor], given.keys())
    return Finding(
        side, tensor, reference, tuple(side.network.nodes[place] for place in places), worst, given, expected
    )


def computed_of(runner: Runner, side: Side, tensor: str, given: Tensors, data_set: str) -> Values:
    """What the nodes of ``side`` between ``given`` and ``tensor`` compute. Raises NotRunError."""
    part = side.network.part([tensor], given_of([*given], {data_set: given}, side.facts))
    return runner.run(part, side.runtime, {data_set: given})[data_set][tensor]


def rewrite_of(finding: Finding, first: Network, rewrites: Sequence[str]) -> str:
    """Which of ``rewrites``, the lines of the report on how the file was made, made the nodes of a finding.

    They name operators, and not nodes: it is those of the node that made the tensor before, and of the ones
    that make it now.
    """
    if finding.reference not in first.makers:
        return f"none: it was the input {finding.reference!r}"
    before = first.maker(finding.reference)
    if [_meaning(node) for node in finding.nodes] == [_meaning(before)]:
        return "none: the node is as it was before"
    operators = {before.op_type, *(node.op_type for node in finding.nodes)}
    lines = [line for line in rewrites if line.partition(" ")[0] in operators and " to " in line]
    lines = lines or [line for line in rewrites if line.startswith(("Nodes folded", "Declared"))]
    return f"{'; '.join(lines) or 'no line of the report names it'} (it was {described(before)})"


def _meaning(node: onnx.NodeProto) -> bytes:
    """A node without its name and the order of its attributes."""
    copy = onnx.NodeProto(op_type=node.op_type, domain=node.domain, input=node.input, output=node.output)
    copy.attribute.extend(sorted(node.attribute, key=lambda each: each.name))
    return bytes(copy.SerializeToString(deterministic=True))


def described(node: onnx.NodeProto) -> str:
    """A node as a person knows it: operator, name and attributes."""
    domain = f"{node.domain}." if node.domain not in ("", "ai.onnx") else ""
    attributes = ", ".join(f"{each.name}={_value(each)}" for each in node.attribute)
    name = repr(node.name or node.output[0])
    return f"{domain}{node.op_type} {name}{f' with {attributes}' if attributes else ''}"


_LONGEST = 80


def _value(attribute: onnx.AttributeProto) -> str:
    if attribute.type == onnx.AttributeProto.FLOAT:
        return f"{attribute.f:.7g}"
    if attribute.type in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS):
        return "a graph"
    if attribute.type == onnx.AttributeProto.TENSOR:
        return f"a tensor of shape {list(attribute.t.dims)}"
    value = helper.get_attribute_value(attribute)
    text = str(value.decode(errors="replace") if isinstance(value, bytes) else value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def other_weights(finding: Finding, first: Network) -> str:
    """Which weights of the nodes differ from those that ``first`` has under the same names."""
    said = []
    for node in finding.nodes:
        for name in node.input:
            ours, theirs = first.initializer(name), finding.side.network.initializer(name)
            if ours is None or theirs is None:
                continue
            apart = difference(_array(ours), _array(theirs))
            if apart.relative > 0:
                said.append(f"{name!r}: {apart.text}")
    return "; ".join(dict.fromkeys(said))


def _array(tensor: onnx.TensorProto) -> Values:
    if not is_external(tensor):
        return np.asarray(numpy_helper.to_array(tensor))
    region = region_of(tensor)
    with Path(region.path).open("rb") as stream:
        stream.seek(region.offset)
        data = stream.read(region.length)
    whole = onnx.TensorProto(data_type=tensor.data_type, dims=tensor.dims, raw_data=data)
    return np.asarray(numpy_helper.to_array(whole))


def weights_of(finding: Finding) -> Tensors:
    """The weights that the nodes read, by their names."""
    names = dict.fromkeys(name for node in finding.nodes for name in node.input)
    tensors = {name: finding.side.network.initializer(name) for name in names}
    return {name: _array(tensor) for name, tensor in tensors.items() if tensor is not None}
