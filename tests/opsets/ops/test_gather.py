"""Gather: indices and axes from the back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import retarget
from parity.raising import raise_to_9
from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, step


def test_constant_indices_count_from_the_front() -> None:
    assert_step(
        11,
        "g (float[N,4] x) => (float[N,2] z) <int64[2] i = {-1,1}> { z = Gather<axis=-1>(x, i) }",
        """g (float[N,4] x) => (float[N,2] z)
        <int64[2] z_indices = {3,1}>
        {
            z = Gather<axis=1>(x, z_indices)
        }""",
    )


def test_one_constant_index_keeps_its_rank() -> None:
    assert_step(
        11,
        "g (float[N,4] x) => (float[N] z) <int64 i = {-1}> { z = Gather<axis=1>(x, i) }",
        "g (float[N,4] x) => (float[N] z) <int64 z_indices = {3}> { z = Gather<axis=1>(x, z_indices) }",
    )


def test_indices_computed_at_run_time_are_shifted() -> None:
    assert_step(
        11,
        "g (float[N,4] x, int64[2] i) => (float[N,2] z) { z = Gather<axis=1>(x, i) }",
        """g (float[N,4] x, int64[2] i) => (float[N,2] z)
        <int64 z_zero = {0}, int64 z_length = {4}>
        {
            z_Less = Less(i, z_zero)
            z_Cast = Cast<to=7>(z_Less)
            z_Mul = Mul(z_Cast, z_length)
            z_Add = Add(i, z_Mul)
            z = Gather<axis=1>(x, z_Add)
        }""",
    )


def test_places_of_maxima_are_never_negative() -> None:
    text = "g (float[5,4] x, float[5] y) => (float[1,4] z) { i = ArgMax(y) z = Gather(x, i) }"
    assert_step(11, text, text)


def test_the_last_of_an_open_axis_is_sliced() -> None:
    assert_step(
        11,
        "g (float[2,N,3] x) => (float[2,3] z) <int64 i = {-1}> { z = Gather<axis=1>(x, i) }",
        """g (float[2,N,3] x) => (float[2,3] z)
        <int64[1] z_start = {-1}, int64[1] z_end = {2147483647}, int64[1] z_axis = {1}>
        {
            z_Slice = Slice(x, z_start, z_end, z_axis)
            z = Squeeze<axes=[1]>(z_Slice)
        }""",
    )


def test_one_from_the_back_of_an_open_axis_keeps_the_axis() -> None:
    assert_step(
        11,
        "g (float[N,3] x) => (float[1,3] z) <int64[1] i = {-2}> { z = Gather<axis=0>(x, i) }",
        """g (float[N,3] x) => (float[1,3] z)
        <int64[1] z_start = {-2}, int64[1] z_end = {-1}, int64[1] z_axis = {0}>
        {
            z = Slice(x, z_start, z_end, z_axis)
        }""",
    )


@pytest.mark.parametrize("kind", ["int64", "int32"])
@pytest.mark.parametrize("constant", [False, True])
def test_places_along_an_open_axis_are_counted_with_its_length_at_run_time(kind: str, constant: bool) -> None:
    given_, fixed = ("", f"<{kind}[3] i = {{-1,1,-3}}>") if constant else (f", {kind}[3] i", "")
    model = parse(11, f"g (float[2,N] x{given_}) => (float[2,3] z) {fixed} {{ z = Gather<axis=1>(x, i) }}")
    for target in (10, 9, 7, 3):
        lowered = retarget(model, target)
        if target < 7:
            raise_to_9(lowered)  # OpenVINO reads no Cast below 6
        for length in (3, 5):
            places = np.array([-1, 1, -3], dtype=kind)
            values = {"x": noise((2, length))} | ({} if constant else {"i": places})
            assert_same_numbers(model, lowered, values)


@given(st.integers(0, 2), st.booleans(), st.lists(st.integers(-3, 2), min_size=1, max_size=5), st.booleans())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_index_gives_the_same(axis: int, negative: bool, indices: list[int], constant: bool) -> None:
    count, values = len(indices), ",".join(map(str, indices))
    given_, fixed = ("", f"<int64[{count}] i = {{{values}}}>") if constant else (f", int64[{count}] i", "")
    model = parse(
        11,
        f"""g (float[3,3,3] x{given_}) => (float[A,B,C] z) {fixed} {{
            z = Gather<axis={axis - 3 * negative}>(x, i)
        }}""",
    )
    inputs = {"x": noise((3, 3, 3))} | ({} if constant else {"i": np.array(indices)})
    assert_same_numbers(model, step(model), inputs)
