"""OneHot: indices compared with the numbers below the depth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError
from opsets.conversion import convert
from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, step


def test_negative_indices_and_axes_count_from_the_front() -> None:
    assert_step(
        11,
        """g (int64[2] i) => (float[3,2] z)
        <int64 d = {3}, float[2] v = {0,1}>
        {
            z = OneHot<axis=-2>(i, d, v)
        }""",
        """g (int64[2] i) => (float[3,2] z)
        <int64 d = {3}, float[2] v = {0,1}, int64 z_zero = {0}, int64 z_length = {3}, int64 z_zero_1 = {0},
         int64 z_off = {3}>
        {
            z_Less = Less(i, z_zero)
            z_Cast = Cast<to=7>(z_Less)
            z_Mul = Mul(z_Cast, z_length)
            z_Add = Add(i, z_Mul)
            z_Less_1 = Less(z_Add, z_zero_1)
            z_Where = Where(z_Less_1, z_off, z_Add)
            z = OneHot<axis=0>(z_Where, d, v)
        }""",
        inputs={"i": np.array([1, -1])},
    )


@pytest.mark.parametrize("target", [10, 9, 8, 7])
@pytest.mark.parametrize("constant", [False, True])
def test_an_index_out_of_range_is_off(constant: bool, target: int) -> None:
    """Also one that is below the range, and would be in it if it were counted from the front twice."""
    places = "int64[6] i = {0,-1,5,-5,-6,-11}"
    text = f"""g ({"float[6] x" if constant else "float[6] x, int64[6] i"}) => (float[6,5] z)
    <int64 d = {{5}}, float[2] v = {{1,3}}, int64[1] a = {{1}}{", " + places if constant else ""}> {{
        o = OneHot(i, d, v) u = Unsqueeze<axes=[1]>(x) z = Mul(o, u) }}"""
    model = parse(11, text)
    inputs = {"x": noise((6,))} | ({} if constant else {"i": np.array([0, -1, 5, -5, -6, -11])})
    assert_same_numbers(model, convert(model, 11, target).model, inputs)


def test_places_of_maxima_stay() -> None:
    text = """g (float[2,3] x) => (float[2,1,3] z)
        <int64 d = {3}, float[2] v = {0,1}>
        {
            i = ArgMax<axis=1>(x)
            z = OneHot(i, d, v)
        }"""
    assert_step(11, text, text)


def test_zero_and_one_are_a_cast() -> None:
    assert_step(
        9,
        "g (int64[N] i) => (float[N,3] z) <int64 d = {3}, float[2] v = {0,1}> { z = OneHot(i, d, v) }",
        """g (int64[N] i, int64[1,3] z_numbers = {0,1,2}) => (float[N,3] z)
        {
            z_Unsqueeze = Unsqueeze<axes=[1]>(i)
            z_Equal = Equal(z_Unsqueeze, z_numbers)
            z = Cast<to=1>(z_Equal)
        }""",
        inputs={"i": np.array([0, 2])},
    )


def test_other_values_are_chosen_by_a_sum() -> None:
    assert_step(
        9,
        """g (int64[2] i, float[2] v) => (float[3,2] z)
        <int64[1] d = {3}>
        {
            z = OneHot<axis=0>(i, d, v)
        }""",
        """g (int64[2] i, float[2] v, int64[3,1] z_numbers = {0,1,2}) => (float[3,2] z)
        {
            z_Unsqueeze = Unsqueeze<axes=[0]>(i)
            z_Equal = Equal(z_Unsqueeze, z_numbers)
            z_Cast = Cast<to=1>(z_Equal)
            z_Not = Not(z_Equal)
            z_Cast_1 = Cast<to=1>(z_Not)
            z_Split, z_Split_1 = Split<axis=0, split=[1, 1]>(v)
            z_Mul = Mul(z_Cast, z_Split_1)
            z_Mul_1 = Mul(z_Cast_1, z_Split)
            z = Add(z_Mul, z_Mul_1)
        }""",
    )


def test_bools_need_no_cast() -> None:
    assert_step(
        9,
        "g (int64[2] i) => (bool[2,3] z) <int64 d = {3}, bool[2] v = {1,0}> { z = OneHot(i, d, v) }",
        """g (int64[2] i, int64[1,3] z_numbers = {0,1,2}) => (bool[2,3] z)
        {
            z_Unsqueeze = Unsqueeze<axes=[1]>(i)
            z_Equal = Equal(z_Unsqueeze, z_numbers)
            z = Not(z_Equal)
        }""",
    )


def test_a_depth_computed_at_run_time_is_refused() -> None:
    model = parse(9, "g (int64[2] i, int64 d) => (float[2,M] z) <float[2] v = {0,1}> { z = OneHot(i, d, v) }")
    with pytest.raises(RetargetError, match=r"OneHot .*9 to 8: its depth \(d\) are computed at run time"):
        step(model)


@given(
    st.lists(st.integers(-4, 5), min_size=2, max_size=2),
    st.integers(-3, 2),
    st.sampled_from(["int64", "int32", "float"]),
    st.sampled_from(["float", "int64", "bool"]),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_index_gives_the_same(indices: list[int], axis: int, kind: str, of: str) -> None:
    model = parse(
        11,
        f"""g ({kind}[1,2] i) => ({of}[A,B,C] z) <{kind} d = {{4}}, {of}[2] v = {{1,0}}> {{
            z = OneHot<axis={axis}>(i, d, v)
        }}""",
    )
    lowered = model
    for _ in range(11, 8, -1):
        lowered = step(lowered)
    numbers = np.array([indices], dtype={"int64": np.int64, "int32": np.int32, "float": np.float32}[kind])
    assert_same_numbers(model, lowered, {"i": numbers})
