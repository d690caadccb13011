"""Round below 11: half to even."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets.conversion import convert
from tests.opsets.comparing import assert_step, parse, run


def test_it_is_the_floor_and_what_is_above() -> None:
    assert_step(
        11,
        "g (float[N,3] x) => (float[N,3] z) { z = Round(x) }",
        """g (float[N,3] x) => (float[N,3] z)
        <float z_half = {0.5}, float z_half_1 = {0.5}, float z_half_2 = {0.5}> {
            z_Floor = Floor(x)
            z_Sub = Sub(x, z_Floor)
            z_Sub_1 = Sub(z_Sub, z_half)
            z_Ceil = Ceil(z_Sub_1)
            z_Add = Add(z_Sub, z_half_1)
            z_Floor_1 = Floor(z_Add)
            z_Mul = Mul(z_Floor, z_half_2)
            z_Floor_2 = Floor(z_Mul)
            z_Add_1 = Add(z_Floor_2, z_Floor_2)
            z_Sub_2 = Sub(z_Floor, z_Add_1)
            z_Sub_3 = Sub(z_Floor_1, z_Ceil)
            z_Mul_1 = Mul(z_Sub_3, z_Sub_2)
            z_Add_2 = Add(z_Floor, z_Ceil)
            z = Add(z_Add_2, z_Mul_1)
        }""",
    )


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1, max_size=64))
@settings(max_examples=50, deadline=None, derandomize=True)
def test_any_number_is_rounded_to_even(numbers: list[float]) -> None:
    halves = np.arange(-20, 20) / np.float32(2)
    around = [0.49999997, -0.49999997, 0.50000006, -0.50000006, 8388607.5, 8388609.0, 1e10, -2.5]
    values = np.array([*halves, *around, *numbers], dtype=np.float32)
    model = parse(11, f"g (float[{values.size}] x) => (float[{values.size}] z) {{ z = Round(x) }}")
    lowered = convert(model, 11, 10)
    np.testing.assert_array_equal(run(lowered.model, {"x": values})[0], np.round(values))
    assert lowered.bounds == ("Round below 11: NaN for infinities",)
