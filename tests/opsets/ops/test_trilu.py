"""Trilu: a choice by a mask."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError
from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, step


def test_a_constant_diagonal_makes_a_constant_mask() -> None:
    assert_step(
        14,
        "g (float[N,2,3] x) => (float[N,2,3] z) <int64 k = {1}> { z = Trilu(x, k) }",
        """g (float[N,2,3] x) => (float[N,2,3] z)
        <float z_zero = {0}, bool[2,3] z_inside = {0,1,1,0,0,1}>
        {
            z = Where(z_inside, x, z_zero)
        }""",
    )


def test_the_lower_part_without_a_diagonal() -> None:
    assert_step(
        14,
        "g (int64[2,2] x) => (int64[2,2] z) { z = Trilu<upper=0>(x) }",
        """g (int64[2,2] x) => (int64[2,2] z)
        <int64 z_zero = {0}, bool[2,2] z_inside = {1,0,1,1}>
        {
            z = Where(z_inside, x, z_zero)
        }""",
    )


def test_a_diagonal_computed_at_run_time_is_compared() -> None:
    assert_step(
        14,
        "g (float[2,2] x, int64 k) => (float[2,2] z) { z = Trilu(x, k) }",
        """g (float[2,2] x, int64 k) => (float[2,2] z)
        <float z_zero = {0}, int64[2,2] z_offsets = {0,1,-1,0}>
        {
            z_Less = Less(z_offsets, k)
            z = Where(z_Less, z_zero, x)
        }""",
        inputs={"x": noise((2, 2)), "k": np.array(1)},
    )


def test_an_open_axis_is_refused() -> None:
    model = parse(14, "g (float[N,3] x) => (float[N,3] z) { z = Trilu(x) }")
    with pytest.raises(RetargetError, match=r"Trilu .*14 to 13: the length of axis -2 of x is not fixed"):
        step(model)


@given(st.integers(1, 4), st.integers(1, 4), st.integers(-5, 5), st.booleans(), st.booleans())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_diagonal_gives_the_same(height: int, width: int, k: int, upper: bool, constant: bool) -> None:
    more, fixed = ("", f"<int64 k = {{{k}}}>") if constant else (", int64 k", "")
    model = parse(
        14,
        f"""g (float[{height},{width}] x{more}) => (float[{height},{width}] z) {fixed} {{
            z = Trilu<upper={int(upper)}>(x, k)
        }}""",
    )
    inputs = {"x": noise((height, width))} | ({} if constant else {"k": np.array(k)})
    assert_same_numbers(model, step(model), inputs, zeros=True)
