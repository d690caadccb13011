"""ReverseSequence: one Gather over time and batch."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError
from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, step


def test_steps_of_every_sequence_are_gathered() -> None:
    assert_step(
        10,
        "g (float[3,2,N] x) => (float[3,2,N] z) <int64[2] n = {3,2}> { z = ReverseSequence(x, n) }",
        """g (float[3,2,N] x) => (float[3,2,N] z)
        <int64[2] z_shape = {6,-1}, int64[6] z_places = {4,3,2,1,0,5}, int64[3] z_shape_1 = {3,2,-1}>
        {
            z_Reshape = Reshape(x, z_shape)
            z_Gather = Gather<axis=0>(z_Reshape, z_places)
            z = Reshape(z_Gather, z_shape_1)
        }""",
    )


@pytest.mark.parametrize(
    ("inputs", "constants", "reason"),
    [
        ("float[3,2] x, int64[2] n", "", r"its lengths \(n\) are computed at run time"),
        ("float[T,2] x", "<int64[2] n = {1,2}>", "the length of axis 0 of x is not fixed"),
    ],
)
def test_what_is_known_at_run_time_only_is_refused(inputs: str, constants: str, reason: str) -> None:
    model = parse(10, f"g ({inputs}) => (float[A,B] z) {constants} {{ z = ReverseSequence(x, n) }}")
    with pytest.raises(RetargetError, match=f"ReverseSequence .*10 to 9: {reason}"):
        step(model)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=3), st.integers(0, 1), st.booleans())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_lengths_give_the_same(counts: list[int], time: int, more: bool) -> None:
    pair = (4, len(counts)) if time == 0 else (len(counts), 4)
    shape = (*pair, 2) if more else pair
    lengths = ",".join(map(str, shape))
    model = parse(
        10,
        f"""g (float[{lengths}] x) => (float[{lengths}] z)
        <int64[{len(counts)}] n = {{{",".join(map(str, counts))}}}> {{
            z = ReverseSequence<time_axis={time}, batch_axis={1 - time}>(x, n)
        }}""",
    )
    assert_same_numbers(model, step(model), {"x": noise(shape)})
