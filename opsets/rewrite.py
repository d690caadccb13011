"""One node's rewriting: what an adapter may ask and change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.facts.length_rules import Entries
from opsets.facts.lengths import Length, are_of_one
from opsets.facts.types import refused_type
from opsets.facts.values import Evaluator
from opsets.tidying.definition import write_definition
from opsets.walk import Walk, stem_of

NOT_LEARNED = "computed for an older opset, not learned"
"""The ``doc_string`` of constants that could be taken for weights: who counts parameters leaves them out."""


class Rewrite:
    """The view that an adapter has of the node that it rewrites.

    New nodes stand before the old one, are named after it, and are of the opset that the step leads
    to; new constants are initialisers of the main graph.
    """

    def __init__(self, node: ir.Node, walk: Walk) -> None:
        self.node = node
        self._walk = walk
        self.touched = False

    # What may be asked

    @property
    def opset(self) -> int:
        """The opset that the step leads to."""
        return self._walk.inference.opset

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
        """The elements of input ``index``, or None where it is left out; it has to be a constant."""
        value = self.input(index)
        if value is None:
            return None
        array = self.constant_or_none(value)
        if array is None:
            raise CannotAdapt(f"its {meaning} ({value.name}) are computed at run time, not constant")
        return array

    def constant_or_none(self, value: ir.Value) -> npt.NDArray[Any] | None:
        """The elements of ``value`` if they are constant, be it through a chain of nodes."""
        return self._walk.constants.array(value, self._walk.leaves)

    def constant_unless_weight(self, value: ir.Value) -> npt.NDArray[Any] | None:
        """The elements of ``value`` if they are constant and no weight of the source is among them.

        For rewrites that can make another constant of it, or add nodes that do: weights get the nodes.
        """
        return None if self._walk.constants.is_made_of_weights(value) else self.constant_or_none(value)

    def lengths_in(self, value: ir.Value) -> Entries | None:
        """The elements of ``value``, a tensor of integers that only lengths of axes and constants decide.

        An array of objects, ints or sympy expressions of lengths; None where they do not follow.
        """
        return Evaluator(self._walk.inference).entries(value)

    def has(self, name: str) -> bool:
        """Whether the attribute is given."""
        return name in self.node.attributes

    def integer(self, name: str, default: int) -> int:
        attribute = self.node.attributes.get(name)
        return default if attribute is None else attribute.as_int()

    def integers(self, name: str) -> list[int] | None:
        attribute = self.node.attributes.get(name)
        return None if attribute is None else list(attribute.as_ints())

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

    def lengths(self, value: ir.Value) -> list[Length]:
        """The length of each axis of ``value``: an int, or a sympy expression, equal where they are."""
        self.rank(value)
        return self._walk.inference.lengths(value)

    def shape(self, lengths: Sequence[Length]) -> ir.Shape:
        """The shape with ``lengths``, for :meth:`add`."""
        return self._walk.inference.shape(list(lengths))

    def length(self, value: ir.Value, axis: int) -> int:
        """The length of one axis of ``value``, which has to be known; ``axis`` may be negative."""
        length = self.lengths(value)[axis]
        if not isinstance(length, int):
            raise CannotAdapt(f"the length of axis {axis} of {value.name} is not fixed ({length})")
        return length

    def kind(self, value: ir.Value) -> np.dtype[Any]:
        """The type of the elements of ``value``."""
        if value.dtype is None:
            raise CannotAdapt(f"the type of {value.name} is not known")
        return value.dtype.numpy()

    def is_used(self, output: int) -> bool:
        if output >= len(self.node.outputs):
            return False
        value = self.node.outputs[output]
        return bool(value.uses()) or value.is_graph_output()

    def carrier(self, length: Length) -> tuple[ir.Value, int]:
        """A tensor of floats that stands before this node and has an axis of ``length``, and that axis."""
        found = self._walk.carrier(length, self.node)
        if found is None:
            raise CannotAdapt(f"no tensor at hand has an axis of length {length}")
        return found

    def has_carrier(self, length: Length) -> bool:
        """Whether :meth:`carrier` finds a tensor."""
        return self._walk.carrier(length, self.node) is not None

    def common(self, first: Length, second: Length) -> Length:
        """The length that numpy's rules bring axes of two lengths to.

        Open lengths that are made of the same ones are equal wherever the model is valid, unless one
        of them is 1: a bound says so. Raises :class:`CannotAdapt` where nothing is known.
        """
        if second in (first, 1):
            return first
        if first == 1:
            return second
        if not are_of_one(first, second):
            raise CannotAdapt(f"whether lengths {first} and {second} are equal is not known")
        self.bound(
            f"{self.node.op_type} below {self.opset + 1}: exact where {first} equals {second}, "
            "as it does unless one of them is 1"
        )
        return self._walk.inference.take_as_equal(first, second)

    # What may be changed

    def bound(self, text: str) -> None:
        """Say what is not exact about this rewrite, such as ``Erf: absolute error at most 1e-6``."""
        self._walk.bounds[text] = None

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
                raise CannotAdapt(f"its output {index} is used, and opset {self.opset} has none like it")
        if len(self.node.outputs) > count:
            self.touched = True
            self.node.resize_outputs(count)

    def set_input(self, index: int, value: ir.Value | None) -> None:
        self.touched = True
        if index >= len(self.node.inputs):
            self.node.resize_inputs(index + 1)
        self.node.replace_input_with(index, value)

    def initializer(self, array: npt.NDArray[Any], purpose: str) -> ir.Value:
        """A new constant."""
        return self._walk.initializer(array, f"{stem_of(self.node)}_{purpose}")

    def ones(self, shape: tuple[int, int], kind: np.dtype[Any]) -> ir.Value:
        """A constant full of ones, one of each shape and type for the whole model; none of its weights."""
        return self._walk.ones(shape, kind, NOT_LEARNED)

    def factors(self, array: npt.NDArray[Any], purpose: str) -> ir.Value:
        """A new constant to multiply with, which says of itself that it is none of the model's weights."""
        return self._walk.initializer(array, f"{stem_of(self.node)}_{purpose}", NOT_LEARNED)

    def number(self, value: float, like: ir.Value, purpose: str) -> ir.Value:
        """A new scalar constant of the type of ``like``."""
        return self.initializer(np.array(value, dtype=self.kind(like)), purpose)

    def add(
        self,
        operator: str,
        inputs: Sequence[ir.Value | None],
        attributes: Mapping[str, Any] | None = None,
        *,
        shape: ir.Shape | None = None,
        kind: ir.DataType | None = None,
    ) -> ir.Value:
        """The output of a new node of the opset that the step leads to.

        Its type and shape are inferred; ``shape`` and ``kind`` say what inference cannot know.
        """
        return self.add_many(operator, inputs, attributes, 1, shape=shape, kind=kind)[0]

    def add_many(
        self,
        operator: str,
        inputs: Sequence[ir.Value | None],
        attributes: Mapping[str, Any] | None = None,
        count: int = 1,
        *,
        shape: ir.Shape | None = None,
        kind: ir.DataType | None = None,
    ) -> list[ir.Value]:
        """The ``count`` outputs of a new node, as :meth:`add`."""
        name = self._walk.fresh(f"{stem_of(self.node)}_{operator}")
        names = [name if index == 0 else self._walk.fresh(f"{name}_{index}") for index in range(count)]
        outputs = [ir.Value(name=own) for own in names]
        node = ir.node(operator, inputs, attributes or {}, outputs=outputs, name=name)
        reason = refused_type(node, self.opset)
        if reason:
            raise CannotAdapt(f"it would become {operator}, where {reason}")
        self._walk.put_before(self.node, node)
        for output in outputs:
            if shape is not None:
                output.shape = shape
            if kind is not None:
                output.type = ir.TensorType(kind)
            elif output.type is None:
                output.type = self.node.outputs[0].type
        return outputs

    def definition(self) -> list[ir.Value]:
        """The outputs of the operator's definition in the onnx package, a function, written out here.

        Its nodes have to mean the same at the opset that the step leads to. Raises :class:`CannotAdapt`
        where it has none.
        """
        return write_definition(self._walk, self.node, self._walk.leaves)

    def replace(self, *values: ir.Value) -> None:
        """Let ``values``, made by :meth:`add`, take the place and the names of this node's outputs.

        The node that makes the first of them takes the name of this one.
        """
        self.touched = True
        graph = self.node.graph
        assert graph is not None
        for old, new in zip(self.node.outputs, values, strict=False):
            name = old.name or new.name  # an optional output that is left out has an empty name
            new.shape, new.type = new.shape or old.shape, new.type or old.type
            if old.is_graph_output():
                new.shape, new.type = old.shape, old.type
            ir.convenience.replace_all_uses_with(old, new, replace_graph_outputs=True)
            old.name, new.name = self._walk.fresh(f"{name}_replaced"), name
        maker = values[0].producer()
        assert maker is not None
        if self.node.name:
            maker.name = self.node.name
        graph.remove(self.node, safe=True)

    def forward(self, value: ir.Value) -> None:
        """Let an existing ``value`` take the place of this node's first output; the others are unused."""
        self.touched = True
        output, graph = self.node.outputs[0], self.node.graph
        assert graph is not None
        if output.is_graph_output():
            self.replace(self.add("Identity", [value], shape=value.shape))
            return
        ir.convenience.replace_all_uses_with(output, value)
        graph.remove(self.node, safe=True)
