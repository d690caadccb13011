"""One node's rewriting: what an adapter may ask and change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from opsets.errors import CannotAdapt


def remove_dead(model: ir.Model) -> None:
    """Remove nodes and constants that nothing uses."""
    for node in reversed(list(model.graph.all_nodes())):
        graph = node.graph
        if graph is None or any(value.uses() or value.is_graph_output() for value in node.outputs):
            continue
        for attribute in node.attributes.values():
            if attribute.type == ir.AttributeType.GRAPH:
                for inner in attribute.as_graph().all_nodes():
                    inner.resize_inputs(0)  # what stands inside uses nothing of the outside any more
        graph.remove(node, safe=True)
    for graph in (model.graph, *model.graph.subgraphs()):
        for name, value in list(graph.initializers.items()):
            if not (value.uses() or value.is_graph_output() or value.is_graph_input()):
                del graph.initializers[name]


class Rewrite:
    """The view that an adapter has of the node that it rewrites.

    New nodes stand before the old one and are named after it; new constants are initialisers of
    the same graph.
    """

    def __init__(self, node: ir.Node, taken: set[str]) -> None:
        self.node = node
        self._taken = taken
        self.touched = False

    # What may be asked

    def input(self, index: int) -> ir.Value | None:
        """Input ``index``, or None where it is left out."""
        return self.node.inputs[index] if index < len(self.node.inputs) else None

    def required(self, index: int) -> ir.Value:
        """Input ``index``, which the operator cannot do without."""
        value = self.input(index)
        if value is None:
            raise CannotAdapt(f"input {index} is missing")
        return value

    def constant(self, index: int, meaning: str) -> npt.NDArray[Any] | None:
        """The values of input ``index``, or None where it is left out; it has to be a constant."""
        value = self.input(index)
        if value is None:
            return None
        tensor = None
        if not value.is_graph_input():
            tensor = ir.convenience.get_const_tensor(value)
        if tensor is None:
            raise CannotAdapt(f"its {meaning} ({value.name}) are computed at run time, not constant")
        return tensor.numpy()

    def integer(self, name: str, default: int) -> int:
        attribute = self.node.attributes.get(name)
        return default if attribute is None else attribute.as_int()

    def text(self, name: str, default: str) -> str:
        attribute = self.node.attributes.get(name)
        return default if attribute is None else attribute.as_string()

    def real(self, name: str, default: float) -> float:
        attribute = self.node.attributes.get(name)
        return default if attribute is None else attribute.as_float()

    def rank(self, value: ir.Value) -> int:
        """The number of axes of ``value``."""
        if value.shape is None:
            raise CannotAdapt(f"the number of axes of {value.name} is not known")
        return len(value.shape)

    def is_used(self, output: int) -> bool:
        if output >= len(self.node.outputs):
            return False
        value = self.node.outputs[output]
        return bool(value.uses()) or value.is_graph_output()

    # What may be changed

    def set_attribute(self, name: str, value: Any) -> None:
        self.touched = True
        self.node.attributes[name] = ir.convenience.convert_attribute(name, value)

    def drop_attribute(self, name: str) -> None:
        if self.node.attributes.pop(name, None) is not None:
            self.touched = True

    def keep_inputs(self, count: int) -> None:
        """Cut the inputs after the first ``count``."""
        if len(self.node.inputs) > count:
            self.touched = True
            self.node.resize_inputs(count)

    def keep_outputs(self, count: int) -> None:
        """Cut the outputs after the first ``count``, of which none may be used."""
        for index in range(count, len(self.node.outputs)):
            if self.is_used(index):
                raise CannotAdapt(f"its output {index} is used, and the older form has none like it")
        if len(self.node.outputs) > count:
            self.touched = True
            self.node.resize_outputs(count)

    def initializer(self, array: npt.NDArray[Any], purpose: str) -> ir.Value:
        """A new constant of the graph."""
        name = self._fresh(f"{self._stem()}_{purpose}")
        value = ir.Value(
            name=name,
            shape=ir.Shape(array.shape),
            type=ir.TensorType(ir.DataType.from_numpy(array.dtype)),
            const_value=ir.tensor(array, name=name),
        )
        self._graph().register_initializer(value)
        return value

    def number(self, value: float, like: ir.Value, purpose: str) -> ir.Value:
        """A new scalar constant of the float type of ``like``."""
        kind = np.dtype(np.float32) if like.dtype is None else like.dtype.numpy()
        return self.initializer(np.array(value, dtype=kind), purpose)

    def set_input(self, index: int, value: ir.Value | None) -> None:
        self.touched = True
        if index >= len(self.node.inputs):
            self.node.resize_inputs(index + 1)
        self.node.replace_input_with(index, value)

    def add(
        self,
        operator: str,
        inputs: Sequence[ir.Value | None],
        attributes: Mapping[str, Any] | None = None,
        *,
        shape: ir.Shape | None = None,
    ) -> ir.Value:
        """The output of a new node, which has the type of this one's first output."""
        like = self.node.outputs[0]
        name = self._fresh(f"{self._stem()}_{operator}")
        output = ir.Value(name=name, type=like.type, shape=shape)
        node = ir.node(operator, inputs, attributes or {}, outputs=[output], name=name)
        self._graph().insert_before(self.node, node)
        return output

    def replace(self, *values: ir.Value) -> None:
        """Let ``values``, made by :meth:`add`, take the place and the names of this node's outputs."""
        self.touched = True
        graph = self._graph()
        for old, new in zip(self.node.outputs, values, strict=False):
            name = old.name or new.name  # an optional output that is left out has an empty name
            new.shape, new.type = new.shape or old.shape, new.type or old.type
            if old.is_graph_output():
                new.shape, new.type = old.shape, old.type
            ir.convenience.replace_all_uses_with(old, new, replace_graph_outputs=True)
            old.name, new.name = self._fresh(f"{name}_replaced"), name
        graph.remove(self.node, safe=True)

    def _graph(self) -> ir.Graph:
        graph = self.node.graph
        if not isinstance(graph, ir.Graph):
            raise CannotAdapt("it stands in a function; inline the model's functions first")
        return graph

    def _stem(self) -> str:
        return self.node.name or self.node.outputs[0].name or self.node.op_type

    def _fresh(self, wanted: str) -> str:
        name, count = wanted, 1
        while name in self._taken:
            name, count = f"{wanted}_{count}", count + 1
        self._taken.add(name)
        return name
