"""A graph in float16: weights and computation, but for the nodes that are kept in float32.

Only Casts are added. A node keeps float32 where its operator has no float16 at the opset of the model,
where a weight of it is beyond what float16 holds, and where it is asked to. Every tensor has the type of
the node that makes it, and is cast once for all others that read it in the other type.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from quantization.errors import QuantizationError
from quantization.graph import LARGE, without_weights

LARGEST = float(np.finfo(np.float16).max)
"""65504; what is larger is infinite in float16."""
_MAKERS = frozenset(("Cast", "CastLike", "Constant", "ConstantOfShape", "EyeLike"))
"""Operators that say in an attribute which type they make: they go on making it."""


def to_float16(
    model: onnx.ModelProto, kept: Collection[str] = (), *, keep_io_types: bool = True
) -> onnx.ModelProto:
    """Return ``model``, which is in float32 and of one graph, in float16; the argument is not changed.

    ``kept`` are the names of the nodes that stay in float32. So do inputs and outputs where
    ``keep_io_types``.

    Raises:
        QuantizationError: a node has a subgraph, or the types of the model cannot be inferred.
    """
    for node in model.graph.node:
        if any(attribute.type in (attribute.GRAPH, attribute.GRAPHS) for attribute in node.attribute):
            raise QuantizationError(
                f"{node.op_type} {node.name!r} has a subgraph, and float16 is for graphs without: "
                "simplify the model first, or leave it in float32"
            )
    result = without_weights(model)
    _Conversion(model, result, frozenset(kept), keep_io_types).convert()
    return result


@dataclass
class _Conversion:
    source: onnx.ModelProto
    """What is converted, with the weights, which are in memory once."""
    model: onnx.ModelProto
    """What it becomes."""
    kept: frozenset[str]
    keep_io_types: bool
    half: set[str] = field(default_factory=set)
    """The float tensors that are in float16 now."""
    casts: dict[tuple[str, int], str] = field(default_factory=dict)
    nodes: list[onnx.NodeProto] = field(default_factory=list)

    def __post_init__(self) -> None:
        graph = self.model.graph
        self.floats = _float_tensors(self.source)
        self.weights = {tensor.name: tensor for tensor in self.source.graph.initializer}
        self.taken = {name for node in graph.node for name in (*node.input, *node.output)}
        self.taken |= set(self.weights)

    def convert(self) -> None:
        graph = self.model.graph
        opset = next(entry.version for entry in self.model.opset_import if not entry.domain)
        if not self.keep_io_types:
            self._convert_ports(graph.input, {port.name for port in graph.output})
        halves = [self._can_be_half(node, opset) for node in graph.node]
        outputs = {port.name for port in graph.output}
        for node, is_half in zip(graph.node, halves, strict=True):
            self._convert_node(node, opset, outputs, is_half=is_half)
        if not self.keep_io_types:
            self._finish_outputs(graph)
        del graph.node[:], graph.value_info[:]
        graph.node.extend(self.nodes)
        self._write_weights()

    def _convert_ports(self, inputs: Iterable[onnx.ValueInfoProto], outputs: Collection[str]) -> None:
        for port in inputs:
            if port.name in self.floats and port.name not in self.weights and port.name not in outputs:
                port.type.tensor_type.elem_type = TensorProto.FLOAT16
                self.half.add(port.name)

    def _can_be_half(self, node: onnx.NodeProto, opset: int) -> bool:
        if node.name in self.kept or node.op_type in _MAKERS or node.domain not in ("", "ai.onnx"):
            return False
        touched = [name for name in (*node.input, *node.output) if name in self.floats]
        weights = [self.weights[name] for name in node.input if name in self.weights and name in self.floats]
        return (
            bool(touched) and bool(_float16_inputs(node, opset)) and all(_fits(weight) for weight in weights)
        )

    def _convert_node(
        self, node: onnx.NodeProto, opset: int, outputs: Collection[str], *, is_half: bool
    ) -> None:
        made = onnx.NodeProto()
        made.CopyFrom(node)
        places = _float16_inputs(node, opset) if is_half else set()
        for place, name in enumerate(node.input):
            if name in self.floats:
                wanted = TensorProto.FLOAT16 if place in places else TensorProto.FLOAT
                made.input[place] = self._in_type(name, wanted, node)
        after = []
        for place, name in enumerate(node.output):
            if not is_half or name not in self.floats:
                continue
            if name in outputs and self.keep_io_types:
                made.output[place] = self._fresh(f"{name}_float16")
                after.append(_cast(made.output[place], name, TensorProto.FLOAT))
                self.casts[name, TensorProto.FLOAT16] = made.output[place]
            else:
                self.half.add(name)
        self.nodes += [made, *after]

    def _in_type(self, name: str, wanted: int, node: onnx.NodeProto) -> str:
        """The name of ``name`` in the type that ``node`` reads it in."""
        if name in self.weights:
            if wanted == TensorProto.FLOAT:
                self.casts.setdefault((name, TensorProto.FLOAT), name)
                return name
            return self.casts.setdefault((name, wanted), self._fresh(f"{name}_float16"))
        if wanted == (TensorProto.FLOAT16 if name in self.half else TensorProto.FLOAT):
            return name
        if (name, wanted) not in self.casts:
            suffix = "float16" if wanted == TensorProto.FLOAT16 else "float32"
            cast = self.casts[name, wanted] = self._fresh(f"{name}_{suffix}")
            self.nodes.append(_cast(name, cast, wanted))
        return self.casts[name, wanted]

    def _finish_outputs(self, graph: onnx.GraphProto) -> None:
        for port in graph.output:
            if port.name in self.half:
                port.type.tensor_type.elem_type = TensorProto.FLOAT16

    def _write_weights(self) -> None:
        """Keep each weight in the types in which it is read: mostly float16 alone."""
        graph = self.model.graph
        outputs = {port.name for port in graph.output}
        for tensor in self.weights.values():
            half = self.casts.get((tensor.name, TensorProto.FLOAT16))
            if half is not None and tensor.name in self.floats:
                array = numpy_helper.to_array(tensor).astype(np.float16)
                graph.initializer.append(numpy_helper.from_array(array, half))
            if half is None or (tensor.name, TensorProto.FLOAT) in self.casts or tensor.name in outputs:
                graph.initializer.append(tensor)
        kept = {tensor.name for tensor in graph.initializer}
        inputs = [port for port in graph.input if port.name not in self.weights or port.name in kept]
        for tensor in graph.initializer:
            if tensor.name not in self.weights and len(inputs) < len(graph.input):  # at IR 3 all are inputs
                inputs.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
        copies = [onnx.ValueInfoProto.FromString(port.SerializeToString()) for port in inputs]
        del graph.input[:]
        graph.input.extend(copies)

    def _fresh(self, wanted: str) -> str:
        name, count = wanted, 0
        while name in self.taken:
            count += 1
            name = f"{wanted}_{count}"
        self.taken.add(name)
        return name


def _float_tensors(model: onnx.ModelProto) -> set[str]:
    """The names of the tensors in float32."""
    types = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    try:
        graph = onnx.shape_inference.infer_shapes(_to_infer(model), strict_mode=True).graph
    except onnx.shape_inference.InferenceError as error:
        raise QuantizationError(f"the types of the model cannot be inferred: {error}") from error
    values = (*graph.input, *graph.value_info, *graph.output)
    types |= {value.name: value.type.tensor_type.elem_type for value in values}
    return {name for name, kind in types.items() if kind == TensorProto.FLOAT}


def _to_infer(model: onnx.ModelProto) -> onnx.ModelProto:
    """``model`` with inputs in place of its large weights: inference would copy them four times."""
    result = without_weights(model)
    inputs = {port.name for port in model.graph.input}
    for tensor in model.graph.initializer:
        if len(tensor.raw_data) < LARGE:
            result.graph.initializer.append(tensor)
        elif tensor.name not in inputs:
            result.graph.input.append(
                helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
            )
    return result


def _float16_inputs(node: onnx.NodeProto, opset: int) -> set[int]:
    """The places of the inputs that ``node`` may have in float16; none where its operator has no float16.

    All its outputs that are floats are in float16 then: they have the type of an input.
    """
    schema = onnx.defs.get_schema(node.op_type, opset, "")
    wide = {
        constraint.type_param_str
        for constraint in schema.type_constraints
        if "tensor(float16)" in constraint.allowed_type_strs
    }
    if any(output.type_str == "tensor(float)" for output in schema.outputs):
        return set()
    last = len(schema.inputs) - 1
    return {place for place in range(len(node.input)) if schema.inputs[min(place, last)].type_str in wide}


def _fits(weight: onnx.TensorProto) -> bool:
    array = numpy_helper.to_array(weight)
    finite = np.isfinite(array)
    largest = np.max(array, where=finite, initial=0)
    return bool(max(largest, -np.min(array, where=finite, initial=0)) <= LARGEST)


def _cast(source: str, result: str, kind: int) -> onnx.NodeProto:
    return helper.make_node("Cast", [source], [result], f"{result}_Cast", to=kind)
