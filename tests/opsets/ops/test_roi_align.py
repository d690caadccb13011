"""RoiAlign without ``coordinate_transformation_mode``."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError
from tests.opsets.comparing import assert_same_numbers, assert_step, parse, step

SIZES = "output_height=2, output_width=3, sampling_ratio=2"


def graph(attributes: str, regions: str, inputs: str = "") -> str:
    return f"""g (float[1,2,6,5] x{inputs}) => (float[2,2,2,3] y) <{regions}int64[2] n = {{0,0}}> {{
        y = RoiAlign<{attributes}>(x, r, n)
    }}"""


REGIONS = "float[2,4] r = {0,0,6,6,2,2,8,10}, "


def test_the_older_mode_goes_unsaid() -> None:
    given_ = f'coordinate_transformation_mode="output_half_pixel", {SIZES}'
    assert_step(16, graph(given_, "", ", float[2,4] r"), graph(SIZES, "", ", float[2,4] r"))


@pytest.mark.parametrize("mode", ["", 'coordinate_transformation_mode="half_pixel", '])
def test_regions_are_shifted(mode: str) -> None:
    assert_step(
        16,
        graph(f"{mode}spatial_scale=0.5, {SIZES}", REGIONS),
        graph(f"spatial_scale=0.5, {SIZES}", "float[2,4] y_regions = {-1,-1,5,5,1,1,7,9}, ").replace(
            "(x, r, n)", "(x, y_regions, n)"
        ),
        tolerance=1e-5,
    )


@given(
    corners=st.lists(st.integers(0, 8), min_size=4, max_size=4),
    sizes=st.lists(st.integers(4, 9), min_size=4, max_size=4),
    scale=st.sampled_from([1.0, 0.25, 0.5]),
    mode=st.sampled_from(["avg", "max"]),
)
@settings(max_examples=15, deadline=None, derandomize=True)
def test_any_regions_of_a_pixel_or_more(
    corners: list[int], sizes: list[int], scale: float, mode: str
) -> None:
    boxes = [*corners[:2], corners[0] + sizes[0], corners[1] + sizes[1]]
    boxes += [*corners[2:], corners[2] + sizes[2], corners[3] + sizes[3]]
    regions = f"float[2,4] r = {{{','.join(map(str, boxes))}}}, "
    model = parse(16, graph(f'spatial_scale={scale}, mode="{mode}", {SIZES}', regions))
    assert_same_numbers(model, step(model), tolerance=1e-5, zeros=True)


@pytest.mark.parametrize(
    ("regions", "inputs"), [("", ", float[2,4] r"), (REGIONS.replace("8,10", "3,2.5"), "")]
)
def test_regions_that_may_be_smaller_than_a_pixel_are_refused(regions: str, inputs: str) -> None:
    model = parse(16, graph(f"spatial_scale=0.5, {SIZES}", regions, inputs))
    with pytest.raises(RetargetError, match=r"RoiAlign .*16 to 15: with half_pixel its regions may be"):
        step(model)


def test_there_is_none_below_10() -> None:
    model = parse(10, graph(SIZES, REGIONS))
    with pytest.raises(
        RetargetError, match=r"RoiAlign .*10 to 9: no older operator samples regions .* not known"
    ):
        step(model)
