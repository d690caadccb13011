"""PRelu: a slope per channel, for all, or of another shape."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, step


def test_a_constant_slope_per_channel_loses_its_other_axes() -> None:
    assert_step(
        7,
        "g (float[N,2,3,3] x, float[2,1,1] s = {0.5, -1}) => (float[N,2,3,3] z) { z = PRelu(x, s) }",
        """g (float[N,2,3,3] x, float[2] z_slope = {0.5, -1.0}) => (float[N,2,3,3] z) {
            z = PRelu(x, z_slope)
        }""",
    )


def test_a_computed_slope_per_channel_is_reshaped() -> None:
    assert_step(
        7,
        "g (float[N,2,2] x, float[1,2,1] s) => (float[N,2,2] z) { z = PRelu(x, s) }",
        """g (float[N,2,2] x, float[1,2,1] s, int64[1] z_shape = {-1}) => (float[N,2,2] z) {
            z_Reshape = Reshape(s, z_shape)
            z = PRelu(x, z_Reshape)
        }""",
    )


def test_one_slope_for_all() -> None:
    assert_step(
        7,
        "g (float[N,2] x, float s = {0.5}) => (float[N,2] z) { z = PRelu(x, s) }",
        """g (float[N,2] x, float[1] z_slope = {0.5}) => (float[N,2] z) {
            z = PRelu(x, z_slope)
        }""",
    )


def test_a_slope_of_another_shape_is_multiplied() -> None:
    assert_step(
        7,
        "g (float[N,2,2] x, float[2] s) => (float[N,2,2] z) { z = PRelu(x, s) }",
        """g (float[N,2,2] x, float[2] s) => (float[N,2,2] z) {
            z_Neg = Neg(x)
            z_Relu = Relu(z_Neg)
            z_Mul = Mul<broadcast=1>(z_Relu, s)
            z_Relu_1 = Relu(x)
            z = Sub(z_Relu_1, z_Mul)
        }""",
    )


def test_a_slope_per_channel_of_two_axes_stays() -> None:
    text = "g (float[N,2] x, float[2] s) => (float[N,2] z) { z = PRelu(x, s) }"
    assert_step(7, text, text)


@given(
    st.lists(st.sampled_from([2, 3]), min_size=1, max_size=4),
    st.lists(st.booleans(), min_size=4, max_size=4),
    st.integers(0, 4),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_slope_gives_the_same(shape: list[int], ones: list[bool], missing: int) -> None:
    slope = [1 if one else length for length, one in zip(shape, ones, strict=False)][missing:]
    data, own = (f"float[{','.join(map(str, lengths))}]".replace("[]", "") for lengths in (shape, slope))
    model = parse(7, f"g ({data} x, {own} s) => ({data} z) {{ z = PRelu(x, s) }}")
    numbers = {"x": noise(tuple(shape)), "s": np.asarray(noise(tuple(slope), np.float32, 1))}
    assert_same_numbers(model, step(model), numbers)
