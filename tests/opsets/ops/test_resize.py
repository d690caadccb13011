"""Resize with all scales and inputs spelt out."""

from __future__ import annotations

import pytest

from opsets import RetargetError
from tests.opsets.comparing import assert_same_numbers, assert_step, parse, step

LARGER = "g (float[N,3,4,5] x) => (float[N,3,8,15] y)"
MODES = [
    'mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"',
    'mode="nearest", coordinate_transformation_mode="half_pixel", nearest_mode="round_prefer_ceil"',
    'mode="linear", coordinate_transformation_mode="align_corners"',
    'mode="linear", coordinate_transformation_mode="pytorch_half_pixel"',
    'mode="cubic", coordinate_transformation_mode="half_pixel", cubic_coeff_a=-0.5',
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("axes", ["2,3", "-2,-1"])
def test_scales_of_some_axes_become_scales_of_all(mode: str, axes: str) -> None:
    settings = f'{mode}, antialias=0, keep_aspect_ratio_policy="stretch"'
    assert_step(
        18,
        f"{LARGER} <float[2] s = {{2.0,3.0}}> {{ y = Resize<{settings}, axes=[{axes}]>(x, , s) }}",
        f"{LARGER} <float[4] y_scales = {{1,1,2,3}}> {{ y = Resize<{mode}>(x, , y_scales) }}",
    )


@pytest.mark.parametrize("mode", MODES)
def test_empty_constants_stand_for_absent_inputs(mode: str) -> None:
    assert_step(
        13,
        f"{LARGER} <float[4] s = {{1,1,2,3}}> {{ y = Resize<{mode}>(x, , s) }}",
        f"{LARGER} <float[4] s = {{1,1,2,3}}, float[0] y_roi = {{}}> {{ y = Resize<{mode}>(x, y_roi, s) }}",
    )


def test_sizes() -> None:
    fixed = LARGER.replace("N", "2")
    assert_step(
        13,
        f"{fixed} <int64[4] s = {{2,3,8,15}}> {{ y = Resize(x, , , s) }}",
        f"""{fixed} <int64[4] s = {{2,3,8,15}}, float[0] y_roi = {{}}, float[0] y_scales = {{}}> {{
            y = Resize(x, y_roi, y_scales, s)
        }}""",
    )


def test_the_axis_order_of_the_scales_is_kept() -> None:
    model = parse(18, f"{LARGER} <float[2] s = {{3.0,2.0}}> {{ y = Resize<axes=[3,2]>(x, , s) }}")
    assert_same_numbers(model, step(model))


@pytest.mark.parametrize(
    ("attributes", "inputs", "reason"),
    [
        ('antialias=1, mode="linear"', "x, , s", "it filters while it shrinks"),
        ('keep_aspect_ratio_policy="not_larger", axes=[2,3]', "x, , , n", "it keeps the aspect ratio"),
        ("axes=[2,3]", "x, , , n", "its sizes are of some axes only"),
        (
            'axes=[2,3], coordinate_transformation_mode="tf_crop_and_resize"',
            "x, r, t",
            "its region of interest is of some axes only",
        ),
    ],
)
def test_what_the_older_form_cannot_say_is_refused(attributes: str, inputs: str, reason: str) -> None:
    model = parse(
        18,
        f"""g (float[1,3,4,5] x) => (float[A,B,C,D] y)
        <float[4] s = {{1,1,0.5,0.5}}, float[2] t = {{0.5,0.5}},
         int64[2] n = {{8,8}}, float[4] r = {{0,0,1,1}}> {{
            y = Resize<{attributes}>({inputs})
        }}""",
    )
    with pytest.raises(RetargetError, match=f"Resize .*18 to 17: {reason}"):
        step(model)
