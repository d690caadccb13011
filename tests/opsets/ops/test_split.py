"""Split: number of parts to lengths, lengths from an input to an attribute."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError
from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, step


def test_equal_parts_need_no_lengths() -> None:
    assert_step(
        18,
        "g (float[N,6] x) => (float[N,3] y, float[N,3] z) { y, z = Split<axis=1, num_outputs=2>(x) }",
        "g (float[N,6] x) => (float[N,3] y, float[N,3] z) { y, z = Split<axis=1>(x) }",
    )


def test_a_smaller_last_part_needs_lengths() -> None:
    assert_step(
        18,
        "g (float[N,5] x) => (float[N,3] y, float[N,2] z) { y, z = Split<axis=-1, num_outputs=2>(x) }",
        """g (float[N,5] x) => (float[N,3] y, float[N,2] z) <int64[2] y_split = {3,2}> {
            y, z = Split<axis=-1>(x, y_split)
        }""",
    )


def test_lengths_at_18_stay_as_they_are() -> None:
    text = """g (float[N,5] x) => (float[N,1] y, float[N,4] z) <int64[2] s = {1,4}> {
        y, z = Split<axis=1>(x, s)
    }"""
    assert_step(18, text, text)


def test_lengths_become_an_attribute() -> None:
    assert_step(
        13,
        "g (float[N,5] x) => (float[N,1] y, float[N,4] z) <int64[2] s = {1,4}>"
        " { y, z = Split<axis=1>(x, s) }",
        "g (float[N,5] x) => (float[N,1] y, float[N,4] z) { y, z = Split<axis=1, split=[1,4]>(x) }",
    )


def test_equal_parts_at_13_stay_as_they_are() -> None:
    text = "g (float[N,6] x) => (float[N,3] y, float[N,3] z) { y, z = Split<axis=1>(x) }"
    assert_step(13, text, text)


@pytest.mark.parametrize(
    ("opset", "text", "reason"),
    [
        (
            13,
            "g (float[5] x, int64[2] s) => (float[A] y, float[B] z) { y, z = Split(x, s) }",
            r"13 to 12: its lengths \(s\) are computed at run time",
        ),
        (
            18,
            "g (float[N] x) => (float[A] y, float[B] z) { y, z = Split<num_outputs=2>(x) }",
            "18 to 17: the length of axis 0 is not known",
        ),
    ],
)
def test_what_is_known_at_run_time_only_is_refused(opset: int, text: str, reason: str) -> None:
    model = parse(opset, text)
    with pytest.raises(RetargetError, match=reason):
        step(model)


@given(st.integers(1, 4), st.integers(1, 9), st.integers(0, 2), st.booleans())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_number_of_parts_gives_the_same(count: int, length: int, axis: int, negative: bool) -> None:
    shape = [2, 2, 2]
    shape[axis] = length
    names = [f"y{index}" for index in range(count)]
    outputs = ", ".join(f"float[{name}a,{name}b,{name}c] {name}" for name in names)
    model = parse(
        18,
        f"""g (float[{",".join(map(str, shape))}] x) => ({outputs}) {{
            {", ".join(names)} = Split<axis={axis - 3 * negative}, num_outputs={count}>(x)
        }}""",
    )
    if -(-length // count) * (count - 1) >= length:
        with pytest.raises(RetargetError, match="leave none for the last"):
            step(model)
        return
    lowered = model
    for _ in range(18, 10, -1):
        lowered = step(lowered)
    assert_same_numbers(model, lowered, {"x": noise(tuple(shape))})


def test_a_negative_axis_counts_from_the_front() -> None:
    assert_step(
        11,
        "g (float[N,5] x) => (float[N,1] y, float[N,4] z) { y, z = Split<axis=-1, split=[1,4]>(x) }",
        "g (float[N,5] x) => (float[N,1] y, float[N,4] z) { y, z = Split<axis=1, split=[1, 4]>(x) }",
    )
