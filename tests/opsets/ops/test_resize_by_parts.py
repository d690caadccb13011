"""Resize and its older forms by Gather and MatMul."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError
from opsets.conversion import convert
from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, step


@pytest.mark.parametrize("mode", ["linear", "cubic"])
@pytest.mark.parametrize("exclude", [0, 1])
def test_a_filter_is_spelt_out(mode: str, exclude: int) -> None:
    model = parse(
        18,
        f"""g (float[N,3,8,9] x) => (float[N,3,4,3] y) <float[4] s = {{1,1,0.5,0.34}}>
        {{ y = Resize<antialias=1, mode="{mode}", exclude_outside={exclude}>(x, , s) }}""",
    )
    lowered = convert(model, 18, 17)
    assert [node.op_type for node in lowered.model.graph.node] == ["MatMul", "MatMul"]
    assert lowered.bounds == ("Resize by MatMul: an inf or a NaN spreads along its axes",)
    assert_same_numbers(model, lowered.model, tolerance=1e-5)


@pytest.mark.parametrize("mode", ["linear", "cubic"])
def test_elements_outside_that_runtimes_take_in_are_left_out(mode: str) -> None:
    model = parse(
        18,
        f"""g (float[N,3,4,5] x) => (float[N,3,8,15] y) <float[4] s = {{1,1,2,3}}>
        {{ y = Resize<antialias=1, mode="{mode}", exclude_outside=1>(x, , s) }}""",
    )
    lowered = step(model)
    assert [node.op_type for node in lowered.graph.node] == ["MatMul", "MatMul"]
    assert_same_numbers(model, lowered, tolerance=1e-5)


def test_a_filter_does_nothing_where_no_axis_shrinks() -> None:
    shape = "g (float[N,3,H,5] x) => (float[N,3,A,15] y) <float[4] s = {1,1,2,3}>"
    assert_step(
        18,
        f'{shape} {{ y = Resize<antialias=1, mode="linear">(x, , s) }}',
        f'{shape} {{ y = Resize<mode="linear">(x, , s) }}',
    )


@pytest.mark.parametrize("policy", ["not_larger", "not_smaller"])
@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_the_aspect_ratio_is_worked_out(policy: str, mode: str) -> None:
    model = parse(
        18,
        f"""g (float[N,1,4,6] x) => (float[N,1,A,B] y) <int64[2] s = {{7,8}}>
        {{ y = Resize<keep_aspect_ratio_policy="{policy}", axes=[2,3], mode="{mode}">(x, , , s) }}""",
    )
    assert_same_numbers(model, step(model), tolerance=1e-5)


def test_half_pixel_symmetric_is_spelt_out_below_19() -> None:
    model = parse(
        19,
        """g (float[N,1,4,6] x) => (float[N,1,A,B] y) <float[4] s = {1,1,0.6,0.6}> {
            y = Resize<mode="linear", coordinate_transformation_mode="half_pixel_symmetric">(x, , s)
        }""",
    )
    lowered = step(model)
    assert [node.op_type for node in lowered.graph.node] == ["MatMul", "MatMul"]
    assert_same_numbers(model, lowered, tolerance=1e-5)
    text = """g (float[N,3,4,5] x) => (float[N,3,8,15] y) <float[4] s = {1,1,2,3}>
    { y = Resize<mode="linear", coordinate_transformation_mode="half_pixel">(x, , s) }"""
    assert_step(19, text, text)


@pytest.mark.parametrize("mode", ["asymmetric", "half_pixel", "pytorch_half_pixel"])
@pytest.mark.parametrize("lengths", ["4,5", "H,W"])
def test_whole_scales_up_stay_one_node_down_to_3(mode: str, lengths: str) -> None:
    settings_ = f'mode="nearest", coordinate_transformation_mode="{mode}", nearest_mode="floor"'
    settings_ = settings_ if mode == "asymmetric" else settings_.replace("floor", "round_prefer_floor")
    model = parse(
        11,
        f"""g (float[N,3,{lengths}] x) => (float[N,3,A,B] y) <float[0] r = {{}}, float[4] s = {{1,1,2,3}}>
        {{ y = Resize<{settings_}>(x, r, s) }}""",
    )
    inputs = {"x": noise((2, 3, 4, 5))}
    for target, operator in (
        (10, "Resize"),
        (9, "Upsample"),
        (8, "Upsample"),
        (7, "Upsample"),
        (3, "Upsample"),
    ):
        lowered = convert(model, 11, target).model
        assert [node.op_type for node in lowered.graph.node] == [operator]
        assert_same_numbers(model, lowered, inputs)


def test_other_nearest_elements_are_gathered() -> None:
    assert_step(
        11,
        """g (float[N,1,2,3] x) => (float[N,1,2,4] y) <float[0] r = {}, float[4] s = {1,1,1,1.5}>
        { y = Resize<coordinate_transformation_mode="asymmetric", nearest_mode="ceil">(x, r, s) }""",
        """g (float[N,1,2,3] x) => (float[N,1,2,4] y) <int64[4] y_places = {0,1,2,2}>
        { y = Gather<axis=3>(x, y_places) }""",
    )


@pytest.mark.parametrize("scales", ["0.6,0.6", "1.5,2", "1,1"])
@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_what_resize_10_does(scales: str, mode: str) -> None:
    model = parse(
        10,
        f"""g (float[N,1,5,7] x) => (float[N,1,A,B] y) <float[4] s = {{1,1,{scales}}}>
        {{ y = Resize<mode="{mode}">(x, s) }}""",
    )
    for target in (9, 3):
        assert_same_numbers(model, convert(model, 10, target).model, tolerance=1e-5)


def test_sizes_that_hold_the_batch() -> None:
    model = parse(
        12,
        """g (float[N,3,4,5] x) => (float[N,3,8,7] y)
        <float[0] r = {}, int64[1] i = {0}, int64[3] t = {3,8,7}> {
            h = Shape(x)
            n = Gather(h, i)
            s = Concat<axis=0>(n, t)
            y = Resize<mode="linear">(x, r, r, s)
        }""",
    )
    lowered = convert(model, 12, 10).model
    assert [node.op_type for node in lowered.graph.node] == ["MatMul", "MatMul"]
    assert_same_numbers(model, lowered, tolerance=1e-5)


def test_elements_outside_the_region_get_the_extrapolation_value() -> None:
    model = parse(
        13,
        """g (float[1,2,4,5] x) => (float[1,2,3,4] y)
        <float[8] r = {0,0,-0.5,0.25,1,1,0.5,1.5}, int64[4] s = {1,2,3,4}> {
            y = Resize<mode="linear", coordinate_transformation_mode="tf_crop_and_resize",
                       extrapolation_value=7.5>(x, r, , s)
        }""",
    )
    for target in (12, 10, 3):
        assert_same_numbers(model, convert(model, 13, target).model, tolerance=1e-5)


@pytest.mark.parametrize(
    ("opset", "text", "reason"),
    [
        (
            11,
            """g (float[N,1,H,W] x) => (float[N,1,A,B] y) <float[0] r = {}, float[4] s = {1,1,2,2}>
            { y = Resize<mode="linear">(x, r, s) }""",
            r"it resizes axis 2, whose length is not fixed \(H\)",
        ),
        (
            11,
            """g (float[1,1,4,4] x, int64[4] n) => (float[A,B,C,D] y) <float[0] r = {}>
            { y = Resize(x, r, r, n) }""",
            r"its sizes \(n\) are computed at run time",
        ),
        (
            11,
            """g (float[1,1,4,4] x, float[4] s) => (float[A,B,C,D] y) <float[0] r = {}>
            { y = Resize(x, r, s) }""",
            r"its scales \(s\) are computed at run time",
        ),
        (
            11,
            """g (uint8[1,1,4,4] x) => (uint8[1,1,8,8] y) <float[0] r = {}, float[4] s = {1,1,2,2}>
            { y = Resize<mode="linear">(x, r, s) }""",
            "it interpolates UINT8, which runtimes round differently",
        ),
        (
            11,
            """g (float[1,1,4,4] x) => (float[A,B,C,D] y)
            <float[8] r = {0,0,0,0,1,1,1,0.5}, float[4] s = {1,1,2,2}>
            { y = Resize<coordinate_transformation_mode="tf_crop_and_resize">(x, r, s) }""",
            "runtimes disagree about the size of a scaled region",
        ),
    ],
)
def test_what_the_older_form_cannot_say_is_refused(opset: int, text: str, reason: str) -> None:
    with pytest.raises(RetargetError, match=f"Resize .*{opset} to {opset - 1}: {reason}"):
        step(parse(opset, text))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    sizes=st.tuples(*[st.integers(1, 6)] * 4),
    by_scale=st.booleans(),
    mode=st.sampled_from(["nearest", "linear", "cubic"]),
    transformation=st.sampled_from(["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"]),
    nearest=st.sampled_from(["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]),
    target=st.sampled_from([10, 9, 7]),
)
def test_any_lengths_and_modes_give_the_same(
    sizes: tuple[int, int, int, int],
    by_scale: bool,
    mode: str,
    transformation: str,
    nearest: str,
    target: int,
) -> None:
    height, width, new_height, new_width = sizes
    numbers = [new_height / height, new_width / width] if by_scale else [new_height, new_width]
    kind = "float" if by_scale else "int64"
    model = parse(
        11,
        f"""g (float[2,1,{height},{width}] x) => (float[2,1,A,B] y)
        <float[0] r = {{}}, {kind}[4] s = {{{",".join(map(str, [2 - by_scale, 1, *numbers]))}}}> {{
            y = Resize<mode="{mode}", coordinate_transformation_mode="{transformation}",
                       nearest_mode="{nearest}">(x, r, {"s" if by_scale else "r, s"})
        }}""",
    )
    assert_same_numbers(model, convert(model, 11, target).model, tolerance=2e-5)
