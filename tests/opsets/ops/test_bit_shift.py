"""BitShift below 11: products and quotients with powers of 2."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError
from tests.opsets.comparing import assert_step, parse, run, step
from tests.opsets.shapes import Shape, shapes


def test_a_shift_to_the_left_is_a_product() -> None:
    assert_step(
        11,
        """g (uint32[N,3] x)
        => (uint32[N,3] z) <uint32[3] s = {0, 1, 5}> { z = BitShift<direction="LEFT">(x, s) }""",
        """g (uint32[N,3] x) => (uint32[N,3] z)
        <uint32[3] z_powers = {1, 2, 32}> {
            z = Mul(x, z_powers)
        }""",
    )


def test_narrow_integers_are_widened() -> None:
    assert_step(
        11,
        'g (uint8[N,3] x) => (uint8[N,3] z) <uint8 s = {2}> { z = BitShift<direction="RIGHT">(x, s) }',
        """g (uint8[N,3] x) => (uint8[N,3] z)
        <uint32 z_powers = {4}> {
            z_Cast = Cast<to=12>(x)
            z_Div = Div(z_Cast, z_powers)
            z = Cast<to=2>(z_Div)
        }""",
    )


@pytest.mark.parametrize("direction", ["LEFT", "RIGHT"])
@pytest.mark.parametrize("kind", ["uint8", "uint16", "uint32", "uint64"])
def test_any_type_is_shifted(kind: str, direction: str) -> None:
    model = parse(
        11,
        f"""g ({kind}[5] x) => ({kind}[5] z) <{kind}[5] s = {{0, 1, 3, 7, 7}}>
        {{ z = BitShift<direction="{direction}">(x, s) }}""",
    )
    numbers = np.array([1, 200, 255, 255, 3], dtype=kind)
    shift = np.left_shift if direction == "LEFT" else np.right_shift
    expected = shift(numbers, np.array([0, 1, 3, 7, 7], dtype=kind))
    np.testing.assert_array_equal(run(step(model), {"x": numbers})[0], expected)


def test_computed_shifts_are_refused() -> None:
    text = 'g (uint32[2] x, uint32[2] s) => (uint32[2] z) { z = BitShift<direction="LEFT">(x, s) }'
    with pytest.raises(RetargetError, match=r"BitShift .*11 to 10: its shifts \(s\) are computed"):
        step(parse(11, text))


@given(
    shapes(),
    st.booleans(),
    st.sampled_from(["uint8", "uint16", "uint32", "uint64"]),
    st.sampled_from(["LEFT", "RIGHT"]),
    st.integers(0, 7),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_shape_gives_the_same(shape: Shape, broad: bool, kind: str, direction: str, first: int) -> None:
    """Shifts of one element, or one for each of the last axis; numpy's numbers."""
    count = shape.lengths[-1] if shape.lengths and not broad else 1
    shifts = (first + np.arange(count)) % 8
    declared = (
        f"{kind}[{count}] s = {{{','.join(map(str, shifts))}}}"
        if shape.lengths
        else f"{kind} s = {{{first}}}"
    )
    model = parse(
        11,
        f"""g ({kind}{shape.text} x) => ({kind}{shape.text} z) <{declared}>
        {{ z = BitShift<direction="{direction}">(x, s) }}""",
    )
    x = np.asarray(np.random.default_rng(5).integers(0, np.iinfo(kind).max, shape.lengths, kind, True))
    shift = np.left_shift if direction == "LEFT" else np.right_shift
    (found,) = run(step(model), {"x": x})
    assert found.shape == x.shape
    np.testing.assert_array_equal(found, shift(x, shifts.astype(kind).reshape(-1 if shape.lengths else ())))
