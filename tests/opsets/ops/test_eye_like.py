"""EyeLike: a constant."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError
from tests.opsets.comparing import assert_same_numbers, assert_step, parse, step


def test_it_is_a_constant() -> None:
    assert_step(
        9,
        "g (float[2,3] x) => (float[2,3] z) { y = EyeLike<k=1>(x) z = Add(x, y) }",
        "g (float[2,3] x, float[2,3] y_eye = {0,1,0,0,0,1}) => (float[2,3] z) { z = Add(x, y_eye) }",
    )


def test_its_type_may_be_another() -> None:
    assert_step(
        9,
        "g (float[2,2] x) => (int64[2,2] z) { z = EyeLike<dtype=7>(x) }",
        "g (float[2,2] x, int64[2,2] z_eye = {1,0,0,1}) => (int64[2,2] z) { z = Identity(z_eye) }",
    )


def test_an_open_axis_is_refused() -> None:
    model = parse(9, "g (float[N,3] x) => (float[N,3] z) { z = EyeLike(x) }")
    with pytest.raises(RetargetError, match=r"EyeLike .*9 to 8: the length of axis 0 of x is not fixed"):
        step(model)


@given(st.integers(1, 4), st.integers(1, 4), st.integers(-4, 4), st.booleans())
@settings(max_examples=15, deadline=None, derandomize=True)
def test_any_diagonal_gives_the_same(rows: int, columns: int, k: int, typed: bool) -> None:
    kind, attribute = ("double", ", dtype=11") if typed else ("float", "")
    model = parse(
        9,
        f"""g (float[{rows},{columns}] x) => ({kind}[{rows},{columns}] z) {{
            z = EyeLike<k={k}{attribute}>(x)
        }}""",
    )
    assert_same_numbers(model, step(model), zeros=True)
