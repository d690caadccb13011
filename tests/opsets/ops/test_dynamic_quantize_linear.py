"""DynamicQuantizeLinear by its definition."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import retarget
from tests.opsets.comparing import assert_same_numbers, parse, step

TEXT = "g (float[N,3] x) => (uint8[N,3] y, float s, uint8 z) { y, s, z = DynamicQuantizeLinear(x) }"


@given(st.lists(st.integers(-1000, 1000), min_size=6, max_size=6), st.sampled_from([1.0, 0.013]))
@settings(max_examples=20, deadline=None, derandomize=True)
def test_any_range(numbers: list[int], unit: float) -> None:
    model = parse(11, TEXT)
    data = {"x": (np.array(numbers) * unit).astype(np.float32).reshape(2, 3)}
    assert_same_numbers(model, step(model), data, zeros=True)
    assert_same_numbers(model, retarget(model, 9), data, zeros=True)


@pytest.mark.parametrize("value", [0.0, 3.0, -2.0])
def test_all_alike(value: float) -> None:
    model = parse(11, TEXT)
    assert_same_numbers(model, step(model), {"x": np.full((2, 3), value, dtype=np.float32)}, zeros=True)


def test_the_graph() -> None:
    operators = [node.op_type for node in step(parse(11, TEXT)).graph.node]
    assert sorted(operators) == sorted(
        [
            "ReduceMin",
            "ReduceMax",
            "Neg",
            "Relu",
            "Relu",
            "Add",
            "Div",
            "Greater",
            "Not",
            "Cast",
            "Add",
            "QuantizeLinear",
            "QuantizeLinear",
        ]
    )


def test_a_product_of_it_takes_no_operator_that_runtimes_lack_below_8() -> None:
    """OpenVINO compiles no Min and Max of two scalars there; what was quantised stays in floats."""
    text = (
        "g (float[N,3] x, int8[3,2] weights) => (float[N,2] y) { q, s, z = DynamicQuantizeLinear(x)"
        " sums = MatMulInteger(q, weights, z) floats = Cast<to=1>(sums) y = Mul(floats, s) }"
    )
    model = parse(11, text)
    lowered = retarget(model, 7)
    assert not {node.op_type for node in lowered.graph.node} & {"Min", "Max"}
    kinds = {node.attribute[0].i for node in lowered.graph.node if node.op_type == "Cast"}
    assert onnx.TensorProto.UINT8 not in kinds
    data = np.array([[0.5, -1.25, 3.0], [2.0, 0.125, -0.75]], np.float32)
    weights = np.array([[1, -2], [3, 4], [-5, 6]], np.int8)
    assert_same_numbers(model, lowered, {"x": data, "weights": weights})
