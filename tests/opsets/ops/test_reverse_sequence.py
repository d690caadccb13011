"""ReverseSequence: one Gather over time and batch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, step
from tests.opsets.lowest import assert_same_below


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


@pytest.mark.parametrize("time", [0, 1])
@pytest.mark.parametrize("rest", ["", ",2"])
def test_lengths_of_run_time_give_the_same(time: int, rest: str) -> None:
    """Of axes that are open, an empty sequence and a whole one among them; and of constant ones, too."""
    axes = f"<time_axis={time}, batch_axis={1 - time}>"
    text = f"float[A,B{rest}] x, int64[{'B' if time == 0 else 'A'}] n) => (float[A,B{rest}] z)"
    model = parse(10, f"g ({text} {{ z = ReverseSequence{axes}(x, n) }}")
    counts = np.array([0, 4, 1, 3])
    shape = ((4, 4, 2) if rest else (4, 4), (5, 4, 2) if rest else (5, 4))[time == 0]
    assert_same_below(model, [{"x": noise(shape), "n": counts}], (9, 8, 7, 6, 5))
    constant = text.replace(", int64[B] n", "").replace(", int64[A] n", "")
    fixed = parse(10, f"g ({constant} <int64[4] n = {{0,4,1,3}}> {{ z = ReverseSequence{axes}(x, n) }}")
    assert_same_below(fixed, [{"x": noise(shape)}], (9, 7))


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
