"""Pad of some axes as a Pad of all."""

from __future__ import annotations

import pytest

from opsets import RetargetError
from tests.opsets.comparing import assert_step, parse, step


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect"])
def test_pads_of_some_axes_become_pads_of_all(mode: str) -> None:
    assert_step(
        18,
        f"""g (float[N,4,5] x) => (float[N,7,9] y) <int64[2] a = {{1,-1}}, int64[4] p = {{1,2,2,2}}> {{
            y = Pad<mode="{mode}">(x, p, , a)
        }}""",
        f"""g (float[N,4,5] x) => (float[N,7,9] y) <int64[6] y_pads = {{0,1,2,0,2,2}}> {{
            y = Pad<mode="{mode}">(x, y_pads)
        }}""",
    )


def test_the_value_stays() -> None:
    assert_step(
        18,
        """g (float[N,4] x) => (float[N,7] y) <int64[1] a = {1}, int64[2] p = {1,2}, float v = {3.5}> {
            y = Pad(x, p, v, a)
        }""",
        """g (float[N,4] x) => (float[N,7] y) <float v = {3.5}, int64[4] y_pads = {0,1,0,2}> {
            y = Pad(x, y_pads, v)
        }""",
    )


def test_pads_of_all_axes_stay_as_they_are() -> None:
    text = """g (float[N,4] x) => (float[A,B] y) <int64[4] p = {1,2,0,-1}, float v = {3.5}> {
        y = Pad(x, p, v)
    }"""
    assert_step(18, text, text)


def test_axes_computed_at_run_time_are_refused() -> None:
    model = parse(
        18,
        "g (float[2,4] x, int64[1] a) => (float[A,B] y) <int64[2] p = {1,1}> { y = Pad(x, p, , a) }",
    )
    with pytest.raises(RetargetError, match=r"Pad .*18 to 17: its axes \(a\) are computed at run time"):
        step(model)
