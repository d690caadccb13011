"""Compress: a Gather of what a constant condition keeps."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, step


def test_a_negative_axis_counts_from_the_front() -> None:
    assert_step(
        11,
        "g (float[N,3] x) => (float[N,2] z) <bool[3] c = {1,0,1}> { z = Compress<axis=-1>(x, c) }",
        "g (float[N,3] x) => (float[N,2] z) <bool[3] c = {1,0,1}> { z = Compress<axis=1>(x, c) }",
    )


def test_no_axis_stays_no_axis() -> None:
    text = "g (float[2,3] x) => (float[2] z) <bool[3] c = {1,0,1}> { z = Compress(x, c) }"
    assert_step(11, text, text)


def test_a_constant_condition_gathers() -> None:
    assert_step(
        9,
        "g (float[N,3] x) => (float[N,2] z) <bool[3] c = {1,0,1}> { z = Compress<axis=1>(x, c) }",
        "g (float[N,3] x, int64[2] z_kept = {0,2}) => (float[N,2] z) { z = Gather<axis=1>(x, z_kept) }",
    )


def test_without_an_axis_the_input_is_flat() -> None:
    assert_step(
        9,
        "g (float[2,3] x) => (float[2] z) <bool[5] c = {0,0,1,0,1}> { z = Compress(x, c) }",
        """g (float[2,3] x, int64[1] z_flat = {-1}, int64[2] z_kept = {2,4}) => (float[2] z)
        {
            z_Reshape = Reshape(x, z_flat)
            z = Gather<axis=0>(z_Reshape, z_kept)
        }""",
    )


@given(st.lists(st.booleans(), min_size=1, max_size=3), st.sampled_from([None, -2, -1, 0, 1]))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_condition_keeps_the_same(condition: list[bool], axis: int | None) -> None:
    condition[0] = True
    attribute = "" if axis is None else f"<axis={axis}>"
    values = ",".join(str(int(kept)) for kept in condition)
    result = "A" if axis is None else "A,B"
    model = parse(
        11,
        f"""g (float[3,3] x) => (float[{result}] z)
        <bool[{len(condition)}] c = {{{values}}}> {{ z = Compress{attribute}(x, c) }}""",
    )
    lowered = model
    for _ in range(11, 8, -1):
        lowered = step(lowered)
    assert_same_numbers(model, lowered, {"x": noise((3, 3))})
