"""Tile: places gathered again and again, or copies joined."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError
from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, step


def test_places_are_gathered_again() -> None:
    assert_step(
        6,
        "g (float[N,2] x, int64[2] r = {1,3}) => (float[N,6] z) { z = Tile(x, r) }",
        """g (float[N,2] x, int64[6] z_places = {0,1,0,1,0,1}) => (float[N,6] z)
        {
            z = Gather<axis=1>(x, z_places)
        }""",
    )


def test_copies_are_joined_along_an_open_axis() -> None:
    assert_step(
        6,
        "g (float[N,2] x, int64[2] r = {2,1}) => (float[A,2] z) { z = Tile(x, r) }",
        "g (float[N,2] x) => (float[A,2] z) { z = Concat<axis=0>(x, x) }",
    )


def test_as_many_copies_as_the_batch_is_long() -> None:
    assert_step(
        6,
        """g (float[N,3] x, float[1,2] c, int64[1] one = {1}) => (float[N,2] z)
        {
            a = Shape(x)
            n = Slice<starts=[0], ends=[1]>(a)
            r = Concat<axis=0>(n, one)
            z = Tile(c, r)
        }""",
        """g (float[N,3] x, float[1,2] c) => (float[N,2] z)
        {
            z_Slice = Slice<axes=[1], starts=[0], ends=[1]>(x)
            z_Clip = Clip<min=1.0, max=1.0>(z_Slice)
            z = MatMul(z_Clip, c)
        }""",
    )


def test_one_copy_of_all_goes() -> None:
    assert_step(
        6,
        "g (float[N,2] x, int64[2] r = {1,1}) => (float[N,2] z) { z = Tile(x, r) }",
        "g (float[N,2] x) => (float[N,2] z) { z = Identity(x) }",
    )


@pytest.mark.parametrize(
    ("inputs", "result", "reason"),
    [
        ("int64[2] x, int64[1] r", "int64[M]", r"its repeats \(r\) are computed at run time"),
        ("float[N,2] x, int64[2] r = {100,1}", "float[A,B]", "it makes 100 copies along axis 0"),
        ("float[N,2] x, int64[2] r = {0,1}", "float[A,B]", "it makes 0 copies along axis 0"),
    ],
)
def test_what_older_operators_do_not_copy_is_refused(inputs: str, result: str, reason: str) -> None:
    model = parse(6, f"g ({inputs}) => ({result} z) {{ z = Tile(x, r) }}")
    with pytest.raises(RetargetError, match=f"Tile .*6 to 5: {reason}"):
        step(model)


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3)), min_size=1, max_size=3))
@settings(max_examples=10, deadline=None, derandomize=True)
def test_any_repeats_give_the_same(pairs: list[tuple[int, int]]) -> None:
    shape = tuple(length for length, _ in pairs)
    model = parse(
        6,
        f"""g (float[{",".join(map(str, shape))}] x,
        int64[{len(pairs)}] r = {{{",".join(str(count) for _, count in pairs)}}})
        => (float[{",".join(str(length * count) for length, count in pairs)}] z) {{ z = Tile(x, r) }}""",
    )
    assert_same_numbers(model, step(model), {"x": noise(shape)})
