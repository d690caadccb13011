"""Gelu by its two definitions."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets.conversion import convert
from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, step

SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=4)


def test_the_exact_form_is_spelt_with_erf() -> None:
    assert_step(
        20,
        "g (float[N,4] x) => (float[N,4] y) { y = Gelu(x) }",
        """g (float[N,4] x) => (float[N,4] y)
        <float y_root = {1.4142135}, float y_one = {1}, float y_half = {0.5}> {
            y_Div = Div(x, y_root)
            y_Erf = Erf(y_Div)
            y_Add = Add(y_Erf, y_one)
            y_Mul = Mul(x, y_half)
            y = Mul(y_Mul, y_Add)
        }""",
    )


def test_the_approximation_is_spelt_with_tanh() -> None:
    assert_step(
        20,
        'g (float[N,4] x) => (float[N,4] y) { y = Gelu<approximate="tanh">(x) }',
        """g (float[N,4] x) => (float[N,4] y)
        <float y_cubic = {0.044715}, float y_scale = {0.7978846}, float y_one = {1}, float y_half = {0.5}> {
            y_Mul = Mul(x, x)
            y_Mul_1 = Mul(y_Mul, x)
            y_Mul_2 = Mul(y_Mul_1, y_cubic)
            y_Add = Add(x, y_Mul_2)
            y_Mul_3 = Mul(y_Add, y_scale)
            y_Tanh = Tanh(y_Mul_3)
            y_Add_1 = Add(y_Tanh, y_one)
            y_Mul_4 = Mul(x, y_half)
            y = Mul(y_Mul_4, y_Add_1)
        }""",
        tolerance=2e-6,
    )


@given(SHAPES, st.sampled_from(["", '<approximate="none">', '<approximate="tanh">']))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_shape_gives_the_same(shape: list[int], form: str) -> None:
    model = parse(20, f"g (float{shape} x) => (float{shape} y) {{ y = Gelu{form}(x) }}")
    assert_same_numbers(model, step(model), {"x": noise(tuple(shape))}, tolerance=2e-6)


@pytest.mark.parametrize("form", ["none", "tanh"])
@pytest.mark.parametrize("target", [9, 7, 3])
def test_further_down_it_is_the_same(form: str, target: int) -> None:
    model = parse(20, f'g (float[2,50] x) => (float[2,50] y) {{ y = Gelu<approximate="{form}">(x) }}')
    assert_same_numbers(model, convert(model, 20, target).model, {"x": noise((2, 50))}, tolerance=2e-6)
