"""TopK: the smallest, integers, axes from the back, and k as an attribute."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets.conversion import convert
from tests.opsets.comparing import Array, assert_same_numbers, assert_step, noise, parse

TWO = "<int64[1] k = {2}>"


def test_the_largest_need_no_word_but_an_axis_from_the_front() -> None:
    assert_step(
        11,
        f"""g (float[N,4] x) => (float[N,2] v, int64[N,2] i) {TWO}
        {{ v, i = TopK<axis=-1, largest=1, sorted=1>(x, k) }}""",
        f"g (float[N,4] x) => (float[N,2] v, int64[N,2] i) {TWO} {{ v, i = TopK<axis=1>(x, k) }}",
    )


def test_the_smallest_are_the_largest_of_the_negated() -> None:
    assert_step(
        11,
        f"g (float[N,4] x) => (float[N,2] v, int64[N,2] i) {TWO} {{ v, i = TopK<largest=0>(x, k) }}",
        f"""g (float[N,4] x) => (float[N,2] v, int64[N,2] i) {TWO} {{
            v_Neg = Neg(x)
            v_TopK, i = TopK(v_Neg, k)
            v = Neg(v_TopK)
        }}""",
    )


@pytest.mark.parametrize("largest", [0, 1])
def test_integers_are_compared_as_doubles(largest: int) -> None:
    model = parse(
        11,
        f"g (int64[2,4] x) => (int64[2,2] v, int64[2,2] i) {TWO} {{ v, i = TopK<largest={largest}>(x, k) }}",
    )
    lowered = convert(model, 11, 10)
    assert lowered.bounds == ("TopK of 64-bit integers below 11: exact while they stay below 2**53",)
    assert_same_numbers(model, lowered.model)


def test_k_becomes_an_attribute() -> None:
    assert_step(
        10,
        f"g (float[N,4] x) => (float[N,2] v, int64[N,2] i) {TWO} {{ v, i = TopK(x, k) }}",
        "g (float[N,4] x) => (float[N,2] v, int64[N,2] i) { v, i = TopK<k=2>(x) }",
    )


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=3),
    data=st.data(),
    largest=st.integers(0, 1),
    ties=st.booleans(),
    target=st.sampled_from([10, 9, 7, 3]),
)
def test_any_shape_and_axis_gives_the_same(
    shape: list[int], data: st.DataObject, largest: int, ties: bool, target: int
) -> None:
    axis = data.draw(st.integers(-len(shape), len(shape) - 1), label="axis")
    count = data.draw(st.integers(1, shape[axis]), label="k")
    left = list(shape)
    left[axis] = count
    model = parse(
        11,
        f"""g (float{shape} x) => (float{left} v, int64{left} i) <int64[1] k = {{{count}}}>
        {{ v, i = TopK<axis={axis}, largest={largest}>(x, k) }}""",
    )
    values: Array = noise(tuple(shape))
    if ties and target >= 7:  # which of equal elements comes first is OpenVINO's choice
        values = np.round(values)
    assert_same_numbers(model, convert(model, 11, target).model, {"x": values + np.float32(0.25)}, zeros=True)
