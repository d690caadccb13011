"""Sinh, Cosh, Asinh, Acosh and Atanh below 9."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from opsets.conversion import convert
from tests.opsets.comparing import assert_step, parse, run
from tests.opsets.shapes import Shape, shapes


def test_a_sine_is_made_of_factors() -> None:
    assert_step(
        9,
        "g (float[N,3] x) => (float[N,3] z) { z = Sinh(x) }",
        """g (
            float[N,3] x,
            float z_half = {0.5},
            float z_half_1 = {0.5},
            float z_one = {1.0},
            float z_one_1 = {1.0}
        ) => (float[N,3] z) {
            z_Mul = Mul(x, z_half)
            z_Tanh = Tanh(z_Mul)
            z_Exp = Exp(x)
            z_Add = Add(z_Exp, z_one)
            z_Neg = Neg(x)
            z_Exp_1 = Exp(z_Neg)
            z_Add_1 = Add(z_Exp_1, z_one_1)
            z_Mul_1 = Mul(z_Tanh, z_Add)
            z_Mul_2 = Mul(z_Mul_1, z_Add_1)
            z = Mul(z_Mul_2, z_half_1)
        }""",
    )


def test_a_cosine_is_half_a_sum() -> None:
    assert_step(
        9,
        "g (float[N,3] x) => (float[N,3] z) { z = Cosh(x) }",
        """g (float[N,3] x, float z_half = {0.5}) => (float[N,3] z) {
            z_Neg = Neg(x)
            z_Exp = Exp(x)
            z_Exp_1 = Exp(z_Neg)
            z_Add = Add(z_Exp, z_Exp_1)
            z = Mul(z_Add, z_half)
        }""",
    )


def test_an_area_sine_has_the_sign_of_its_input() -> None:
    assert_step(
        9,
        "g (float[N,3] x) => (float[N,3] z) { z = Asinh(x) }",
        """g (
            float[N,3] x,
            float z_factor = {1e+30},
            float z_factor_1 = {1e+30},
            float z_one = {1.0}
        ) => (float[N,3] z) {
            z_Abs = Abs(x)
            z_Mul = Mul(x, x)
            z_Add = Add(z_Mul, z_one)
            z_Sqrt = Sqrt(z_Add)
            z_Add_1 = Add(z_Abs, z_Sqrt)
            z_Log = Log(z_Add_1)
            z_Mul_1 = Mul(x, z_factor)
            z_Clip = Clip<max=1.0, min=-1.0>(z_Mul_1)
            z_Mul_2 = Mul(z_Clip, z_factor_1)
            z_Clip_1 = Clip<max=1.0, min=-1.0>(z_Mul_2)
            z = Mul(z_Log, z_Clip_1)
        }""",
    )


def test_an_area_tangent_is_half_a_logarithm() -> None:
    assert_step(
        9,
        "g (float[N,3] x) => (float[N,3] z) { a = Sigmoid(x) z = Atanh(a) }",
        """g (
            float[N,3] x,
            float z_half = {0.5},
            float z_one = {1.0},
            float z_one_1 = {1.0}
        ) => (float[N,3] z) {
            a = Sigmoid(x)
            z_Add = Add(a, z_one)
            z_Neg = Neg(a)
            z_Add_1 = Add(z_Neg, z_one_1)
            z_Div = Div(z_Add, z_Add_1)
            z_Log = Log(z_Div)
            z = Mul(z_Log, z_half)
        }""",
    )


def test_an_area_cosine_is_a_logarithm() -> None:
    assert_step(
        9,
        "g (float[N,3] x) => (float[N,3] z) { a = Abs(x) b = Exp(a) z = Acosh(b) }",
        """g (float[N,3] x, float z_one = {1.0}, float z_one_1 = {1.0}) => (float[N,3] z) {
            a = Abs(x)
            b = Exp(a)
            z_Sub = Sub(b, z_one)
            z_Add = Add(b, z_one_1)
            z_Mul = Mul(z_Sub, z_Add)
            z_Sqrt = Sqrt(z_Mul)
            z_Add_1 = Add(b, z_Sqrt)
            z = Log(z_Add_1)
        }""",
    )


GRIDS = {
    "Sinh": (np.sinh, np.concatenate([np.linspace(-80, 80, 4000), np.logspace(-20, 0, 100)])),
    "Cosh": (np.cosh, np.linspace(-80, 80, 4001)),
    "Asinh": (np.arcsinh, np.concatenate([np.linspace(-100, 100, 4001), np.logspace(-20, 18, 100)])),
    "Acosh": (np.arccosh, np.concatenate([np.linspace(1, 100, 4001), np.logspace(0, 18, 100)])),
    "Atanh": (np.arctanh, np.linspace(-0.999, 0.999, 4001)),
}


@pytest.mark.parametrize("target", [8, 3])
@pytest.mark.parametrize("operator", GRIDS)
def test_the_bound_holds_and_is_recorded(operator: str, target: int) -> None:
    function, points = GRIDS[operator]
    grid = points.astype(np.float32)
    model = parse(9, f"g (float[{grid.size}] x) => (float[{grid.size}] z) {{ z = {operator}(x) }}")
    lowered = convert(model, 9, target)
    found = run(lowered.model, {"x": grid})[0].astype(np.float64)
    exact = function(grid.astype(np.float64))
    size = np.abs(exact) if operator in ("Sinh", "Cosh") else np.maximum(np.abs(exact), 1)
    assert (np.abs(found - exact) / size).max() < 1e-6
    assert [bound.split(" below")[0] for bound in lowered.bounds] == [operator]


LIMITS = {
    "Sinh": (-80, 80),
    "Cosh": (-80, 80),
    "Asinh": (-1e9, 1e9),
    "Acosh": (1, 1e9),
    "Atanh": (-0.875, 0.875),
}
DENORMAL = 1e-42
"""What numbers below 1e-37 may be off by."""
ENDS = {"Acosh": [1, np.inf, np.nan], "Atanh": [1, -1, 0, np.nan]}


@pytest.mark.parametrize("operator", GRIDS)
@given(shape=shapes(), target=st.sampled_from([8, 8, 8, 6]), data=st.data())
@settings(max_examples=8, deadline=None, derandomize=True)
def test_any_shape_and_numbers_are_within_the_bound(
    operator: str, shape: Shape, target: int, data: st.DataObject
) -> None:
    model = parse(9, f"g (float{shape.text} x) => (float{shape.text} z) {{ z = {operator}(x) }}")
    low, high = LIMITS[operator]
    numbers = data.draw(arrays(np.float32, shape.lengths, elements=st.floats(low, high, width=32)))
    (found,) = run(convert(model, 9, target).model, {"x": numbers})
    exact = GRIDS[operator][0](numbers.astype(np.float64))
    assert (found.dtype, found.shape) == (numbers.dtype, shape.lengths)
    np.testing.assert_allclose(
        found, exact, rtol=1e-6, atol=DENORMAL if operator in ("Sinh", "Cosh") else 1e-6
    )


@pytest.mark.parametrize("operator", GRIDS)
def test_infinities_and_nan_are_as_numpy_has_them(operator: str) -> None:
    ends = np.array(ENDS.get(operator, [np.inf, -np.inf, np.nan, 0]), dtype=np.float32)
    model = parse(9, f"g (float[{ends.size}] x) => (float[{ends.size}] z) {{ z = {operator}(x) }}")
    with np.errstate(divide="ignore"):
        exact = GRIDS[operator][0](ends)
    np.testing.assert_allclose(run(convert(model, 9, 8).model, {"x": ends})[0], exact, rtol=1e-6)
