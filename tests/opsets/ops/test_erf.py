"""Erf below 9: a rational approximation."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from opsets.conversion import convert
from tests.opsets.comparing import assert_step, parse, run
from tests.opsets.shapes import Shape, shapes


def test_it_is_a_quotient_of_polynomials() -> None:
    assert_step(
        9,
        "g (float[N,3] x) => (float[N,3] z) { z = Erf(x) }",
        """g (
            float[N,3] x,
            float z_coefficient = {-2.7261424e-10},
            float z_coefficient_1 = {2.7706815e-08},
            float z_coefficient_10 = {-0.0073733293},
            float z_coefficient_11 = {-0.014264739},
            float z_coefficient_2 = {-2.101024e-06},
            float z_coefficient_3 = {-5.6925062e-05},
            float z_coefficient_4 = {-0.00073499064},
            float z_coefficient_5 = {-0.0029546},
            float z_coefficient_6 = {-0.016096033},
            float z_coefficient_7 = {-1.45660715e-05},
            float z_coefficient_8 = {-0.00021337405},
            float z_coefficient_9 = {-0.001682827}
        ) => (float[N,3] z) {
            z_Clip = Clip<max=4.0, min=-4.0>(x)
            z_Mul = Mul(z_Clip, z_Clip)
            z_Mul_1 = Mul(z_Mul, z_coefficient)
            z_Add = Add(z_Mul_1, z_coefficient_1)
            z_Mul_2 = Mul(z_Add, z_Mul)
            z_Add_1 = Add(z_Mul_2, z_coefficient_2)
            z_Mul_3 = Mul(z_Add_1, z_Mul)
            z_Add_2 = Add(z_Mul_3, z_coefficient_3)
            z_Mul_4 = Mul(z_Add_2, z_Mul)
            z_Add_3 = Add(z_Mul_4, z_coefficient_4)
            z_Mul_5 = Mul(z_Add_3, z_Mul)
            z_Add_4 = Add(z_Mul_5, z_coefficient_5)
            z_Mul_6 = Mul(z_Add_4, z_Mul)
            z_Add_5 = Add(z_Mul_6, z_coefficient_6)
            z_Mul_7 = Mul(z_Clip, z_Add_5)
            z_Mul_8 = Mul(z_Mul, z_coefficient_7)
            z_Add_6 = Add(z_Mul_8, z_coefficient_8)
            z_Mul_9 = Mul(z_Add_6, z_Mul)
            z_Add_7 = Add(z_Mul_9, z_coefficient_9)
            z_Mul_10 = Mul(z_Add_7, z_Mul)
            z_Add_8 = Add(z_Mul_10, z_coefficient_10)
            z_Mul_11 = Mul(z_Add_8, z_Mul)
            z_Add_9 = Add(z_Mul_11, z_coefficient_11)
            z_Div = Div(z_Mul_7, z_Add_9)
            z = Clip<max=1.0, min=-1.0>(z_Div)
        }""",
    )


def test_the_bound_holds_and_is_recorded() -> None:
    grid = np.concatenate([np.linspace(-6, 6, 100_001), np.logspace(-30, 0, 1000)]).astype(np.float32)
    model = parse(9, f"g (float[{grid.size}] x) => (float[{grid.size}] z) {{ z = Erf(x) }}")
    exact = np.array([math.erf(number) for number in grid.tolist()])
    for target in (8, 3):
        lowered = convert(model, 9, target)
        found = run(lowered.model, {"x": grid})[0].astype(np.float64)
        assert np.abs(found - exact).max() < 5e-7
        assert np.abs(found).max() <= 1
        large = np.abs(exact) > 1e-30
        assert np.abs(found[large] / exact[large] - 1).max() < 1e-6
        assert lowered.bounds == ("Erf below 9: absolute error at most 1e-6",)


def test_the_ends_are_one() -> None:
    lowered = convert(parse(9, "g (float[4] x) => (float[4] z) { z = Erf(x) }"), 9, 8).model
    numbers = np.array([-np.inf, np.inf, -4, 30], dtype=np.float32)
    np.testing.assert_allclose(run(lowered, {"x": numbers})[0], [-1, 1, -1, 1], rtol=0, atol=1e-6)


@given(shapes(), st.sampled_from([8, 8, 8, 6]), st.data())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_shape_and_numbers_are_within_the_bound(shape: Shape, target: int, data: st.DataObject) -> None:
    """Infinities, too."""
    model = parse(9, f"g (float{shape.text} x) => (float{shape.text} z) {{ z = Erf(x) }}")
    numbers = data.draw(arrays(np.float32, shape.lengths, elements=st.floats(width=32, allow_nan=False)))
    (found,) = run(convert(model, 9, target).model, {"x": numbers})
    assert (found.dtype, found.shape) == (numbers.dtype, shape.lengths)
    np.testing.assert_allclose(found, np.vectorize(math.erf)(numbers), rtol=0, atol=5e-7)
