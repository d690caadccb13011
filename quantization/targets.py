"""The nodes that can be quantised, each with the activation that its output range does as well."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx

from quantization.graph import Graph, attributes_of

OPERATORS = ("Conv", "Gemm", "MatMul")


AXIS_FROM = 13
"""The opset from which DequantizeLinear has an axis, along which it takes a scale for each channel."""


@dataclass(frozen=True)
class Target:
    """A node with constant weights, which are read from the graph when they are asked for."""

    node: onnx.NodeProto
    graph: Graph
    activation: onnx.NodeProto | None
    """A Relu, or a Clip from 0, that alone reads the node: bytes that begin at 0 do what it does."""

    @property
    def source(self) -> str:
        """The tensor that goes in."""
        return str(self.node.input[0])

    @property
    def result(self) -> str:
        """The tensor that comes out, behind the activation."""
        return str((self.activation or self.node).output[0])

    @property
    def weight(self) -> npt.NDArray[np.float32]:
        """The weights as the node has them."""
        return np.asarray(self.graph.constant(self.node.input[1]), np.float32)

    @property
    def bias(self) -> npt.NDArray[np.float32] | None:
        """The bias, one value for each output channel, where the node has one."""
        if len(self.node.input) < 3 or not self.node.input[2]:
            return None
        bias = np.asarray(self.graph.constant(self.node.input[2]), np.float32)
        if self.node.op_type != "Gemm":
            return bias
        outputs = self.graph.constants[self.node.input[1]].dims[0 if self.is_transposed else 1]
        return np.broadcast_to(bias.reshape(-1), (outputs,))

    @property
    def axis_between(self) -> int | None:
        """The axis of the weight that DequantizeLinear has scales along: that of the output channels.

        None where the opset knows one scale alone.
        """
        if self.graph.opset < AXIS_FROM:
            return None
        return 0 if self.node.op_type == "Conv" or self.is_transposed else 1

    @property
    def is_transposed(self) -> bool:
        """Whether the node is a Gemm whose weight is (outputs, inputs)."""
        return bool(attributes_of(self.node).get("transB"))


def targets_in(graph: Graph, kept: Collection[str] = ()) -> list[Target]:
    """The nodes of ``graph`` that are to be quantised: all that can be, but those named in ``kept``."""
    nodes = (node for node in graph.model.graph.node if node.name not in kept)
    return [Target(node, graph, _activation(node, graph)) for node in nodes if _can_be_quantized(node, graph)]


def _can_be_quantized(node: onnx.NodeProto, graph: Graph) -> bool:
    if node.op_type not in OPERATORS or node.domain or node.input[0] in graph.constants:
        return False
    weight = graph.constants.get(node.input[1])
    if weight is None or weight.data_type != onnx.TensorProto.FLOAT:
        return False
    has_bias = len(node.input) > 2 and bool(node.input[2])
    bias = graph.constants.get(node.input[2]) if has_bias else None
    if has_bias and bias is None:
        return False
    if node.op_type == "MatMul":
        return len(weight.dims) == 2
    return node.op_type == "Conv" or _is_plain_gemm(node, weight, bias)


def _is_plain_gemm(node: onnx.NodeProto, weight: onnx.TensorProto, bias: onnx.TensorProto | None) -> bool:
    """Whether a Gemm is a product and a bias for each output, with no factors."""
    attributes = attributes_of(node)
    if attributes.get("transA") or any(attributes.get(name, 1.0) != 1.0 for name in ("alpha", "beta")):
        return False
    outputs = weight.dims[0 if attributes.get("transB") else 1]
    return bias is None or int(np.prod(bias.dims, dtype=np.int64)) in (1, outputs)


def _activation(node: onnx.NodeProto, graph: Graph) -> onnx.NodeProto | None:
    following = graph.only_reader(node.output[0])
    if following is None or following.domain:
        return None
    return following if following.op_type == "Relu" or clip_bounds(following, graph) else None


def activation_bounds(node: onnx.NodeProto, graph: Graph) -> tuple[float, float]:
    """Between which values an activation keeps its result."""
    return clip_bounds(node, graph) or (0.0, float("inf"))


def clip_bounds(node: onnx.NodeProto, graph: Graph) -> tuple[float, float] | None:
    """The bounds of a Clip from 0, where they are constant; None for all other nodes."""
    if node.op_type != "Clip":
        return None
    if graph.opset < 11:
        attributes = attributes_of(node)
        low, high = attributes.get("min", -np.inf), attributes.get("max", np.inf)
    else:
        values = [graph.constant(name) if name else None for name in node.input[1:3]]
        values += [None] * (2 - len(values))
        if any(name and value is None for name, value in zip(node.input[1:3], values, strict=False)):
            return None
        low = -np.inf if values[0] is None else float(values[0])
        high = np.inf if values[1] is None else float(values[1])
    return (float(low), float(high)) if low == 0 and high > 0 else None
