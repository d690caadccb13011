"""What the rewriting of all nodes of one model shares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from opsets.inference import Length, ShapeInference


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

    def initializer(self, array: npt.NDArray[Any], name: str) -> ir.Value:
        """A new constant of the main graph: subgraphs see it, and at IR 3 it has to be an input there."""
        name = self.fresh(name)
        value = ir.Value(
            name=name,
            shape=ir.Shape(array.shape),
            type=ir.TensorType(ir.DataType.from_numpy(array.dtype)),
            const_value=ir.tensor(np.ascontiguousarray(array).reshape(array.shape), name=name),
        )
        self.model.graph.register_initializer(value)
        return value

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


def _inside(node: ir.Node) -> Iterator[ir.Node]:
    """The nodes of the branches and bodies of ``node``."""
    for attribute in node.attributes.values():
        if attribute.type == ir.AttributeType.GRAPH:
            yield from attribute.as_graph().all_nodes()
