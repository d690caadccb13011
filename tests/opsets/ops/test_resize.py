"""Resize with all scales, sizes and inputs spelt out."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets.conversion import convert
from tests.opsets.comparing import assert_same_numbers, assert_step, parse, step
from tests.opsets.shapes import in_brackets

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
    settings_ = f'{mode}, antialias=0, keep_aspect_ratio_policy="stretch"'
    assert_step(
        18,
        f"{LARGER} <float[2] s = {{2.0,3.0}}> {{ y = Resize<{settings_}, axes=[{axes}]>(x, , s) }}",
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


@pytest.mark.parametrize("size", ["8,15", "4,11", "6,5"])
def test_sizes_of_some_axes(size: str) -> None:
    """The batch is not among them: sizes become scales if these are exact, and parts otherwise."""
    model = parse(
        18,
        f"""g (float[N,3,4,5] x) => (float[N,3,A,B] y) <int64[2] s = {{{size}}}> {{
            y = Resize<axes=[2,3], mode="linear", coordinate_transformation_mode="align_corners">(x, , , s)
        }}""",
    )
    lowered = step(model)
    exact = size != "4,11"
    assert [node.op_type for node in lowered.graph.node] == (["Resize"] if exact else ["MatMul"])
    assert_same_numbers(model, lowered)


def test_sizes_of_some_axes_become_those_of_all_where_these_are_fixed() -> None:
    assert_step(
        18,
        """g (float[2,3,4,5] x) => (float[2,3,6,7] y) <int64[2] s = {7,6}>
        { y = Resize<axes=[-1,2]>(x, , , s) }""",
        """g (float[2,3,4,5] x) => (float[2,3,6,7] y) <int64[4] y_sizes = {2,3,6,7}>
        { y = Resize(x, , , y_sizes) }""",
    )


def test_a_region_of_some_axes_becomes_one_of_all() -> None:
    mode = 'mode="linear", coordinate_transformation_mode="tf_crop_and_resize"'
    assert_step(
        18,
        f"""g (float[1,1,4,5] x) => (float[1,1,3,2] y)
        <float[4] r = {{0.5,0.25,0.75,1}}, int64[2] s = {{2,3}}>
        {{ y = Resize<axes=[3,2], {mode}>(x, r, , s) }}""",
        f"""g (float[1,1,4,5] x) => (float[1,1,3,2] y)
        <int64[4] y_sizes = {{1,1,3,2}}, float[8] y_region = {{0,0,0.25,0.5,1,1,1,0.75}}>
        {{ y = Resize<{mode}>(x, y_region, , y_sizes) }}""",
    )


@st.composite
def resizes(draw: st.DrawFn, opset: int) -> str:
    """A Resize of opset 13 or above, by scales or sizes, of all axes or, since 18, of the last ones."""
    mode = draw(st.sampled_from([None, "nearest", "linear", "cubic"]))
    least = 2 if mode == "cubic" else 1  # as onnxruntime has it
    lengths = draw(st.lists(st.integers(2, 5), min_size=least, max_size=2))
    rank = len(lengths) + 2
    some = opset >= 18 and draw(st.booleans())
    by_scale, whole = draw(st.booleans()), draw(st.booleans())
    wanted = [length * 2 if whole else draw(st.integers(1, 7)) for length in lengths]
    numbers = [new / old for new, old in zip(wanted, lengths, strict=True)] if by_scale else wanted
    places = list(range(2, rank))
    if some:
        places = [axis - rank * draw(st.booleans()) for axis in places]
    else:
        numbers = [*([1, 1] if by_scale else [2, 3]), *numbers]
    transformations = ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"]
    transformations += ["half_pixel_symmetric"] if opset >= 19 else []
    transformation = draw(st.none() | st.sampled_from(transformations))
    attributes = [f"axes={places}"] if some else []
    attributes += [f'mode="{mode}"'] if mode else []
    attributes += [f'coordinate_transformation_mode="{transformation}"'] if transformation else []
    if opset >= 18 and mode in ("linear", "cubic") and transformation in (None, "half_pixel"):
        attributes += [f"antialias={draw(st.integers(0, 1))}"]
    kind, names = ("float", "x, , s") if by_scale else ("int64", "x, , , s")
    dims = ",".join(map(str, ["N" if some or by_scale else 2, 3, *lengths]))
    return f"""g (float[{dims}] x) => (float[{",".join("ABCD"[:rank])}] y)
        <{kind}[{len(numbers)}] s = {{{",".join(map(str, numbers))}}}>
        {{ y = Resize{in_brackets(attributes)}({names}) }}"""


@pytest.mark.parametrize("opset", [19, 18, 13])
@given(data=st.data())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_lengths_and_modes_give_the_same(opset: int, data: st.DataObject) -> None:
    """The input of the region is left out; ``mode`` and the coordinates are left out or said."""
    model = parse(opset, data.draw(resizes(opset)))
    assert_same_numbers(model, step(model), tolerance=2e-5)


@given(
    st.lists(st.integers(2, 5), min_size=2, max_size=2),
    st.lists(st.sampled_from([0.5, 1.0, 1.5, 2.0, 3.0]), min_size=2, max_size=2),
    st.sampled_from([None, "nearest", "linear"]),
    st.sampled_from([9, 9, 9, 6]),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_scales_of_the_oldest_form_give_the_same(
    lengths: list[int], scales: list[float], mode: str | None, target: int
) -> None:
    attribute = in_brackets([f'mode="{mode}"'] if mode else [])
    model = parse(
        10,
        f"""g (float[N,1,{lengths[0]},{lengths[1]}] x) => (float[N,1,A,B] y)
        <float[4] s = {{1,1,{scales[0]},{scales[1]}}}> {{ y = Resize{attribute}(x, s) }}""",
    )
    assert_same_numbers(model, convert(model, 10, target).model, tolerance=1e-5)
