"""What is computed of constants, and what is left to the graph."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import onnx_ir as ir
import pytest
from onnx.reference import ReferenceEvaluator

from opsets.facts.constants import LARGEST, ROOM, ROOM_OF_OTHERS, Constants
from opsets.facts.result_sizes import elements_of_result


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
    found = Constants().computed(node, opset)
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
    assert Constants().computed(node, opset) is None


@pytest.mark.parametrize("operator", ["Add", "Sub", "Mul", "Div", "Pow", "Less", "Greater", "Equal"])
def test_below_7_nothing_is_broadcast(operator: str) -> None:
    """The reference ignores ``axis`` there, silently where two axes are equally long."""
    square = np.arange(1, 10, dtype=np.float32).reshape(3, 3)
    node = node_of(operator, square, FLOATS, broadcast=1, axis=0)
    assert Constants().computed(node, 6) is None
    assert Constants().computed(node_of(operator, square, square), 7) is not None


def test_an_input_that_is_not_constant_leaves_it_open() -> None:
    node = ir.node("Add", [value_of("x", FLOATS), ir.Value(name="open")])
    assert Constants().computed(node, 13) is None
    assert Constants().array(node.outputs[0], 13) is None
    assert Constants().array(ir.Value(name="open"), 13) is None


def test_a_mistake_in_the_graph_is_left_to_the_checker() -> None:
    assert Constants().computed(node_of("Add", FLOATS, FLOATS[:2]), 13) is None


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
    found = Constants().computed(small, 13)
    assert found is not None
    assert found[0].size == 4
    assert Constants().computed(large, 13) is None


def test_large_inputs_are_left() -> None:
    assert Constants().computed(node_of("Neg", np.zeros(LARGEST + 1, dtype=np.int8)), 13) is None


def test_a_chain_is_followed_and_each_output_told() -> None:
    split = ir.node("Split", [value_of("x", FLOATS)], {"axis": 0, "split": [1, 2]}, num_outputs=2)
    for index, output in enumerate(split.outputs):
        output.name = f"part_{index}"
    negated = ir.node("Neg", [split.outputs[1]])
    negated.outputs[0].name = "y"
    found = Constants().array(negated.outputs[0], 11)
    assert found is not None
    assert found.tolist() == [2, -3]
    first = Constants().array(split.outputs[0], 11)
    assert first is not None
    assert first.tolist() == [1.5]


def test_a_constant_that_many_use_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    evaluated = evaluations(monkeypatch)
    chain = chain_of("Add", value_of("x", FLOATS), 40)
    constants = Constants(frozenset(["x"]))
    assert constants.is_made_of_weights(chain[-1].outputs[0])
    for node in chain:
        found = constants.array(node.outputs[0], 13)
        assert found is not None
    np.testing.assert_array_equal(found, FLOATS * np.float32(2**40))
    assert evaluated == [node.outputs[0].name for node in chain]
    constants.forget()
    assert constants.array(chain[1].outputs[0], 13) is not None
    assert len(evaluated) == 42


def test_what_is_not_constant_is_looked_at_once_however_long_the_chain() -> None:
    chain = chain_of("Add", ir.Value(name="open"), 5000)
    assert Constants().array(chain[-1].outputs[0], 13) is None


def test_a_circle_is_not_constant() -> None:
    first = ir.node("Add", [value_of("x", FLOATS), None])
    second = ir.node("Neg", [first.outputs[0]])
    first.replace_input_with(1, second.outputs[0])
    assert Constants().array(second.outputs[0], 13) is None


@pytest.mark.parametrize(
    ("operator", "arrays", "attributes", "size"),
    [
        ("Add", ((5000, 1), (1, 5000)), {}, 25_000_000),
        ("Where", ((5000, 1), (1, 5000), ()), {}, 25_000_000),
        ("MatMul", ((5000, 1), (1, 5000)), {}, 25_000_000),
        ("MatMul", ((3, 2, 4), (4, 5)), {}, 30),
        ("MatMul", ((4,), (4,)), {}, 1),
        ("Gather", ((2, 7), (3, 5)), {"axis": 1}, 30),
        ("Transpose", ((2, 7),), {}, 14),
        ("NonZero", ((2, 7),), {}, 28),
    ],
)
def test_the_size_of_a_result_is_told_before(
    operator: str, arrays: tuple[tuple[int, ...], ...], attributes: dict[str, int], size: int
) -> None:
    given = [np.zeros(shape, dtype=np.int64) for shape in arrays]
    assert elements_of_result(node_of(operator, *given, **attributes), given) == size


def test_the_size_of_padding_and_of_gathered_slices_is_told_before() -> None:
    data = np.zeros((2, 3), np.float32)
    for pads, size in (([1, 0, 1, 2], 20), ([0, 5], 12 * 13)):
        given = [data, np.array(pads)]
        assert elements_of_result(node_of("Pad", *given), given) == size
    assert elements_of_result(node_of("Pad", data, pads=[1, 0, 1, 2]), [data]) == 20
    indices = np.zeros((4, 1), np.int64)
    assert elements_of_result(node_of("GatherND", data, indices), [data, indices]) == 12


def test_what_is_folded_stays_small() -> None:
    """A few nodes can ask for any size: 4, 8, 16 ... elements."""
    constants, value = Constants(), value_of("x", np.ones(4, np.float32))
    sizes = []
    for node in chain_of("Concat", value, 30, axis=0):
        arrays = constants.folded(node, 13)
        sizes.append(0 if arrays is None else arrays[0].nbytes)
    assert sum(sizes) <= ROOM < 4 * sum(sizes)
    assert constants.array(node.outputs[0], 13) is None


@pytest.mark.parametrize(
    ("kind", "size", "room"),
    [
        (np.float32, 0, ROOM),
        (np.float32, 64 * ROOM, 2 * ROOM),
        (np.int64, 0, ROOM_OF_OTHERS),
        (np.bool_, 64 * ROOM_OF_OTHERS, 2 * ROOM_OF_OTHERS),
    ],
)
def test_folding_adds_a_part_of_the_models_size(kind: type, size: int, room: int) -> None:
    constants, count = Constants(size=size), 1200
    bits: list[Any] = [np.array([[index >> bit & 1] for bit in range(11)], kind) for index in range(count)]
    nodes = [node_of("Expand", some, np.array([1, 91])) for some in bits]
    folded = [constants.folded(node, 13) is not None for node in nodes]
    growth = 11 * 90 * np.dtype(kind).itemsize - 16
    assert folded == [index < room // growth for index in range(count)]


def test_what_was_folded_with_the_same_elements_needs_no_more_room() -> None:
    constants, shape = Constants(), np.array([ROOM_OF_OTHERS // 8])
    ones, twos = (ir.tensor(np.array([number])) for number in (1, 2))
    nodes = [node_of("ConstantOfShape", shape, value=value) for value in (ones, ones, twos, ones)]
    assert [constants.folded(node, 13) is not None for node in nodes] == [True, True, False, True]


def test_a_large_constant_is_folded_where_it_makes_the_graph_no_larger() -> None:
    large = np.ones(ROOM, np.float32)
    assert Constants().folded(node_of("Neg", large), 13) is not None
    assert Constants(frozenset(["x0"])).folded(node_of("Neg", large), 13) is None
    shared = node_of("Neg", large)
    ir.node("Abs", shared.inputs)
    assert Constants().folded(shared, 13) is None


def chain_of(operator: str, first: ir.Value, length: int, **attributes: Any) -> list[ir.Node]:
    """Nodes each of which takes the one before twice."""
    chain, value = [], first
    for index in range(length):
        chain.append(ir.node(operator, [value, value], attributes))
        value = chain[-1].outputs[0]
        value.name = f"y{index}"
    return chain


def evaluations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what onnx's reference is asked to compute from now on."""
    evaluated: list[str] = []

    class Counting(ReferenceEvaluator):
        def run(self, *arguments: Any, **named: Any) -> Any:
            evaluated.extend(self.output_names)
            return super().run(*arguments, **named)

    monkeypatch.setattr("onnx.reference.ReferenceEvaluator", Counting)
    return evaluated


def test_the_reference_is_imported_when_something_is_computed() -> None:
    """Not by a model that holds nothing to compute: it would wait for it."""
    code = "import sys, opsets; sys.exit('onnx.reference' in sys.modules or 'onnxruntime' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
