"""What is computed of constants, and what is left to the graph."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import onnx_ir as ir
import pytest

from opsets.facts.constants import LARGEST, computed, constant


def value_of(name: str, array: Any) -> ir.Value:
    array = np.asarray(array)
    return ir.Value(
        name=name,
        const_value=ir.tensor(array, name=name),
        shape=ir.Shape(array.shape),
        type=ir.TensorType(ir.DataType.from_numpy(array.dtype)),
    )


def node_of(operator: str, *arrays: Any, **attributes: Any) -> ir.Node:
    inputs = [None if array is None else value_of(f"x{i}", array) for i, array in enumerate(arrays)]
    made = ir.node(operator, inputs, attributes)
    made.outputs[0].name = "y"
    return made


FLOATS = np.array([1.5, -2, 3], dtype=np.float32)


@pytest.mark.parametrize(
    ("opset", "node", "expected"),
    [
        (13, node_of("Add", FLOATS, FLOATS), 2 * FLOATS),
        (7, node_of("Mul", FLOATS, FLOATS[:1]), 1.5 * FLOATS),
        (6, node_of("Neg", FLOATS), -FLOATS),
        (6, node_of("Transpose", FLOATS.reshape(1, 3), perm=[1, 0]), FLOATS.reshape(3, 1)),
        (10, node_of("Slice", FLOATS, np.array([1]), np.array([3])), FLOATS[1:]),
        (9, node_of("Slice", FLOATS, starts=[1], ends=[3]), FLOATS[1:]),
        (11, node_of("Clip", FLOATS, None, np.array(1, np.float32)), np.minimum(FLOATS, 1)),
        (13, node_of("Div", np.array([-7, 7]), np.array([2, 2])), np.array([-3, 3])),
        (13, node_of("Expand", FLOATS[:1], np.array([2, 1])), np.full((2, 1), 1.5, np.float32)),
    ],
)
def test_what_is_listed_is_computed(opset: int, node: ir.Node, expected: Any) -> None:
    found = computed(node, opset)
    assert found is not None
    assert found[0].dtype == expected.dtype
    np.testing.assert_array_equal(found[0], expected)


@pytest.mark.parametrize(
    ("opset", "node"),
    [
        (13, node_of("Softmax", FLOATS, axis=0)),  # right there, wrong below: so it is not listed
        (12, node_of("Softmax", FLOATS, axis=0)),
        (12, node_of("LRN", FLOATS.reshape(1, 3, 1, 1), size=3)),
        (13, node_of("RandomNormal", shape=[2])),
        (13, node_of("Conv", FLOATS.reshape(1, 3, 1), FLOATS.reshape(1, 3, 1))),
    ],
)
def test_what_the_reference_gets_wrong_is_never_computed(opset: int, node: ir.Node) -> None:
    assert computed(node, opset) is None


@pytest.mark.parametrize("operator", ["Add", "Sub", "Mul", "Div", "Pow", "Less", "Greater", "Equal"])
def test_below_7_nothing_is_broadcast(operator: str) -> None:
    """The reference ignores ``axis`` there, silently where two axes are equally long."""
    square = np.arange(1, 10, dtype=np.float32).reshape(3, 3)
    node = node_of(operator, square, FLOATS, broadcast=1, axis=0)
    assert computed(node, 6) is None
    assert computed(node_of(operator, square, square), 7) is not None


def test_an_input_that_is_not_constant_leaves_it_open() -> None:
    node = ir.node("Add", [value_of("x", FLOATS), ir.Value(name="open")])
    assert computed(node, 13) is None
    assert constant(node.outputs[0], 13) is None
    assert constant(ir.Value(name="open"), 13) is None


def test_a_mistake_in_the_graph_is_left_to_the_checker() -> None:
    assert computed(node_of("Add", FLOATS, FLOATS[:2]), 13) is None


ONES = np.ones((2, 1), dtype=np.float32)
ENDS = np.array([0, 1], dtype=np.float32)


@pytest.mark.parametrize(
    ("small", "large"),
    [
        (node_of("ConstantOfShape", np.array([2, 2])), node_of("ConstantOfShape", np.array([LARGEST, 2]))),
        (node_of("Expand", ONES, np.array([2, 2])), node_of("Expand", ONES, np.array([1, LARGEST]))),
        (node_of("Tile", ONES, np.array([1, 2])), node_of("Tile", ONES, np.array([1, LARGEST]))),
        (
            node_of("Range", np.array(0), np.array(4), np.array(1)),
            node_of("Range", np.array(0), np.array(LARGEST + 1), np.array(1)),
        ),
        (
            node_of("OneHot", np.array([1, 2]), np.array(2), ENDS),
            node_of("OneHot", np.array([1, 2]), np.array(LARGEST), ENDS),
        ),
    ],
    ids=lambda node: node.op_type,
)
def test_a_small_input_that_asks_for_a_large_constant_is_left(small: ir.Node, large: ir.Node) -> None:
    found = computed(small, 13)
    assert found is not None
    assert found[0].size == 4
    assert computed(large, 13) is None


def test_large_inputs_are_left() -> None:
    assert computed(node_of("Neg", np.zeros(LARGEST + 1, dtype=np.int8)), 13) is None


def test_a_chain_is_followed_and_each_output_told() -> None:
    split = ir.node("Split", [value_of("x", FLOATS)], {"axis": 0, "split": [1, 2]}, num_outputs=2)
    for index, output in enumerate(split.outputs):
        output.name = f"part_{index}"
    negated = ir.node("Neg", [split.outputs[1]])
    negated.outputs[0].name = "y"
    found = constant(negated.outputs[0], 11)
    assert found is not None
    assert found.tolist() == [2, -3]
    first = constant(split.outputs[0], 11)
    assert first is not None
    assert first.tolist() == [1.5]


def test_the_reference_is_imported_when_something_is_computed() -> None:
    """Not by a model that holds nothing to compute: it would wait for it."""
    code = "import sys, opsets; sys.exit('onnx.reference' in sys.modules or 'onnxruntime' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
