"""GridSample of a constant grid, as a matrix."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError, retarget
from tests.opsets.comparing import assert_same_numbers, assert_step, parse, step

INPUTS = "g (float[2,2,4,5] x, float[2,2,3,2] q) => (float[2,2,2,3] y)"


@pytest.mark.parametrize(
    ("given_", "wanted"),
    [
        ('mode="linear"', "bilinear"),
        ("align_corners=1", "bilinear"),
        ('mode="cubic"', "bicubic"),
        ('mode="nearest"', "nearest"),
    ],
)
def test_modes_have_older_names(given_: str, wanted: str) -> None:
    rest = "align_corners=1, " if "corners" in given_ else ""
    assert_step(
        20,
        f"{INPUTS} {{ y = GridSample<{given_}>(x, q) }}",
        f'{INPUTS} {{ y = GridSample<{rest}mode="{wanted}">(x, q) }}',
        tolerance=1e-5,
    )


@given(
    points=st.lists(st.integers(-12, 12), min_size=12, max_size=12),
    mode=st.sampled_from(["linear", "nearest", "cubic"]),
    padding=st.sampled_from(["zeros", "border", "reflection"]),
    aligned=st.integers(0, 1),
)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_any_constant_grid(points: list[int], mode: str, padding: str, aligned: int) -> None:
    grid = ",".join(str(np.float32(point / 9.7)) for point in points)  # nowhere in the middle of two pixels
    model = parse(
        20,
        f"""g (float[1,2,4,5] x) => (float[1,2,2,3] y) <float[1,2,3,2] q = {{{grid}}}> {{
            y = GridSample<mode="{mode}", padding_mode="{padding}", align_corners={aligned}>(x, q)
        }}""",
    )
    assert_same_numbers(model, retarget(model, 12), tolerance=1e-5)


@pytest.mark.parametrize(
    ("opset", "text", "reason"),
    [
        (16, f"{INPUTS} {{ y = GridSample(x, q) }}", r"its grid .* computed at run time"),
        (
            20,
            "g (float[1,2,3,4,5] x, float[1,2,2,2,3] q) => (float[1,2,2,2,2] y) { y = GridSample(x, q) }",
            "another number of axes",
        ),
        (
            16,
            """g (float[2,2,1,1] x) => (float[2,2,1,1] y) <float[2,1,1,2] q = {0,0,0,0}> {
                y = GridSample(x, q)
            }""",
            "its grid is of several images",
        ),
    ],
)
def test_what_the_older_form_cannot_say_is_refused(opset: int, text: str, reason: str) -> None:
    with pytest.raises(RetargetError, match=rf"GridSample .*{opset} to {opset - 1}: .*{reason}"):
        step(parse(opset, text))
