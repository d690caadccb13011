"""What the rewriting of all nodes of one model shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, takewhile
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from opsets.facts.constants import Constants, Content, content_of
from opsets.facts.inference import ShapeInference
from opsets.facts.lengths import Length
from opsets.nodes import graphs_of, nodes_of
from opsets.obstacles import ORIGIN, origin_of


@dataclass
class Walk:
    """One model on its way down or up."""

    model: ir.Model
    inference: ShapeInference
    """Types and shapes at the opset that the step leads to."""
    taken: set[str]
    """Every name in the model."""
    constants: Constants = field(default_factory=Constants)
    """What is constant; the weights in it are the source's constants of floats, which stay as they are."""
    bounds: dict[str, None] = field(default_factory=dict)
    """What is not exact, each said once, in order."""
    leaves: int = 0
    """The opset that the step leaves, of which a node is until it is rewritten."""
    _counts: dict[str, int] = field(default_factory=dict)
    """Of each name that was wanted again the number behind the last one given, as none becomes free."""
    _carriers: dict[Length, tuple[ir.Value, int]] = field(default_factory=dict)
    """What was found in this step: what stands before one node stands before those behind it too."""
    _folded: dict[Content, ir.Value] = field(default_factory=dict)
    _ones: dict[tuple[tuple[int, int], np.dtype[Any]], ir.Value] = field(default_factory=dict)

    def begin_step(self, leaves: int, reaches: int) -> None:
        """Begin to lead all nodes, from the first to the last, from opset ``leaves`` to ``reaches``."""
        self.leaves, self.inference.opset = leaves, reaches
        self.constants.forget()
        self._carriers.clear()

    def fresh(self, wanted: str) -> str:
        """A name that nothing has yet."""
        name = wanted
        while name in self.taken:
            count = self._counts[wanted] = self._counts.get(wanted, 0) + 1
            name = f"{wanted}_{count}"
        self.taken.add(name)
        return name

    def initializer(self, array: npt.NDArray[Any], name: str, doc_string: str | None = None) -> ir.Value:
        """A new constant of the main graph: subgraphs see it, and at IR 3 it has to be an input there."""
        name = self.fresh(name)
        value = ir.Value(
            name=name,
            shape=ir.Shape(array.shape),
            type=ir.TensorType(ir.DataType.from_numpy(array.dtype)),
            const_value=ir.Tensor(
                np.ascontiguousarray(array).reshape(array.shape), name=name, doc_string=doc_string
            ),
        )
        self.model.graph.register_initializer(value)
        return value

    def folded(self, array: npt.NDArray[Any], name: str) -> ir.Value:
        """A constant for what was computed of others: one for all that have the same elements."""
        content = content_of(array)
        known = self._folded.get(content)
        if known is None or self.model.graph.initializers.get(str(known.name)) is not known:
            known = self._folded[content] = self.initializer(array, name)
        return known

    def ones(self, shape: tuple[int, int], kind: np.dtype[Any], doc_string: str) -> ir.Value:
        """A constant full of ones, made once for each ``shape`` and ``kind`` however many ask for it."""
        known = self._ones.get((shape, kind))
        if known is None or self.model.graph.initializers.get(str(known.name)) is not known:
            known = self._ones[shape, kind] = self.initializer(np.ones(shape, kind), "ones", doc_string)
        return known

    def add_before(
        self, node: ir.Node, operator: str, inputs: Sequence[ir.Value | None], attributes: Mapping[str, Any]
    ) -> ir.Value:
        """The output, inferred, of a new node before ``node``, after which it is named."""
        name = self.fresh(f"{stem_of(node)}_{operator}")
        made = ir.node(operator, inputs, attributes, outputs=[ir.Value(name=name)], name=name)
        self.put_before(node, made)
        return made.outputs[0]

    def put_before(self, node: ir.Node, made: ir.Node) -> None:
        """Let ``made`` stand before ``node``, the types and shapes of its outputs inferred."""
        assert node.graph is not None
        made.meta[ORIGIN] = origin_of(node)
        node.graph.insert_before(node, made)
        self.inference.infer(made)

    def carrier(self, length: Length, before: ir.Node) -> tuple[ir.Value, int] | None:
        """A tensor of floats that stands before a node and has an axis of ``length``, and that axis."""
        if length not in self._carriers:
            self._look_for_carriers(before)
        return self._carriers.get(length)

    def _look_for_carriers(self, before: ir.Node) -> None:
        """Keep the first carrier of every length, as many lengths may be asked for."""
        nested = before.graph is not self.model.graph

        def stands_before(node: ir.Node) -> bool:
            return node is not before and not (
                nested and any(before in nodes_of(graph) for graph in graphs_of(node))
            )

        made = takewhile(stands_before, self.model.graph)
        for value in chain(self.model.graph.inputs, chain.from_iterable(node.outputs for node in made)):
            if value.shape is None or value.dtype != ir.DataType.FLOAT or value.const_value is not None:
                continue
            for axis, length in enumerate(self.inference.lengths(value)):
                self._carriers.setdefault(length, (value, axis))


def stem_of(node: ir.Node) -> str:
    """What the names of that which stands for ``node`` begin with."""
    return node.name or node.outputs[0].name or node.op_type
