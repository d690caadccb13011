"""Pad: of some axes as of all, and pads as attributes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError
from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, step


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


def test_constant_pads_and_value_become_attributes() -> None:
    assert_step(
        11,
        """g (float[N,4] x) => (float[N,7] y)
        <int64[4] p = {0,1,0,2}, float v = {3.5}>
        {
            y = Pad(x, p, v)
        }""",
        """g (float[N,4] x) => (float[N,7] y)
        {
            y = Pad<mode="constant", pads=[0, 1, 0, 2], value=3.5>(x)
        }""",
    )


def test_the_value_is_zero_by_default() -> None:
    assert_step(
        11,
        "g (float[N,4] x) => (float[N,5] y) <int64[4] p = {0,1,0,0}> { y = Pad(x, p) }",
        """g (float[N,4] x) => (float[N,5] y)
        {
            y = Pad<mode="constant", pads=[0, 1, 0, 0], value=0.0>(x)
        }""",
    )


def test_a_mode_stays() -> None:
    assert_step(
        11,
        """g (float[N,4] x) => (float[N,5] y) <int64[4] p = {0,1,0,0}> { y = Pad<mode="reflect">(x, p) }""",
        """g (float[N,4] x) => (float[N,5] y) { y = Pad<mode="reflect", pads=[0, 1, 0, 0]>(x) }""",
    )


def test_negative_pads_are_sliced_off() -> None:
    assert_step(
        11,
        "g (float[N,4,5] x) => (float[N,2,5] y) <int64[6] p = {0,-2,1,0,0,-1}> { y = Pad(x, p) }",
        """g (float[N,4,5] x) => (float[N,2,5] y)
        <int64[1] y_starts = {2},
        int64[1] y_ends = {2147483647},
        int64[1] y_axes = {1},
        int64[1] y_starts_1 = {0},
        int64[1] y_ends_1 = {-1},
        int64[1] y_axes_1 = {2}>
        {
            y_Pad = Pad<mode="constant", pads=[0, 0, 1, 0, 0, 0], value=0.0>(x)
            y_Slice = Slice(y_Pad, y_starts, y_ends, y_axes)
            y = Slice(y_Slice, y_starts_1, y_ends_1, y_axes_1)
        }""",
    )


def test_integers_are_padded_as_doubles() -> None:
    assert_step(
        11,
        """g (int32[N,2] x) => (int32[N,3] y)
        <int64[4] p = {0,0,0,1}, int32 v = {7}>
        {
            y = Pad(x, p, v)
        }""",
        """g (int32[N,2] x) => (int32[N,3] y)
        {
            y_Cast = Cast<to=11>(x)
            y_Pad = Pad<mode="constant", pads=[0, 0, 0, 1], value=7.0>(y_Cast)
            y = Cast<to=6>(y_Pad)
        }""",
    )


def test_pads_of_nothing_go() -> None:
    assert_step(
        11,
        "g (float[N,2] x) => (float[N,2] y) <int64[4] p = {0,0,0,0}> { y = Pad(x, p) }",
        "g (float[N,2] x) => (float[N,2] y) { y = Identity(x) }",
    )


def test_pads_computed_at_run_time_are_refused() -> None:
    model = parse(11, "g (float[2,2] x, int64[4] p) => (float[A,B] y) { y = Pad(x, p) }")
    with pytest.raises(RetargetError, match=r"Pad .*11 to 10: its pads \(p\) are computed at run time"):
        step(model)


@given(
    st.lists(st.integers(-2, 2), min_size=4, max_size=4),
    st.sampled_from(["constant", "edge", "reflect"]),
    st.sampled_from(["float", "int64", "int32", "double"]),
    st.sampled_from([None, 0, 3]),
)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_any_pads_give_the_same(pads: list[int], mode: str, kind: str, value: int | None) -> None:
    fixed, more = (
        (f", {kind} v = {{{value}}}", ", v") if value is not None and mode == "constant" else ("", "")
    )
    model = parse(
        11,
        f"""g ({kind}[5,5] x) => ({kind}[A,B] y) <int64[4] p = {{{",".join(map(str, pads))}}}{fixed}> {{
            y = Pad<mode="{mode}">(x, p{more})
        }}""",
    )
    assert_same_numbers(model, step(model), {"x": noise((5, 5), "float32" if kind == "float" else kind)})
