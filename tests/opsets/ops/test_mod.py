"""Mod: what whole quotients leave over."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets.conversion import convert
from tests.opsets.comparing import Array, assert_same_numbers, assert_step, parse, run, step


def test_signed_integers_are_divided_twice() -> None:
    assert_step(
        10,
        "g (int64[N,3] x, int64[3] y) => (int64[N,3] z) { z = Mod(x, y) }",
        """g (int64[N,3] x, int64[3] y) => (int64[N,3] z) {
            z_Div = Div(x, y)
            z_Mul = Mul(z_Div, y)
            z_Sub = Sub(x, z_Mul)
            z_Add = Add(z_Sub, y)
            z_Div_1 = Div(z_Add, y)
            z_Mul_1 = Mul(z_Div_1, y)
            z = Sub(z_Add, z_Mul_1)
        }""",
    )


def test_the_rest_of_fmod_has_the_sign_of_the_dividend() -> None:
    assert_step(
        10,
        "g (int32[N,3] x, int32[3] y) => (int32[N,3] z) { z = Mod<fmod=1>(x, y) }",
        """g (int32[N,3] x, int32[3] y) => (int32[N,3] z) {
            z_Div = Div(x, y)
            z_Mul = Mul(z_Div, y)
            z = Sub(x, z_Mul)
        }""",
    )


def test_narrow_integers_are_widened() -> None:
    assert_step(
        10,
        "g (uint8[N,3] x, uint8[3] y) => (uint8[N,3] z) { z = Mod(x, y) }",
        """g (uint8[N,3] x, uint8[3] y) => (uint8[N,3] z) {
            z_Cast = Cast<to=6>(x)
            z_Cast_1 = Cast<to=6>(y)
            z_Div = Div(z_Cast, z_Cast_1)
            z_Mul = Mul(z_Div, z_Cast_1)
            z_Sub = Sub(z_Cast, z_Mul)
            z = Cast<to=2>(z_Sub)
        }""",
    )


def test_floats_have_a_sign_too() -> None:
    assert_step(
        10,
        "g (float[N,3] x, float[3] y) => (float[N,3] z) { z = Mod<fmod=1>(x, y) }",
        """g (float[N,3] x, float[3] y) => (float[N,3] z)
        <float z_factor = {1e+30}, float z_factor_1 = {1e+30}> {
            z_Div = Div(x, y)
            z_Abs = Abs(z_Div)
            z_Floor = Floor(z_Abs)
            z_Mul = Mul(z_Div, z_factor)
            z_Clip = Clip<max=1.0, min=-1.0>(z_Mul)
            z_Mul_1 = Mul(z_Clip, z_factor_1)
            z_Clip_1 = Clip<max=1.0, min=-1.0>(z_Mul_1)
            z_Mul_2 = Mul(z_Floor, z_Clip_1)
            z_Mul_3 = Mul(z_Mul_2, y)
            z = Sub(x, z_Mul_3)
        }""",
    )


DIVIDENDS, DIVISORS = np.array([7, 7, 6, 6, 0, 1, 3]), np.array([3, 4, 3, 2, 3, 5, 3])


def both_signs(kind: str) -> tuple[Array, Array]:
    signs = ((1, 1), (1, -1), (-1, 1), (-1, -1)) if kind.startswith(("i", "f")) else ((1, 1),)
    pairs = [(DIVIDENDS * one, DIVISORS * other) for one, other in signs]
    first, second = (np.concatenate(part).astype(kind) for part in zip(*pairs, strict=True))
    return first, second


@pytest.mark.parametrize("target", [9, 6])
@pytest.mark.parametrize("fmod", [0, 1])
@pytest.mark.parametrize("kind", ["int8", "uint8", "int32", "uint32", "int64", "uint64"])
def test_all_signs_give_the_same(kind: str, fmod: int, target: int) -> None:
    x, y = both_signs(kind)
    text = (
        f"g ({kind}[{x.size}] x, {kind}[{x.size}] y) => ({kind}[{x.size}] z) {{ z = Mod<fmod={fmod}>(x, y) }}"
    )
    lowered = convert(parse(10, text), 10, target)
    expected = (np.fmod if fmod else np.mod)(x, y)
    np.testing.assert_array_equal(run(lowered.model, {"x": x, "y": y})[0], expected)
    assert lowered.bounds == ()


@given(st.lists(st.tuples(st.integers(-1000, 1000), st.integers(1, 100)), min_size=1, max_size=20))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_floats_give_the_same(pairs: list[tuple[int, int]]) -> None:
    x, y = (np.array(part, dtype=np.float32) / 4 for part in zip(*pairs, strict=True))
    model = parse(
        10, f"g (float[{x.size}] x, float[{x.size}] y) => (float[{x.size}] z) {{ z = Mod<fmod=1>(x, y) }}"
    )
    assert_same_numbers(model, step(model), {"x": x, "y": y}, tolerance=1e-4, zeros=True)


def test_floats_without_fmod_get_the_sign_of_the_divisor() -> None:
    assert_step(
        28,
        "g (float[N,3] x, float[3] y) => (float[N,3] z) { z = Mod(x, y) }",
        """g (float[N,3] x, float[3] y) => (float[N,3] z) <float z_zero = {0}> {
            z_Mod = Mod<fmod=1>(x, y)
            z_Less = Less(z_Mod, z_zero)
            z_Less_1 = Less(y, z_zero)
            z_Equal = Equal(z_Mod, z_zero)
            z_Not = Not(z_Equal)
            z_Xor = Xor(z_Less, z_Less_1)
            z_And = And(z_Not, z_Xor)
            z_Add = Add(z_Mod, y)
            z = Where(z_And, z_Add, z_Mod)
        }""",
    )


@pytest.mark.parametrize(("kind", "fmod"), [("float", 1), ("int32", 0), ("int32", 1)])
def test_other_rests_stay_as_they_are_at_28(kind: str, fmod: int) -> None:
    text = f"g ({kind}[N,3] x, {kind}[3] y) => ({kind}[N,3] z) {{ z = Mod<fmod={fmod}>(x, y) }}"
    assert_step(28, text, text)
    assert convert(parse(28, text), 28, 27).bounds == ()


@given(st.lists(st.tuples(st.integers(-1000, 1000), st.sampled_from([-8, -3, -1, 1, 2, 7])), min_size=1))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_floats_without_fmod_give_the_same(pairs: list[tuple[int, int]]) -> None:
    x, y = (np.array(part, dtype=np.float32) / 4 for part in zip(*pairs, strict=True))
    text = f"g (float[{x.size}] x, float[{x.size}] y) => (float[{x.size}] z) {{ z = Mod(x, y) }}"
    lowered = convert(parse(28, text), 28, 12)
    np.testing.assert_array_equal(run(lowered.model, {"x": x, "y": y})[0], np.mod(x, y))
    assert lowered.bounds == ()
