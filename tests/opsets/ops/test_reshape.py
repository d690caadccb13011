"""Reshape without allowzero."""

from __future__ import annotations

import pytest

from opsets import RetargetError
from tests.opsets.comparing import assert_step, parse, step


@pytest.mark.parametrize("allowed", [0, 1])
def test_allowzero_goes_where_no_zero_is_asked_for(allowed: int) -> None:
    assert_step(
        14,
        f"""g (float[N,4,5] x) => (float[A,10] y) <int64[2] s = {{-1,10}}> {{
            y = Reshape<allowzero={allowed}>(x, s)
        }}""",
        "g (float[N,4,5] x) => (float[A,10] y) <int64[2] s = {-1,10}> { y = Reshape(x, s) }",
    )


def test_a_zero_that_copies_stays() -> None:
    text = "g (float[N,4,5] x) => (float[N,20] y) <int64[2] s = {0,-1}> { y = Reshape(x, s) }"
    assert_step(14, text, text)


@pytest.mark.parametrize(
    ("inputs", "constants", "reason"),
    [
        ("float[0,4] x", "<int64[2] s = {0,2}>", "it asks for an axis of length 0"),
        ("float[2,4] x, int64[2] s", "", r"its shape \(s\) are computed at run time"),
    ],
)
def test_an_axis_of_length_zero_is_refused(inputs: str, constants: str, reason: str) -> None:
    model = parse(14, f"g ({inputs}) => (float[A,B] y) {constants} {{ y = Reshape<allowzero=1>(x, s) }}")
    with pytest.raises(RetargetError, match=f"Reshape .*14 to 13: {reason}"):
        step(model)
