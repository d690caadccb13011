"""What the rewriting of all nodes of one model shares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from opsets.facts.constants import Array, computed
from opsets.facts.inference import Length, ShapeInference
from opsets.obstacles import ORIGIN, origin_of


@dataclass
class Walk:
    """One model on its way down."""

    model: ir.Model
    inference: ShapeInference
    """Types and shapes at the opset that the step leads to."""
    taken: set[str]
    """Every name in the model."""
    weights: frozenset[str] = frozenset()
    """Names of the source's constants of floats, which stay as they are: nothing is computed of them."""
    bounds: dict[str, None] = field(default_factory=dict)
    """What is not exact, each said once, in order."""

    def fresh(self, wanted: str) -> str:
        """A name that nothing has yet."""
        name, count = wanted, 1
        while name in self.taken:
            name, count = f"{wanted}_{count}", count + 1
        self.taken.add(name)
        return name

    def initializer(self, array: npt.NDArray[Any], name: str, doc_string: str | None = None) -> ir.Value:
        """A new constant of the main graph: subgraphs see it, and at IR 3 it has to be an input there."""
        name = self.fresh(name)
        value = ir.Value(
            name=name,
            shape=ir.Shape(array.shape),
            type=ir.TensorType(ir.DataType.from_numpy(array.dtype)),
            const_value=ir.tensor(
                np.ascontiguousarray(array).reshape(array.shape), name=name, doc_string=doc_string
            ),
        )
        self.model.graph.register_initializer(value)
        return value

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

    def computed_without_weights(self, node: ir.Node, opset: int) -> list[Array] | None:
        """What ``node`` computes at ``opset``, if it is constant and made of no weight."""
        if any(value is not None and value.name in self.weights for value in node.inputs):
            return None  # and a large one has not been computed with for nothing
        arrays = computed(node, opset)
        if arrays is None or any(map(self.is_made_of_weights, filter(None, node.inputs))):
            return None
        return arrays

    def is_made_of_weights(self, value: ir.Value) -> bool:
        """Whether a constant ``value`` is a weight or computed of one."""
        node = value.producer()
        if node is None:
            return value.name in self.weights
        return any(source is not None and self.is_made_of_weights(source) for source in node.inputs)

    def carrier(self, length: Length, before: ir.Node) -> tuple[ir.Value, int] | None:
        """A tensor of floats that stands before a node and has an axis of ``length``, and that axis."""
        values = list(self.model.graph.inputs)
        for node in self.model.graph:
            if node is before or any(inner is before for inner in _inside(node)):
                break
            values += node.outputs
        for value in values:
            if value.shape is None or value.dtype != ir.DataType.FLOAT or value.const_value is not None:
                continue
            lengths = self.inference.lengths(value)
            if length in lengths:
                return value, lengths.index(length)
        return None


def stem_of(node: ir.Node) -> str:
    """What the names of that which stands for ``node`` begin with."""
    return node.name or node.outputs[0].name or node.op_type


def _inside(node: ir.Node) -> Iterator[ir.Node]:
    """The nodes of the branches and bodies of ``node``."""
    for attribute in node.attributes.values():
        if attribute.type == ir.AttributeType.GRAPH:
            yield from attribute.as_graph().all_nodes()
