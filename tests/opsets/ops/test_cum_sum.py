"""CumSum as a product with a triangle."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError
from opsets.conversion import convert
from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, step


def test_the_last_axis_is_multiplied_from_the_right() -> None:
    assert_step(
        11,
        "g (float[N,3] x) => (float[N,3] y) <int64 a = {-1}> { y = CumSum(x, a) }",
        """g (float[N,3] x) => (float[N,3] y) <float[3,3] y_matrix = {1,1,1,0,1,1,0,0,1}>
        { y = MatMul(x, y_matrix) }""",
    )


def test_the_last_but_one_is_multiplied_from_the_left() -> None:
    assert_step(
        11,
        "g (float[N,3,2] x) => (float[N,3,2] y) <int64 a = {1}> { y = CumSum<reverse=1, exclusive=1>(x, a) }",
        """g (float[N,3,2] x) => (float[N,3,2] y) <float[3,3] y_matrix = {0,1,1,0,0,1,0,0,0}>
        { y = MatMul(y_matrix, x) }""",
    )


def test_what_is_not_exact_is_said() -> None:
    model = parse(11, "g (float[2,3] x) => (float[2,3] y) <int64 a = {1}> { y = CumSum(x, a) }")
    assert convert(model, 11, 10).bounds == (
        "CumSum below 11: an inf or a NaN makes every sum of its row NaN",
    )


@pytest.mark.parametrize(
    ("shape", "axis", "constants", "reason"),
    [
        ("N,3", "a", "<int64 a = {0}>", "the length of axis 0 of x is not fixed"),
        ("1,5000", "a", "<int64 a = {1}>", "it sums over 5000 elements"),
        ("2,3", "i", "", r"its axis \(i\) are computed at run time"),
    ],
)
def test_what_no_matrix_says_is_refused(shape: str, axis: str, constants: str, reason: str) -> None:
    model = parse(
        11, f"g (float[{shape}] x, int64 i) => (float[{shape}] y) {constants} {{ y = CumSum(x, {axis}) }}"
    )
    with pytest.raises(RetargetError, match=f"CumSum .*11 to 10: {reason}"):
        step(model)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    data=st.data(),
    flags=st.tuples(st.integers(0, 1), st.integers(0, 1)),
    kind=st.sampled_from(["float", "double", "int32", "int64"]),
    target=st.sampled_from([10, 8, 6]),
)
def test_any_shape_axis_and_direction_gives_the_same(
    shape: list[int], data: st.DataObject, flags: tuple[int, int], kind: str, target: int
) -> None:
    axis = data.draw(st.integers(-len(shape), len(shape) - 1), label="axis")
    if kind not in ("float", "double") and target == 6:
        target = 7  # OpenVINO has no product of doubles
    model = parse(
        11,
        f"""g ({kind}{shape} x) => ({kind}{shape} y) <int64 a = {{{axis}}}>
        {{ y = CumSum<exclusive={flags[0]}, reverse={flags[1]}>(x, a) }}""",
    )
    values = noise(tuple(shape), {"float": np.float32, "double": np.float64}.get(kind, np.dtype(kind).type))
    assert_same_numbers(model, convert(model, 11, target).model, {"x": values}, tolerance=5e-6, zeros=True)
