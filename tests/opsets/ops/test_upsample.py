"""Upsample: scales as an input, as an attribute, and as two attributes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError
from opsets.conversion import convert
from tests.opsets.comparing import assert_same_numbers, assert_step, parse, step

LARGER = "g (float[N,2,3,4] x) => (float[N,2,6,12] y)"


def test_scales_become_an_attribute() -> None:
    assert_step(
        9,
        f'{LARGER} <float[4] s = {{1,1,2,3}}> {{ y = Upsample<mode="linear">(x, s) }}',
        f'{LARGER} {{ y = Upsample<mode="linear", scales=[1.0,1.0,2.0,3.0]>(x) }}',
    )


def test_height_and_width_have_attributes_of_their_own() -> None:
    assert_step(
        7,
        f"{LARGER} {{ y = Upsample<scales=[1.0,1.0,2.0,3.0]>(x) }}",
        f'{LARGER} {{ y = Upsample<height_scale=2.0, width_scale=3.0, mode="nearest">(x) }}',
    )


def test_linear_is_bilinear_where_the_lengths_are_open() -> None:
    assert_step(
        7,
        """g (float[N,2,H,W] x) => (float[N,2,A,B] y)
        { y = Upsample<scales=[1.0,1.0,2.0,3.0], mode="linear">(x) }""",
        """g (float[N,2,H,W] x) => (float[N,2,A,B] y)
        { y = Upsample<height_scale=2.0, width_scale=3.0, mode="bilinear">(x) }""",
        tolerance=1e-5,
    )


def test_nothing_to_do() -> None:
    model = parse(
        7,
        "g (float[N,2,3,4] x) => (float[N,2,3,4] y) { a = Upsample<scales=[1.0,1.0,1.0,1.0]>(x) y = Abs(a) }",
    )
    assert [node.op_type for node in step(model).graph.node] == ["Abs"]


def test_other_axes_are_gathered() -> None:
    model = parse(7, "g (float[N,2,3] x) => (float[N,4,6] y) { y = Upsample<scales=[1.0,2.0,2.0]>(x) }")
    lowered = step(model)
    assert [node.op_type for node in lowered.graph.node] == ["Gather", "Gather"]
    assert_same_numbers(model, lowered)


@pytest.mark.parametrize(
    ("opset", "text", "reason"),
    [
        (
            9,
            "g (float[1,1,2,2] x, float[4] s) => (float[A,B,C,D] y) { y = Upsample(x, s) }",
            r"9 to 8: its scales \(s\) are computed at run time",
        ),
        (
            7,
            "g (float[N,1,H,2] x) => (float[N,1,A,2] y) { y = Upsample<scales=[1.0,1.0,1.5,1.0]>(x) }",
            r"7 to 6: it resizes axis 2, whose length is not fixed \(H\)",
        ),
    ],
)
def test_what_the_older_form_cannot_say_is_refused(opset: int, text: str, reason: str) -> None:
    with pytest.raises(RetargetError, match=f"Upsample .*{reason}"):
        step(parse(opset, text))


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    shape=st.tuples(*[st.integers(1, 4)] * 4),
    scales=st.tuples(*[st.sampled_from([1.0, 1.5, 2.0, 2.75, 3.0])] * 2),
    mode=st.sampled_from(["nearest", "linear"]),
    target=st.sampled_from([8, 6, 3]),
)
def test_any_shape_and_scale_gives_the_same(
    shape: tuple[int, int, int, int], scales: tuple[float, float], mode: str, target: int
) -> None:
    model = parse(
        9,
        f"""g (float{list(shape)} x) => (float[A,B,C,D] y) <float[4] s = {{1,1,{scales[0]},{scales[1]}}}>
        {{ y = Upsample<mode="{mode}">(x, s) }}""",
    )
    assert_same_numbers(model, convert(model, 9, target).model, tolerance=1e-5)
