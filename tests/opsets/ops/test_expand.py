"""Expand: copies by Tile, or by a column of ones where a length is not fixed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError
from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, run, step
from tests.opsets.lowest import assert_same_below


def test_fixed_lengths_are_tiled() -> None:
    assert_step(
        8,
        "g (float[3,1] x, int64[3] s = {2,1,4}) => (float[2,3,4] z) { z = Expand(x, s) }",
        """g (float[3,1] x, int64[3] z_repeats = {2,1,4}) => (float[2,3,4] z)
        {
            z_Unsqueeze = Unsqueeze<axes=[0]>(x)
            z = Tile(z_Unsqueeze, z_repeats)
        }""",
    )


def test_what_has_the_lengths_already_goes() -> None:
    assert_step(
        8,
        "g (float[2,3] x, int64[1] s = {1}) => (float[2,3] z) { z = Expand(x, s) }",
        "g (float[2,3] x) => (float[2,3] z) { z = Identity(x) }",
    )


def test_an_open_batch_comes_from_another_tensor() -> None:
    assert_step(
        8,
        """g (float[N,3,4,4] x, float[1,1,6] c, int64[1] one = {1}, int64[1] six = {6}) => (float[N,1,6] z)
        {
            a = Shape(x)
            n = Slice<starts=[0], ends=[1]>(a)
            s = Concat<axis=0>(n, one, six)
            z = Expand(c, s)
        }""",
        """g (float[N,3,4,4] x,
        float[1,1,6] c,
        int64[2] z_shape = {-1,1},
        int64[2] z_shape_1 = {1,6},
        int64[3] z_shape_2 = {-1,1,6})
        => (float[N,1,6] z)
        {
            z_Slice = Slice<axes=[1], starts=[0], ends=[1]>(x)
            z_Slice_1 = Slice<axes=[2], starts=[0], ends=[1]>(z_Slice)
            z_Slice_2 = Slice<axes=[3], starts=[0], ends=[1]>(z_Slice_1)
            z_Clip = Clip<min=1.0, max=1.0>(z_Slice_2)
            z_Reshape = Reshape(z_Clip, z_shape)
            z_Reshape_1 = Reshape(c, z_shape_1)
            z_MatMul = MatMul(z_Reshape, z_Reshape_1)
            z = Reshape(z_MatMul, z_shape_2)
        }""",
    )


def test_an_open_batch_in_the_middle_is_copied_by_matrices() -> None:
    """As a state that begins with zeros: OpenVINO fails on a product of more axes."""
    model = parse(
        8,
        """g (float[N,3] x, float[2,1,2] c = {1,2,3,4}, int64[1] two = {2}) => (float[2,N,2] z) {
            a = Shape(x) n = Slice<starts=[0], ends=[1]>(a) s = Concat<axis=0>(two, n, two) z = Expand(c, s)
        }""",
    )
    for batch in (1, 3):
        assert_same_below(model, [{"x": noise((batch, 3))}], (7, 6, 3))


def test_integers_are_gathered_along_an_open_axis() -> None:
    assert_step(
        8,
        """g (float[N,3] x, int64[1,2] c, int64[1] two = {2}) => (int64[N,2] z)
        {
            a = Shape(x)
            n = Slice<starts=[0], ends=[1]>(a)
            s = Concat<axis=0>(n, two)
            z = Expand(c, s)
        }""",
        """g (float[N,3] x,
        int64[1,2] c,
        int64[1] z_shape_1 = {-1})
        => (int64[N,2] z)
        {
            z_Slice = Slice<axes=[1], starts=[0], ends=[1]>(x)
            z_Clip = Clip<min=0.0, max=0.0>(z_Slice)
            z_Reshape_1 = Reshape(z_Clip, z_shape_1)
            z_Cast = Cast<to=7>(z_Reshape_1)
            z = Gather<axis=0>(c, z_Cast)
        }""",
    )


def test_infinities_are_copied_as_they_are() -> None:
    model = parse(
        8,
        """g (float[N,3] x, float[1,3] c, int64[1] three = {3}) => (float[N,3] z) {
            a = Shape(x) n = Slice<starts=[0], ends=[1]>(a) s = Concat<axis=0>(n, three) z = Expand(c, s)
        }""",
    )
    rows = np.array([[np.inf, -np.inf, np.nan]], dtype=np.float32)
    carrier = np.array([[np.inf, 1, 2], [-np.inf, 3, np.nan]], dtype=np.float32)
    found = run(step(model), {"x": carrier, "c": rows})[0]
    np.testing.assert_array_equal(found, np.repeat(rows, 2, axis=0))


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ("float[1,3] x, int64[2] s", r"its shape \(s\) is computed from the data"),
        ("float[N,3] x, int64[2] s = {5,3}", "whether lengths N and 5 are equal is not known"),
    ],
)
def test_what_lengths_do_not_say_is_refused(inputs: str, reason: str) -> None:
    model = parse(8, f"g ({inputs}) => (float[A,B] z) {{ z = Expand(x, s) }}")
    with pytest.raises(RetargetError, match=f"Expand .*8 to 7: {reason}"):
        step(model)


@given(
    st.lists(st.sampled_from([1, 2, 3]), min_size=1, max_size=3),
    st.lists(st.booleans(), min_size=3, max_size=3),
    st.integers(0, 1),
    st.sampled_from(["float", "int64", "bool"]),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_target_gives_the_same(shape: list[int], kept: list[bool], more: int, kind: str) -> None:
    own = [length if keep else 1 for length, keep in zip(shape, kept, strict=False)]
    target = [2] * more + shape
    model = parse(
        8,
        f"""g ({kind}[{",".join(map(str, own))}] x, int64[{len(target)}] s = {{{",".join(map(str, target))}}})
        => ({kind}[{",".join(map(str, target))}] z) {{ z = Expand(x, s) }}""",
    )
    numbers = noise(tuple(own), {"float": np.float32, "int64": np.int64, "bool": np.bool_}[kind])
    assert_same_numbers(model, step(model), {"x": numbers})
