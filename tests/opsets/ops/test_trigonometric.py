"""Sin, Cos, Tan, Asin, Acos and Atan below 7: polynomials."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from opsets.conversion import convert
from tests.opsets.comparing import assert_step, parse, run, step
from tests.opsets.shapes import Shape, shapes


def test_a_sine_is_that_of_the_distance_to_its_nearest_zero() -> None:
    assert_step(
        7,
        "g (float[N,3] x) => (float[N,3] z) { z = Sin(x) }",
        """g (
            float[N,3] x,
            float z_coefficient = {-2.3889102e-08},
            float z_coefficient_1 = {2.7525264e-06},
            float z_coefficient_2 = {-0.00019840861},
            float z_coefficient_3 = {0.008333331},
            float z_coefficient_4 = {-0.16666667},
            float z_coefficient_5 = {1.0},
            float z_factor = {-2.0},
            float z_half = {0.5},
            float z_half_1 = {0.5},
            float z_offset = {1.0},
            float z_part_of_pi = {3.140625},
            float z_part_of_pi_1 = {0.0009675026},
            float z_part_of_pi_2 = {1.509958e-07},
            float z_turns = {0.31830987}
        ) => (float[N,3] z) {
            z_Mul = Mul<broadcast=1>(x, z_turns)
            z_Add = Add<broadcast=1>(z_Mul, z_half)
            z_Floor = Floor(z_Add)
            z_Mul_1 = Mul<broadcast=1>(z_Floor, z_part_of_pi)
            z_Sub = Sub(x, z_Mul_1)
            z_Mul_2 = Mul<broadcast=1>(z_Floor, z_part_of_pi_1)
            z_Sub_1 = Sub(z_Sub, z_Mul_2)
            z_Mul_3 = Mul<broadcast=1>(z_Floor, z_part_of_pi_2)
            z_Sub_2 = Sub(z_Sub_1, z_Mul_3)
            z_Mul_4 = Mul<broadcast=1>(z_Floor, z_half_1)
            z_Floor_1 = Floor(z_Mul_4)
            z_Add_1 = Add(z_Floor_1, z_Floor_1)
            z_Sub_3 = Sub(z_Floor, z_Add_1)
            z_Mul_5 = Mul<broadcast=1>(z_Sub_3, z_factor)
            z_Add_2 = Add<broadcast=1>(z_Mul_5, z_offset)
            z_Mul_6 = Mul(z_Sub_2, z_Sub_2)
            z_Mul_7 = Mul<broadcast=1>(z_Mul_6, z_coefficient)
            z_Add_3 = Add<broadcast=1>(z_Mul_7, z_coefficient_1)
            z_Mul_8 = Mul(z_Add_3, z_Mul_6)
            z_Add_4 = Add<broadcast=1>(z_Mul_8, z_coefficient_2)
            z_Mul_9 = Mul(z_Add_4, z_Mul_6)
            z_Add_5 = Add<broadcast=1>(z_Mul_9, z_coefficient_3)
            z_Mul_10 = Mul(z_Add_5, z_Mul_6)
            z_Add_6 = Add<broadcast=1>(z_Mul_10, z_coefficient_4)
            z_Mul_11 = Mul(z_Add_6, z_Mul_6)
            z_Add_7 = Add<broadcast=1>(z_Mul_11, z_coefficient_5)
            z_Mul_12 = Mul(z_Sub_2, z_Add_7)
            z = Mul(z_Mul_12, z_Add_2)
        }""",
    )


def test_an_arcus_tangent_is_four_times_that_of_a_quarter() -> None:
    assert_step(
        7,
        "g (float[N,3] x) => (float[N,3] z) { z = Atan(x) }",
        """g (
            float[N,3] x,
            float z_coefficient = {-0.06026071},
            float z_coefficient_1 = {0.10569738},
            float z_coefficient_2 = {-0.1423952},
            float z_coefficient_3 = {0.19998182},
            float z_coefficient_4 = {-0.33333308},
            float z_coefficient_5 = {1.0},
            float z_four = {4.0},
            float z_one = {1.0},
            float z_one_1 = {1.0},
            float z_one_2 = {1.0},
            float z_one_3 = {1.0}
        ) => (float[N,3] z) {
            z_Clip = Clip<max=1e+09, min=-1e+09>(x)
            z_Mul = Mul(z_Clip, z_Clip)
            z_Add = Add<broadcast=1>(z_Mul, z_one)
            z_Sqrt = Sqrt(z_Add)
            z_Add_1 = Add<broadcast=1>(z_Sqrt, z_one_1)
            z_Div = Div(z_Clip, z_Add_1)
            z_Mul_1 = Mul(z_Div, z_Div)
            z_Add_2 = Add<broadcast=1>(z_Mul_1, z_one_2)
            z_Sqrt_1 = Sqrt(z_Add_2)
            z_Add_3 = Add<broadcast=1>(z_Sqrt_1, z_one_3)
            z_Div_1 = Div(z_Div, z_Add_3)
            z_Mul_2 = Mul(z_Div_1, z_Div_1)
            z_Mul_3 = Mul<broadcast=1>(z_Mul_2, z_coefficient)
            z_Add_4 = Add<broadcast=1>(z_Mul_3, z_coefficient_1)
            z_Mul_4 = Mul(z_Add_4, z_Mul_2)
            z_Add_5 = Add<broadcast=1>(z_Mul_4, z_coefficient_2)
            z_Mul_5 = Mul(z_Add_5, z_Mul_2)
            z_Add_6 = Add<broadcast=1>(z_Mul_5, z_coefficient_3)
            z_Mul_6 = Mul(z_Add_6, z_Mul_2)
            z_Add_7 = Add<broadcast=1>(z_Mul_6, z_coefficient_4)
            z_Mul_7 = Mul(z_Add_7, z_Mul_2)
            z_Add_8 = Add<broadcast=1>(z_Mul_7, z_coefficient_5)
            z_Mul_8 = Mul(z_Div_1, z_Add_8)
            z = Mul<broadcast=1>(z_Mul_8, z_four)
        }""",
    )


WIDE = np.concatenate([np.linspace(-20, 20, 8001), np.linspace(-1e4, 1e4, 8001), np.logspace(-30, 0, 100)])
UNIT = np.concatenate([np.linspace(-1, 1, 8001), np.logspace(-30, 0, 100)])
GRIDS = {
    "Sin": (np.sin, WIDE),
    "Cos": (np.cos, WIDE),
    "Tan": (np.tan, np.linspace(-1.4, 1.4, 8001)),
    "Asin": (np.arcsin, UNIT),
    "Acos": (np.arccos, UNIT),
    "Atan": (np.arctan, np.concatenate([WIDE, np.logspace(0, 38, 200), [np.inf, -np.inf]])),
}


@pytest.mark.parametrize("operator", GRIDS)
def test_the_bound_holds_and_is_recorded(operator: str) -> None:
    function, points = GRIDS[operator]
    grid = points.astype(np.float32)
    model = parse(7, f"g (float[{grid.size}] x) => (float[{grid.size}] z) {{ z = {operator}(x) }}")
    lowered = convert(model, 7, 3)
    found = run(lowered.model, {"x": grid})[0].astype(np.float64)
    exact = function(grid.astype(np.float64))
    size = np.maximum(np.abs(exact), 1) ** 2 if operator == "Tan" else 1.0
    assert (np.abs(found - exact) / size).max() < 1e-6
    assert [bound.split(" below")[0] for bound in lowered.bounds] == [operator]


LIMITS = {"Sin": 1e4, "Cos": 1e4, "Tan": 1.375, "Asin": 1, "Acos": 1, "Atan": 2.0**120}


@pytest.mark.parametrize("operator", GRIDS)
@given(shape=shapes(), data=st.data())
@settings(max_examples=6, deadline=None, derandomize=True)
def test_any_shape_and_numbers_are_within_the_bound(operator: str, shape: Shape, data: st.DataObject) -> None:
    limit = LIMITS[operator]
    model = parse(7, f"g (float{shape.text} x) => (float{shape.text} z) {{ z = {operator}(x) }}")
    numbers = data.draw(arrays(np.float32, shape.lengths, elements=st.floats(-limit, limit, width=32)))
    (found,) = run(step(model), {"x": numbers})
    exact = GRIDS[operator][0](numbers.astype(np.float64))
    assert (found.dtype, found.shape) == (numbers.dtype, shape.lengths)
    size = np.maximum(np.abs(exact), 1) ** 2 if operator == "Tan" else 1.0
    np.testing.assert_array_less(np.abs(found - exact) / size, 1e-6)
