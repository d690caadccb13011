"""Range: places of ones, times the step."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError
from tests.opsets.comparing import assert_same_numbers, assert_step, parse, step


def test_places_of_ones_are_stretched() -> None:
    assert_step(
        11,
        """g (float[N,2] x) => (float[M] z)
        <float start = {1}, float delta = {0.5}>
        {
            l = ReduceMax<keepdims=0>(x)
            z = Range(start, l, delta)
        }""",
        """g (float[N,2] x) => (float[M] z)
        <float start = {1}, float delta = {0.5}, double z_none = {0}>
        {
            l = ReduceMax<keepdims=0>(x)
            z_Sub = Sub(l, start)
            z_Cast = Cast<to=11>(z_Sub)
            z_Cast_1 = Cast<to=11>(delta)
            z_Div = Div(z_Cast, z_Cast_1)
            z_Ceil = Ceil(z_Div)
            z_Cast_2 = Cast<to=7>(z_Ceil)
            z_Less = Less(z_none, z_Div)
            z_Cast_3 = Cast<to=7>(z_Less)
            z_Mul = Mul(z_Cast_2, z_Cast_3)
            z_Unsqueeze = Unsqueeze<axes=[0]>(z_Mul)
            z_ConstantOfShape = ConstantOfShape<value: tensor = int64[1] {1}>(z_Unsqueeze)
            z_NonZero = NonZero(z_ConstantOfShape)
            z_Squeeze = Squeeze<axes=[0]>(z_NonZero)
            z_Cast_4 = Cast<to=1>(z_Squeeze)
            z_Mul_1 = Mul(z_Cast_4, delta)
            z = Add(z_Mul_1, start)
        }""",
    )


@given(
    st.integers(-9, 9),
    st.integers(-9, 9),
    st.sampled_from([-3, -1, 1, 2]),
    st.sampled_from(["int64", "int32", "float", "double"]),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_limits_give_the_same(start: int, limit: int, delta: int, kind: str) -> None:
    model = parse(11, f"g ({kind} a, {kind} b, {kind} c) => ({kind}[M] z) {{ z = Range(a, b, c) }}")
    numbers = {
        name: np.array(value, dtype=kind if kind != "float" else "float32")
        for name, value in zip("abc", (start, limit, delta), strict=True)
    }
    lowered = step(model)
    assert_same_numbers(model, lowered, numbers)
    assert_same_numbers(model, step(lowered), numbers)


def test_what_half_floats_are_counted_in_is_dropped() -> None:
    assert_step(
        27,
        "g (float a, float b, float c) => (float[M] z) { z = Range<stash_type=1>(a, b, c) }",
        "g (float a, float b, float c) => (float[M] z) { z = Range(a, b, c) }",
    )


@given(st.integers(-5, 5), st.integers(0, 6), st.sampled_from(["int64", "float", "double", "int32", "int16"]))
@settings(max_examples=15, deadline=None, derandomize=True)
def test_any_type_is_counted_the_same_at_26(start: int, count: int, kind: str) -> None:
    model = parse(
        27, f"g ({kind} a, {kind} b, {kind} c) => ({kind}[M] z) {{ z = Range<stash_type=1>(a, b, c) }}"
    )
    numbers = {
        name: np.array(value, dtype=kind if kind != "float" else "float32")
        for name, value in zip("abc", (start, start + 2 * count, 2), strict=True)
    }
    assert_same_numbers(model, step(model), numbers)


def test_half_floats_are_refused_at_26() -> None:
    model = parse(27, "g (float16 a, float16 b, float16 c) => (float16[M] z) { z = Range(a, b, c) }")
    with pytest.raises(RetargetError, match=r"Range .*27 to 26: input 0 may not be tensor\(float16\)"):
        step(model)
