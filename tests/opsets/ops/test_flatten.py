"""Flatten: axes from the back, and types that the older form does not take."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError
from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, step


def test_a_negative_axis_counts_from_the_front() -> None:
    assert_step(
        11,
        "g (float[N,3,4] x) => (float[A,4] z) { z = Flatten<axis=-1>(x) }",
        "g (float[N,3,4] x) => (float[A,4] z) { z = Flatten<axis=2>(x) }",
    )


def test_the_rank_itself_stays() -> None:
    text = "g (float[2,3] x) => (float[6,1] z) { z = Flatten<axis=2>(x) }"
    assert_step(11, text, text)


def test_integers_are_reshaped_below_9() -> None:
    assert_step(
        9,
        "g (int64[N,3,4] x) => (int64[N,12] z) { z = Flatten(x) }",
        "g (int64[N,3,4] x, int64[2] z_shape = {0,12}) => (int64[N,12] z) { z = Reshape(x, z_shape) }",
    )


def test_floats_stay_below_9() -> None:
    text = "g (float[N,3,4] x) => (float[N,12] z) { z = Flatten(x) }"
    assert_step(9, text, text)


def test_a_negative_axis_of_an_unknown_rank_is_refused() -> None:
    model = parse(
        11, "g (float[6] x, int64[M] s) => (float[A,B] z) { y = Reshape(x, s) z = Flatten<axis=-1>(y) }"
    )
    with pytest.raises(RetargetError, match=r"Flatten .*11 to 10: the number of axes of y is not known"):
        step(model)


@given(
    st.lists(st.integers(1, 3), min_size=1, max_size=4),
    st.integers(-4, 4),
    st.sampled_from(["float", "int32"]),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_axis_gives_the_same(shape: list[int], axis: int, kind: str) -> None:
    axis = max(-len(shape), min(axis, len(shape)))
    lengths = ",".join(map(str, shape))
    model = parse(11, f"g ({kind}[{lengths}] x) => ({kind}[A,B] z) {{ z = Flatten<axis={axis}>(x) }}")
    lowered = model
    for _ in range(11, 8, -1):
        lowered = step(lowered)
    numbers = noise(tuple(shape), "float32" if kind == "float" else "int32")
    assert_same_numbers(model, lowered, {"x": numbers})
