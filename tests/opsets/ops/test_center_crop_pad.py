"""CenterCropPad: pads, negative where it crops."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError
from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, step


def test_some_axes_are_cropped_and_others_padded() -> None:
    assert_step(
        18,
        """g (float[N,3,8] x) => (float[N,6,5] z)
        <int64[2] s = {6,5}>
        {
            z = CenterCropPad<axes=[1, -1]>(x, s)
        }""",
        """g (float[N,3,8] x) => (float[N,6,5] z)
        <int64[6] z_pads = {0,1,-1,0,2,-2}>
        {
            z = Pad(x, z_pads)
        }""",
    )


def test_an_open_axis_is_refused() -> None:
    model = parse(18, "g (float[N,3] x) => (float[4,4] z) <int64[2] s = {4,4}> { z = CenterCropPad(x, s) }")
    with pytest.raises(
        RetargetError, match=r"CenterCropPad .*18 to 17: the length of axis 0 of x is not fixed"
    ):
        step(model)


@given(st.integers(1, 6), st.integers(1, 6), st.sampled_from(["float", "int64"]))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_target_gives_the_same(length: int, target: int, kind: str) -> None:
    model = parse(
        18,
        f"""g ({kind}[2,{length}] x) => ({kind}[2,{target}] z) <int64[1] s = {{{target}}}> {{
            z = CenterCropPad<axes=[1]>(x, s)
        }}""",
    )
    lowered = model
    for _ in range(18, 9, -1):
        lowered = step(lowered)
    assert_same_numbers(model, lowered, {"x": noise((2, length), "float32" if kind == "float" else kind)})
