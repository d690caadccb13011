"""A graph by its names: who makes a tensor, who reads it, and which are constant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from google.protobuf.message import Message
from onnx import helper, numpy_helper

from quantization.errors import QuantizationError

Array = npt.NDArray[np.float32]
LARGE = 4096
"""Bytes of weights that no operator takes its shape from."""


class Graph:
    """The main graph of a model; what is found once is kept, so the model must not change meanwhile."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.model = model
        self.makers = {name: node for node in model.graph.node for name in node.output if name}
        self.readers: dict[str, list[onnx.NodeProto]] = defaultdict(list)
        for node in model.graph.node:
            for name in node.input:
                if name:
                    self.readers[name].append(node)
        self.constants = {tensor.name: tensor for tensor in model.graph.initializer}
        for node in model.graph.node:
            if node.op_type == "Constant" and not node.domain:
                for attribute in node.attribute:
                    if attribute.name == "value":
                        self.constants[node.output[0]] = attribute.t
        self.outputs = {port.name for port in model.graph.output}
        self._taken = {*self.makers, *self.readers, *self.constants, *self.outputs}
        self._taken |= {port.name for port in model.graph.input}
        self._fresh: dict[str, str] = {}

    @property
    def opset(self) -> int:
        """The version of the standard operators."""
        return opset_of(self.model)

    def fresh(self, wanted: str) -> str:
        """The name of a new tensor: ``wanted``, or like it where the model has that; the same each time."""
        if wanted not in self._fresh:
            name = wanted
            while name in self._taken:
                name += "_"
            self._taken.add(name)
            self._fresh[wanted] = name
        return self._fresh[wanted]

    def constant(self, name: str) -> npt.NDArray[Any] | None:
        """The value of a tensor that is constant; None where it is not."""
        tensor = self.constants.get(name)
        return None if tensor is None else numpy_helper.to_array(tensor)

    def only_reader(self, name: str) -> onnx.NodeProto | None:
        """The node that alone reads ``name``; None where others do, or it is an output of the model."""
        readers = self.readers.get(name, [])
        return readers[0] if len(readers) == 1 and name not in self.outputs else None


def attributes_of(node: onnx.NodeProto) -> dict[str, Any]:
    """The attributes of a node, by their names."""
    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def copy_of(node: onnx.NodeProto) -> onnx.NodeProto:
    """Another node that says the same."""
    result = onnx.NodeProto()
    result.CopyFrom(node)
    return result


def opset_of(model: onnx.ModelProto) -> int:
    """The version of the standard operators that ``model`` uses."""
    return int(next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")))


def input_of(model: onnx.ModelProto) -> str:
    """The name of the one input of a classifier: float32 (N, C, H, W). Raises QuantizationError."""
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = [port.name for port in model.graph.input if port.name not in constants]
    if len(inputs) != 1 or len(model.graph.output) != 1:
        raise QuantizationError(
            f"the model has {len(inputs)} inputs and {len(model.graph.output)} outputs, and a classifier has "
            "one of each"
        )
    return str(inputs[0])


def fixed_batch(model: onnx.ModelProto) -> int | None:
    """How many pictures ``model`` takes at a time; None where any number will do."""
    source = input_of(model)
    [port] = [port for port in model.graph.input if port.name == source]
    return int(port.type.tensor_type.shape.dim[0].dim_value) or None


def batches(pictures: Array, at_once: int, fixed: int | None) -> Iterator[Array]:
    """``pictures`` by ``at_once``, or by ``fixed``: then the last picture again fills the last batch up."""
    length = fixed or at_once
    for start in range(0, len(pictures), length):
        some = pictures[start : start + length]
        if fixed:
            some = np.concatenate([some, np.repeat(some[-1:], length - len(some), axis=0)])
        yield np.ascontiguousarray(some)


def joined(answers: Sequence[Array], count: int) -> Array:
    """The logits, float32 (count, classes), of what a model answers to each of :func:`batches`."""
    return np.concatenate([np.asarray(some, np.float32).reshape(len(some), -1) for some in answers])[:count]


def work_of(model: onnx.ModelProto) -> dict[str, int]:
    """The multiply-adds of each node that can be quantised, for one picture, by its name.

    Shapes are those that can be inferred; a length that is not known counts as 1.
    """
    graph = onnx.shape_inference.infer_shapes(model).graph
    shapes = {
        value.name: [dimension.dim_value or 1 for dimension in value.type.tensor_type.shape.dim]
        for value in (*graph.input, *graph.value_info, *graph.output)
    }
    weights = {name: list(tensor.dims) for name, tensor in Graph(model).constants.items()}
    work = {}
    for node in graph.node:
        if node.op_type in ("Conv", "Gemm", "MatMul") and node.input[1] in weights:
            weight = weights[node.input[1]]
            places = shapes.get(node.output[0], [1])
            if node.op_type == "Conv":
                outer = int(np.prod(places[2:], dtype=np.int64))
                work[node.name] = outer * int(np.prod(weight, dtype=np.int64))
            else:
                outer = int(np.prod(places[1:-1], dtype=np.int64))
                work[node.name] = outer * int(np.prod(weight, dtype=np.int64))
    return work


def without_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of ``model`` without its initializers."""
    result = onnx.ModelProto()
    _copy(model, result, "graph")
    _copy(model.graph, result.graph, "initializer")
    return result


def _copy(source: Message, target: Message, left_out: str) -> None:
    """Copy all fields of a message to another of its kind, but for one."""
    for field, value in source.ListFields():
        if field.name == left_out:
            continue
        if field.is_repeated:
            getattr(target, field.name).extend(value)
        elif field.message_type:
            getattr(target, field.name).CopyFrom(value)
        else:
            setattr(target, field.name, value)
