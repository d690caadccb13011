"""ArgMax and ArgMin: the last of equal elements, and axes from the back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError
from opsets.conversion import convert
from tests.opsets.comparing import Array, assert_same_numbers, assert_step, parse, step

OPERATORS = ("ArgMax", "ArgMin")


@pytest.mark.parametrize("operator", OPERATORS)
def test_the_last_is_the_first_from_behind(operator: str) -> None:
    assert_step(
        12,
        f"""g (float[N,3] x) => (int64[N] y)
        {{ y = {operator}<axis=-1, keepdims=0, select_last_index=1>(x) }}""",
        f"""g (float[N,3] x) => (int64[N] y) <int64[3] y_places = {{2,1,0}}> {{
            y_Gather = Gather<axis=-1>(x, y_places)
            y_{operator} = {operator}<axis=-1, keepdims=0>(y_Gather)
            y = Gather<axis=0>(y_places, y_{operator})
        }}""",
    )


@pytest.mark.parametrize("operator", OPERATORS)
def test_the_first_needs_no_word(operator: str) -> None:
    assert_step(
        12,
        f"g (float[N,3] x) => (int64[1,3] y) {{ y = {operator}<select_last_index=0>(x) }}".replace("N", "2"),
        f"g (float[2,3] x) => (int64[1,3] y) {{ y = {operator}(x) }}",
        inputs={"x": np.array([[1, 5, 2], [4, 2, 3]], dtype=np.float32)},
    )


@pytest.mark.parametrize("operator", OPERATORS)
def test_a_negative_axis_is_counted_from_the_front(operator: str) -> None:
    assert_step(
        11,
        f"g (float[N,3,4] x) => (int64[N,1,4] y) {{ y = {operator}<axis=-2>(x) }}",
        f"g (float[N,3,4] x) => (int64[N,1,4] y) {{ y = {operator}<axis=1>(x) }}",
    )


def test_an_axis_of_unknown_length_has_no_last_place() -> None:
    model = parse(12, "g (float[N,3] x) => (int64[1,3] y) { y = ArgMax<select_last_index=1>(x) }")
    with pytest.raises(RetargetError, match=r"ArgMax .*12 to 11: the length of axis 0 of x is not fixed"):
        step(model)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    operator=st.sampled_from(OPERATORS),
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    data=st.data(),
    keep=st.integers(0, 1),
    last=st.integers(0, 1),
    target=st.sampled_from([11, 10, 7, 3]),
)
def test_ties_are_broken_alike(
    operator: str, shape: list[int], data: st.DataObject, keep: int, last: int, target: int
) -> None:
    axis = data.draw(st.integers(-len(shape), len(shape) - 1), label="axis")
    left = list(shape)
    left[axis : axis + 1 or None] = [1] * keep
    kind = f"int64{left}" if left else "int64"
    model = parse(
        12,
        f"""g (float{shape} x) => ({kind} y)
        {{ y = {operator}<axis={axis}, keepdims={keep}, select_last_index={last}>(x) }}""",
    )
    values: Array = np.random.default_rng(3).integers(0, 3, shape).astype(np.float32)  # many are equal
    assert_same_numbers(model, convert(model, 12, target).model, {"x": values}, zeros=True)
