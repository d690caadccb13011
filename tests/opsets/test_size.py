"""A model at an older opset is about as large as it was: what old forms cannot copy is copied by nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import TensorProto, helper, numpy_helper

from opsets import retarget
from tests.opsets.comparing import Array, assert_same_numbers, noise

CHANNELS, SIDE = 48, 28
LARGEST = 1.1
"""The bytes of a result as a multiple of those of its source."""


class Layers:
    """Convolutions of 48 channels, with what stands between them in turn: float32 (N, 48, 28, 28)."""

    def __init__(self, constant_nodes: bool) -> None:
        self._constant_nodes = constant_nodes
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []

    def constant(self, array: Array) -> str:
        """An initialiser, or a Constant node as some exporters write weights."""
        tensor = numpy_helper.from_array(
            array.astype(np.float32), f"c{len(self._nodes)}_{len(self._weights)}"
        )
        if self._constant_nodes:
            self._nodes.append(helper.make_node("Constant", [], [tensor.name], value=tensor))
        else:
            self._weights.append(tensor)
        return tensor.name

    def of_channels(self, *shape: int) -> str:
        """Numbers from 1 to 2."""
        return self.constant(1 + np.abs(np.sin(noise(shape, seed=len(self._nodes)))))

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        name = f"{operator}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [name], name, **attributes))
        return name

    def convolution(self, value: str) -> str:
        kernel = self.constant(0.015 * noise((CHANNELS, CHANNELS, 3, 3), seed=len(self._nodes)))
        return self.add("Conv", value, kernel, pads=[1] * 4)

    def model(self, opset: int, layer: Callable[[Layers, str], str], batch: int | str) -> onnx.ModelProto:
        value = "x"
        for _ in range(4):
            value = layer(self, self.convolution(value))
        shape = [batch, CHANNELS, SIDE, SIDE]
        ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("x", value)]
        graph = helper.make_graph(self._nodes, "g", ports[:1], ports[1:], self._weights)
        imports = [helper.make_opsetid("", opset)]
        return helper.make_model(graph, ir_version=8, opset_imports=imports)


def scaled(layers: Layers, value: str) -> str:
    """Batch normalisation as DenseNets have it once a tool has joined its numbers."""
    value = layers.add("Mul", value, layers.of_channels(CHANNELS, 1, 1))
    return layers.add("Add", value, layers.of_channels(1, CHANNELS, 1, 1))


def normalised(layers: Layers, value: str) -> str:
    """Batch normalisation spelt out."""
    value = layers.add("Sub", value, layers.of_channels(CHANNELS, 1, 1))
    value = layers.add("Div", value, layers.of_channels(CHANNELS, 1, 1))
    return scaled(layers, value)


def from_the_left(layers: Layers, value: str) -> str:
    """Constants as the first operand, of which one divides."""
    positive = layers.add("Exp", layers.add("Tanh", value))
    return layers.add("Sub", layers.of_channels(CHANNELS, 1, 1), divided(layers, positive))


def divided(layers: Layers, value: str) -> str:
    return layers.add("Div", layers.of_channels(1, CHANNELS, 1, 1), value)


def activated(layers: Layers, value: str) -> str:
    """Activations with a number for each channel, and those of MobileNets."""
    value = layers.add("PRelu", value, layers.of_channels(CHANNELS, 1, 1))
    return layers.add("HardSwish", scaled(layers, value))


def excited(layers: Layers, value: str) -> str:
    """Channels that are weighted by what is computed of them, and clipped by two numbers each."""
    gate = layers.add("HardSigmoid", layers.add("GlobalAveragePool", value))
    value = layers.add("Max", layers.add("Mul", value, gate), layers.of_channels(CHANNELS, 1, 1))
    return layers.add("Min", value, layers.of_channels(1, CHANNELS, 1, 1))


def rows_and_columns(layers: Layers, value: str) -> str:
    """Constants along the other axes: of a row, a column and a plane of each channel."""
    value = layers.add("Mul", value, layers.of_channels(SIDE, 1))
    value = layers.add("Add", value, layers.of_channels(SIDE))
    return layers.add("Add", value, layers.of_channels(1, CHANNELS, SIDE, 1))


@pytest.mark.parametrize("opset", [7, 6, 5, 4, 3])
@pytest.mark.parametrize("constant_nodes", [False, True], ids=["initialisers", "constants"])
@pytest.mark.parametrize(
    "layer",
    [scaled, normalised, from_the_left, activated, excited, rows_and_columns],
    ids=lambda f: f.__name__,
)
def test_constants_of_channels_do_not_grow(
    layer: Callable[[Layers, str], str], constant_nodes: bool, opset: int
) -> None:
    model = Layers(constant_nodes).model(14, layer, "N")
    lowered = retarget(model, opset)
    assert lowered.ByteSize() <= LARGEST * model.ByteSize()
    if opset in (7, 3):
        assert_same_numbers(model, lowered, {"x": noise((2, CHANNELS, SIDE, SIDE))}, 2e-5)


def test_ones_are_made_once_and_many_of_them_by_a_product() -> None:
    """A plane of 28 by 28 ones would be as large as a kernel of 9 by 9 for ten channels."""
    lowered = retarget(Layers(False).model(14, normalised, "N"), 3)
    ones = [
        value for value in ir.from_proto(lowered).graph.initializers.values() if "ones" in str(value.name)
    ]
    assert [list(value.const_value.shape) for value in ones if value.const_value] == [[1, SIDE * SIDE]]


def test_a_graph_that_asks_for_many_zeros_does_not_hold_them() -> None:
    shape = helper.make_tensor("shape", TensorProto.INT64, [4], [1, CHANNELS, SIDE, SIDE])
    nodes = [helper.make_node("ConstantOfShape", ["shape"], ["zeros"])]
    nodes += [helper.make_node("Add", ["x", "zeros"], ["y"])]
    ports = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, CHANNELS, SIDE, SIDE]) for name in "xy"
    ]
    graph = helper.make_graph(nodes, "g", ports[:1], ports[1:], [shape])
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)])
    for opset in (12, 8, 7, 6, 3):
        lowered = retarget(model, opset)
        assert lowered.ByteSize() < 10_000
        assert_same_numbers(model, lowered)


def test_a_table_that_many_nodes_shape_alike_is_kept_once() -> None:
    """As windows of attention share one of positions: below 5 no Reshape takes integers."""
    table = np.arange(1 << 16).reshape(256, 256) % 7
    nodes = []
    for index in range(24):
        nodes += [
            helper.make_node("Reshape", ["table", "flat"], [f"flat_{index}"]),
            helper.make_node("Gather", [f"x_{index}", f"flat_{index}"], [f"picked_{index}"]),
            helper.make_node("ReduceMax", [f"picked_{index}"], [f"most_{index}"], axes=[0], keepdims=1),
            helper.make_node("Add", [f"x_{index}", f"most_{index}"], [f"x_{index + 1}"]),
        ]
    weights = [numpy_helper.from_array(table, "table"), numpy_helper.from_array(np.array([-1]), "flat")]
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [7]) for name in ("x_0", "x_24")]
    graph = helper.make_graph(nodes, "g", ports[:1], ports[1:], weights)
    source = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)], ir_version=7)
    result = retarget(source, 3)
    assert {node.op_type for node in result.graph.node} == {"Gather", "ReduceMax", "Add"}
    assert result.ByteSize() <= LARGEST * source.ByteSize()
    assert_same_numbers(source, result, {"x_0": noise((7,))})
