"""The nodes that can be quantised, each with the activation that its output range does as well."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx

from quantization.graph import Graph, attributes_of

OPERATORS = ("Conv", "Gemm", "MatMul")


@dataclass(frozen=True)
class Target:
    """A node with constant weights, ``weight`` float32, and ``bias`` float32 where it has one.

    The weight of a Gemm is (inputs, outputs), whichever way the node has it.
    """

    node: onnx.NodeProto
    weight: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32] | None
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


def targets_in(graph: Graph, kept: Collection[str] = ()) -> list[Target]:
    """The nodes of ``graph`` that are to be quantised: all that can be, but those named in ``kept``."""
    found = (_target(node, graph) for node in graph.model.graph.node if node.name not in kept)
    return [target for target in found if target is not None]


def _target(node: onnx.NodeProto, graph: Graph) -> Target | None:
    if node.op_type not in OPERATORS or node.domain or node.input[0] in graph.constants:
        return None
    weight = graph.constant(node.input[1])
    has_bias = len(node.input) > 2 and bool(node.input[2])
    bias = graph.constant(node.input[2]) if has_bias else None
    if weight is None or weight.dtype != np.float32 or (has_bias and bias is None):
        return None
    if node.op_type == "MatMul" and weight.ndim != 2:
        return None
    if node.op_type == "Gemm":
        attributes = attributes_of(node)
        plain = all(attributes.get(name, 1.0) == 1.0 for name in ("alpha", "beta"))
        if attributes.get("transA") or not plain:
            return None
        weight = weight.T if attributes.get("transB") else weight
        if bias is not None and bias.size not in (1, weight.shape[1]):
            return None
        bias = None if bias is None else np.broadcast_to(bias.reshape(-1), weight.shape[1:])
    return Target(node, np.asarray(weight), bias, _activation(node, graph))


def _activation(node: onnx.NodeProto, graph: Graph) -> onnx.NodeProto | None:
    following = graph.only_reader(node.output[0])
    if following is None or following.domain:
        return None
    return following if following.op_type == "Relu" or clip_bounds(following, graph) else None


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
