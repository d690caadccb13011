"""A graph as what its nodes read and write, and the parts of it that can be run by themselves."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import onnx
from onnx import helper

_RANDOM = frozenset(
    {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}
)
FIRST_IR_WITHOUT_INPUTS = 4
"""The IR version from which on initializers need not be inputs of the graph, too."""


@dataclass(frozen=True)
class Given:
    """The type and the lengths of a tensor that is handed to a part of a graph; None for an open one."""

    element: int
    lengths: tuple[int | None, ...]


@dataclass(frozen=True)
class Part:
    """A part of a graph as a model, and its ports."""

    model: onnx.ModelProto
    inputs: tuple[str, ...]
    """The tensors of the whole graph that it is given, in the order of its inputs."""
    outputs: tuple[str, ...]


class Network:
    """The main graph of a model. Inner graphs of If and loops belong to their nodes."""

    def __init__(self, model: onnx.ModelProto) -> None:
        """``model`` may have its weights elsewhere, and is left as it is."""
        self.model = model
        graph = model.graph
        self._initializers = {tensor.name: tensor for tensor in graph.initializer}
        self._sparse = {tensor.values.name: tensor for tensor in graph.sparse_initializer}
        self._declared = {value.name: value for value in graph.input}
        weights = {*self._initializers, *self._sparse}
        self.inputs = tuple(value.name for value in graph.input if value.name not in weights)
        self.outputs = tuple(value.name for value in graph.output)
        self.nodes: list[onnx.NodeProto] = _sorted(graph.node)
        self._reads = [tuple(dict.fromkeys(name for name in read_by(node) if name)) for node in self.nodes]
        self.makers = {name: place for place, node in enumerate(self.nodes) for name in node.output if name}
        self.constant = self._constants(weights)
        self.tensors = tuple(name for name in self.makers if name not in self.constant)
        """What nodes make that depends on an input, in the order of the nodes."""

    def _constants(self, weights: Collection[str]) -> frozenset[str]:
        known = set(weights)
        for node, reads in zip(self.nodes, self._reads, strict=True):
            if node.op_type not in _RANDOM and known.issuperset(reads):
                known.update(name for name in node.output if name)
        return frozenset(known)

    def maker(self, tensor: str) -> onnx.NodeProto:
        """The node that makes ``tensor``."""
        return self.nodes[self.makers[tensor]]

    def initializer(self, name: str) -> onnx.TensorProto | None:
        """The weights of this name, where it is one of weights."""
        return self._initializers.get(name)

    def reads(self, places: Iterable[int]) -> Iterator[str]:
        """All that the nodes at ``places`` read, some of it more than once."""
        for place in places:
            yield from self._reads[place]

    def segment(self, targets: Iterable[str], cuts: Collection[str]) -> list[int]:
        """The places of the nodes that make ``targets`` of tensors among ``cuts``, inputs and weights."""
        waiting, places = [self.makers[name] for name in targets], set[int]()
        while waiting:
            place = waiting.pop()
            if place in places:
                continue
            places.add(place)
            made = (name for name in self._reads[place] if name not in cuts and name in self.makers)
            waiting += [self.makers[name] for name in made]
        return sorted(places)

    def given(self, places: Sequence[int], cuts: Collection[str]) -> tuple[str, ...]:
        """What the nodes at ``places`` are handed: tensors among ``cuts`` and inputs of the graph."""
        return tuple(dict.fromkeys(n for n in self.reads(places) if n in cuts or n in self.inputs))

    def part(self, targets: Sequence[str], given: Mapping[str, Given]) -> Part:
        """The nodes that make ``targets`` of the tensors ``given``, as a model of its own.

        A tensor that is given and also made has another name as an input: ``NAME/given``. The inputs of the
        whole graph need not be among ``given``.
        """
        places = self.segment(targets, given.keys())
        nodes = [_copied(self.nodes[place]) for place in places]
        taken = self.given(places, given.keys())
        made = {name for node in nodes for name in node.output}
        names = {name: f"{name}/given" for name in taken if name in made}
        for node in nodes:
            rename_reads(node, names)
        model = onnx.ModelProto(ir_version=self.model.ir_version, producer_name="diagnose")
        model.opset_import.extend(self.model.opset_import)
        model.functions.extend(self.model.functions)
        graph = model.graph
        graph.name = "part"
        graph.node.extend(nodes)
        for name in taken:
            if name in given:
                graph.input.append(_port(names.get(name, name), given[name]))
            else:
                graph.input.append(self._declared[name])
        self._add_weights(graph, places)
        graph.output.extend(given_output(name) for name in targets)
        return Part(model, taken, tuple(targets))

    def _add_weights(self, graph: onnx.GraphProto, places: Iterable[int]) -> None:
        for name in dict.fromkeys(self.reads(places)):
            if name in self._initializers:
                graph.initializer.append(self._initializers[name])
            elif name in self._sparse:
                graph.sparse_initializer.append(self._sparse[name])
            if name in self._initializers and self.model.ir_version < FIRST_IR_WITHOUT_INPUTS:
                tensor = self._initializers[name]
                graph.input.append(_port(name, Given(tensor.data_type, tuple(tensor.dims))))


def given_output(name: str) -> onnx.ValueInfoProto:
    """An output whose type whoever runs it finds out."""
    return onnx.ValueInfoProto(name=name)


def _port(name: str, given: Given) -> onnx.ValueInfoProto:
    lengths = [f"length{axis}" if length is None else length for axis, length in enumerate(given.lengths)]
    return helper.make_tensor_value_info(name, given.element, lengths)


def _copied(node: onnx.NodeProto) -> onnx.NodeProto:
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    return copy


def _inner(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            yield attribute.g
        yield from attribute.graphs


def read_by(node: onnx.NodeProto) -> Iterator[str]:
    """The names that ``node`` reads of the graph that it is in, those of its inner graphs among them."""
    yield from node.input
    for graph in _inner(node):
        own = {value.name for value in [*graph.input, *graph.initializer]}
        own |= {name for inner in graph.node for name in inner.output}
        for inner in graph.node:
            yield from (name for name in read_by(inner) if name not in own)
        yield from (value.name for value in graph.output if value.name not in own)


def rename_reads(node: onnx.NodeProto, names: Mapping[str, str]) -> None:
    """Let ``node`` read other names, in its inner graphs too: none there may hide one of the outer graph."""
    for place, name in enumerate(node.input):
        node.input[place] = names.get(name, name)
    for graph in _inner(node):
        for inner in graph.node:
            rename_reads(inner, names)
        for value in graph.output:
            value.name = names.get(value.name, value.name)


def _sorted(nodes: Sequence[onnx.NodeProto]) -> list[onnx.NodeProto]:
    """``nodes`` with each behind what it reads, otherwise in their order; in a circle, as they are."""
    makers = {name: place for place, node in enumerate(nodes) for name in node.output if name}
    needs = [{makers[name] for name in read_by(node) if name in makers} for node in nodes]
    readers: dict[int, list[int]] = {}
    for place, each in enumerate(needs):
        for needed in each:
            readers.setdefault(needed, []).append(place)
    left = [len(each) for each in needs]
    ready = [place for place, count in enumerate(left) if count == 0]
    order = []
    while ready:
        place = heapq.heappop(ready)
        order.append(nodes[place])
        for reader in readers.get(place, ()):
            left[reader] -= 1
            if left[reader] == 0:
                heapq.heappush(ready, reader)
    return order if len(order) == len(nodes) else list(nodes)
