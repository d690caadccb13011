"""DynamicQuantizeLinear by its definition."""

from __future__ import annotations

import numpy as np
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
            "Min",
            "ReduceMax",
            "Max",
            "Sub",
            "Div",
            "Greater",
            "Not",
            "Cast",
            "Add",
            "Neg",
            "QuantizeLinear",
            "QuantizeLinear",
        ]
    )
