"""A graph in int8, of standard operators alone, in one of two forms.

``int8``: QLinearConv and QLinearMatMul, with a scale for each output channel. ``int8-qdq``: Conv, MatMul and
Gemm between DequantizeLinear and QuantizeLinear, with a scale for each output channel where DequantizeLinear
has an axis, from opset 13 on. Runtimes fuse the latter; who does not know how computes it in float32.

Bytes stay bytes through operators that only move them, and through MaxPool from opset 12 on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from quantization.cleaning import remove_dead, remove_unread, require_standard, without_weights
from quantization.errors import QuantizationError
from quantization.graph import Graph, attributes_of, copy_of
from quantization.parameters import (
    WeightKind,
    bias_scale,
    data_of,
    least_scale,
    parameters_of,
    passes_bytes,
    quantized_bias,
    quantized_weight,
    shared_ranges,
)
from quantization.ranges import Range
from quantization.targets import Target, activation_bounds, targets_in

Form = Literal["int8", "int8-qdq"]
FORMS: tuple[Form, ...] = ("int8", "int8-qdq")
_REQUANTIZED = ("Conv", "ConvTranspose", "Gemm", "MatMul")
LOWEST_OPSET = 10
"""QuantizeLinear, DequantizeLinear, QLinearConv and QLinearMatMul begin there."""


def tensors_to_calibrate(model: onnx.ModelProto) -> list[str]:
    """The tensors whose ranges :func:`write_quantized` may ask for, whichever nodes it leaves out."""
    graph = Graph(model)
    names = {name: None for target in targets_in(graph) for name in (target.source, target.result)}
    for node in model.graph.node:
        if passes_bytes(node, graph):
            names |= dict.fromkeys((*data_of(node), *node.output[:1]))
    return [name for name in names if name not in graph.constants]


def write_quantized(
    model: onnx.ModelProto,
    ranges: Mapping[str, Range],
    form: Form,
    kept: Collection[str] = (),
    weights: WeightKind = "int8",
) -> onnx.ModelProto:
    """``model``, whose nodes have names, in int8; those named in ``kept`` stay in float32.

    ``ranges`` are those of the tensors that :func:`tensors_to_calibrate` names.

    Raises:
        QuantizationError: the opset is below 10, nothing can be quantised, or the result would not be of
            standard operators.
    """
    graph = Graph(model)
    if graph.opset < LOWEST_OPSET:
        raise QuantizationError(
            f"the model is of opset {graph.opset}, and int8 begins at {LOWEST_OPSET}, the lowest possible"
        )
    targets = targets_in(graph, kept)
    if not targets:
        raise QuantizationError("no node of the model is a Conv, Gemm or MatMul with constant weights")
    writer = _Writer(graph, ranges, targets, form, weights)
    nodes = writer.write()
    read = {name for node in nodes for name in node.input} | graph.outputs
    result = without_weights(model)
    result.graph.node.extend(nodes)
    result.graph.initializer.extend(tensor for tensor in model.graph.initializer if tensor.name in read)
    result.graph.initializer.extend(writer.constants.values())
    remove_dead(result)
    remove_unread(result)
    require_standard(result)
    return result


class _Writer:
    """The graph as it is written, node after node."""

    def __init__(
        self,
        graph: Graph,
        ranges: Mapping[str, Range],
        targets: list[Target],
        form: Form,
        weights: WeightKind,
    ) -> None:
        self._graph, self._form, self._kind = graph, form, weights
        self._targets = {target.node.name: target for target in targets}
        ends = [name for target in targets for name in (target.source, target.result)]
        bounds = {
            target.result: activation_bounds(target.activation, graph)
            for target in targets
            if target.activation
        }
        shared = shared_ranges(graph, ranges, ends, bounds)
        missing = [name for name in ends if name not in shared]
        if missing:
            raise QuantizationError(f"the range of the tensor {missing[0]!r} is not known; calibrate it")
        self._parameters = {name: parameters_of(range_) for name, range_ in shared.items()}
        self._of_activations = bounds.keys()
        self.constants: dict[str, onnx.TensorProto] = {}
        """Those that were made."""
        self._bytes: dict[str, str] = {}
        """The tensor of bytes that stands for a tensor of floats."""
        self._floats = {port.name for port in graph.model.graph.input}
        """The tensors of floats that are there."""
        self._nodes: list[onnx.NodeProto] = []

    def write(self) -> list[onnx.NodeProto]:
        for node in self._graph.model.graph.node:
            if node.name in self._targets:
                self._write_target(self._targets[node.name])
            elif node.output[0] in self._of_activations:
                continue  # the range of the node before it does the same
            elif self._moves_bytes(node):
                self._write_moved(node)
            else:
                self._write_float(node)
        for name in self._graph.outputs:
            self._float(name)
        return self._nodes

    def _write_float(self, node: onnx.NodeProto) -> None:
        made = copy_of(node)
        for place, name in enumerate(node.input):
            if name in self._bytes and node.op_type in _REQUANTIZED:
                made.input[place] = self._multiplied(name)
            else:
                self._float(name)
        self._nodes.append(made)
        self._floats |= set(node.output)

    def _multiplied(self, name: str) -> str:
        """The tensor of floats ``name`` for a node that is to stay in float32, in a session of users too.

        ONNX Runtime quantises a node with weights, per tensor and unasked, where DequantizeLinear comes
        before and QuantizeLinear behind it; not where a Mul does what the scale would have done.
        """
        result = self._graph.fresh(f"{name}_multiplied")
        if result not in self._floats:
            scale, zero = self._constants_of(name)
            one = self._constant("one", np.array(1, np.float32))
            levels = self._graph.fresh(f"{name}_levels")
            self._add("DequantizeLinear", [self._bytes[name], one, zero], levels)
            self._add("Mul", [levels, scale], result)
            self._floats.add(result)
        return result

    def _moves_bytes(self, node: onnx.NodeProto) -> bool:
        if not passes_bytes(node, self._graph) or len(node.output) > 1:
            return False
        if node.op_type == "MaxPool" and self._graph.opset < 12:
            return False
        data = data_of(node)
        one = len({self._parameters.get(name) for name in (*data, node.output[0])}) == 1
        return one and all(name in self._bytes for name in data)

    def _write_moved(self, node: onnx.NodeProto) -> None:
        count = len(data_of(node))
        inputs = [*(self._bytes[name] for name in node.input[:count]), *node.input[count:]]
        for name in node.input[count:]:
            self._float(name)
        made = copy_of(node)
        del made.input[:]
        made.input.extend(inputs)
        made.output[0] = self._bytes_for(node.output[0])
        self._nodes.append(made)

    def _float(self, name: str) -> None:
        """Let the tensor of floats ``name`` be there."""
        if name in self._bytes and name not in self._floats:
            scale, zero = self._constants_of(name)
            self._add("DequantizeLinear", [self._bytes[name], scale, zero], name)
            self._floats.add(name)

    def _quantized(self, name: str) -> str:
        """The tensor of bytes for ``name``."""
        if name not in self._bytes:
            scale, zero = self._constants_of(name)
            self._add("QuantizeLinear", [name, scale, zero], self._bytes_for(name))
        return self._bytes[name]

    def _bytes_for(self, name: str) -> str:
        """The name of the tensor of bytes that is going to stand for ``name``."""
        self._bytes[name] = self._graph.fresh(f"{name}_quantized")
        return self._bytes[name]

    def _dequantized(self, name: str) -> str:
        """The tensor of floats that the bytes for ``name`` stand for."""
        scale, zero = self._constants_of(name)
        source, result = self._quantized(name), self._graph.fresh(f"{name}_dequantized")
        if result not in self._floats:
            self._add("DequantizeLinear", [source, scale, zero], result)
            self._floats.add(result)
        return result

    def _constants_of(self, name: str) -> tuple[str, str]:
        parameters = self._parameters[name]
        scale = self._constant(f"{name}_scale", np.array(parameters.scale))
        return scale, self._constant(f"{name}_zero_point", np.array(parameters.zero_point))

    def _constant(self, wanted: str, array: npt.NDArray[np.generic]) -> str:
        name = self._graph.fresh(wanted)
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(np.asarray(array, order="C"), name)
        return name

    def _add(self, operator: str, inputs: list[str], result: str, **attributes: Any) -> str:
        self._nodes.append(helper.make_node(operator, inputs, [result], f"{result}_{operator}", **attributes))
        return result

    def _write_target(self, target: Target) -> None:
        if self._form == "int8-qdq":
            self._write_between(target)
        elif target.node.op_type == "MatMul":
            self._write_mat_mul(target)
        else:
            self._write_convolution(target)

    def _weights(
        self, target: Target, weight: npt.NDArray[np.float32], axis: int | None
    ) -> tuple[list[str], npt.NDArray[np.float32]]:
        """The names of the weight in bytes, its scale and its zero point; and the scale."""
        least = least_scale(target.bias, self._parameters[target.source])
        quantized = quantized_weight(weight, axis, self._kind, least)
        stem, scale = target.node.name, quantized.scale
        names = [
            self._constant(f"{stem}_weight_quantized", quantized.stored),
            self._constant(f"{stem}_weight_scale", np.asarray(scale)),
            self._constant(f"{stem}_weight_zero_point", quantized.zero_point),
        ]
        return names, scale

    def _bias(self, target: Target, weight_scale: npt.NDArray[np.float32]) -> list[str]:
        """The name of the bias in int32, where there is one."""
        bias = target.bias
        if bias is None:
            return []
        levels = quantized_bias(bias, bias_scale(self._parameters[target.source], weight_scale))
        return [self._constant(f"{target.node.name}_bias_quantized", levels)]

    def _write_convolution(self, target: Target) -> None:
        """A Conv; or a Gemm as the convolution of a picture of one pixel, which has a bias too."""
        node, is_gemm, weight = target.node, target.node.op_type == "Gemm", target.weight
        if is_gemm:
            weight = (weight if target.is_transposed else weight.T)[:, :, None, None]
        names, weight_scale = self._weights(target, weight, 0)
        bias = self._bias(target, weight_scale)
        data = self._quantized(target.source)
        result = self._bytes_for(target.result)
        attributes = {} if is_gemm else attributes_of(node)
        if is_gemm:
            axes = [self._constant("axes", np.array([2, 3]))] if self._graph.opset >= 13 else []
            given = {} if axes else {"axes": [2, 3]}
            data = self._add("Unsqueeze", [data, *axes], self._graph.fresh(f"{node.name}_pixel"), **given)
        inputs = [data, *self._constants_of(target.source), *names, *self._constants_of(target.result), *bias]
        made = self._graph.fresh(f"{node.name}_pixels") if is_gemm else result
        self._add("QLinearConv", inputs, made, **attributes)
        if is_gemm:
            self._add("Flatten", [made], result, axis=1)

    def _write_mat_mul(self, target: Target) -> None:
        names, _ = self._weights(target, target.weight, 1)
        inputs = [self._quantized(target.source), *self._constants_of(target.source), *names]
        inputs += self._constants_of(target.result)
        self._add("QLinearMatMul", inputs, self._bytes_for(target.result))

    def _write_between(self, target: Target) -> None:
        """The node itself, on floats that are multiples of a scale."""
        node, fresh, axis = target.node, self._graph.fresh, target.axis_between
        along = {} if axis is None else {"axis": axis}
        names, weight_scale = self._weights(target, target.weight, axis)
        bias = self._bias(target, weight_scale)
        made = copy_of(node)
        made.input[0] = self._dequantized(target.source)
        name = fresh(f"{node.name}_weight_dequantized")
        made.input[1] = self._add("DequantizeLinear", names, name, **along)
        if bias:
            scale = bias_scale(self._parameters[target.source], weight_scale)
            bias.append(self._constant(f"{node.name}_bias_scale", scale))
            bias_name, first = fresh(f"{node.name}_bias_dequantized"), dict.fromkeys(along, 0)
            made.input[2] = self._add("DequantizeLinear", bias, bias_name, **first)
        made.output[0] = fresh(f"{node.name}_float")
        self._nodes.append(made)
        inputs = [made.output[0], *self._constants_of(target.result)]
        self._add("QuantizeLinear", inputs, self._bytes_for(target.result))
