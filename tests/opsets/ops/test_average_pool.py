"""AveragePool without what its older forms lack."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from opsets import RetargetError, retarget
from tests.opsets.comparing import assert_same_numbers, assert_step, parse, step
from tests.opsets.ops.pools import pools

IMAGE = "g (float[N,2,7,6] x) => (float[N,2,H,W] y)"


@pytest.mark.parametrize(
    ("given_", "wanted"),
    [
        ("kernel_shape=[3,2], strides=[2,2], ceil_mode=0", "kernel_shape=[3,2], strides=[2,2]"),
        (
            "kernel_shape=[2,2], strides=[2,2], ceil_mode=1, count_include_pad=1",
            "kernel_shape=[2,2], strides=[2,2], pads=[0,0,1,0]",
        ),
        (
            "kernel_shape=[2,2], strides=[2,2], ceil_mode=1, pads=[0,1,0,1]",
            "kernel_shape=[2,2], strides=[2,2], pads=[0,1,1,1]",
        ),
        (
            'kernel_shape=[3,3], strides=[2,2], auto_pad="SAME_UPPER", count_include_pad=1',
            "kernel_shape=[3,3], strides=[2,2], pads=[1,0,1,1], count_include_pad=1",
        ),
    ],
)
def test_more_padding_rounds_up(given_: str, wanted: str) -> None:
    before, after = (f"{IMAGE} {{ y = AveragePool<{text}>(x) }}" for text in (given_, wanted))
    if "count_include_pad=1" in given_ and "ceil_mode" in given_:
        lowered = step(parse(10, before))
        assert_same_numbers(parse(10, before), lowered)
        assert [node.op_type for node in lowered.graph.node] == ["AveragePool"]
        assert not any(entry.name == "count_include_pad" for entry in lowered.graph.node[0].attribute)
    else:
        assert_step(10, before, after)


def test_padding_that_counts_is_put_around_before_what_does_not() -> None:
    settings_ = "kernel_shape=[3,3], strides=[3,3]"
    assert_step(
        10,
        f"{IMAGE} {{ y = AveragePool<{settings_}, pads=[1,1,0,1], ceil_mode=1, count_include_pad=1>(x) }}",
        f"""{IMAGE} {{
            y_Pad = Pad<pads=[0,0,1,1,0,0,0,1]>(x)
            y = AveragePool<{settings_}, pads=[0,0,1,1]>(y_Pad)
        }}""",
    )


def test_dilated_windows_are_laid_side_by_side() -> None:
    image = "g (float[N,2,4,4] x) => (float[N,2,2,3] y)"
    settings_ = "count_include_pad=0, ceil_mode=0"
    assert_step(
        19,
        f"{image} {{ y = AveragePool<kernel_shape=[2,2], dilations=[2,1], {settings_}>(x) }}",
        f"""{image} <int64[4] y_positions = {{0,2,1,3}}> {{
            y_Gather = Gather<axis=2>(x, y_positions)
            y = AveragePool<kernel_shape=[2,2], strides=[2,1], {settings_}>(y_Gather)
        }}""",
    )


@given(pools("AveragePool", dilations=True, ceil=True))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_windows_22_to_18(text: str) -> None:
    model = parse(22, text)
    below = step(model)
    assert_same_numbers(model, below)
    assert_same_numbers(model, step(step(step(below))))


@given(pools("AveragePool", ceil=True))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_windows_10_to_9(text: str) -> None:
    model = parse(10, text)
    assert_same_numbers(model, step(model))


@given(pools("AveragePool", automatic=True))
@settings(max_examples=10, deadline=None, derandomize=True)
def test_any_windows_7_to_6(text: str) -> None:
    model = parse(7, text)
    assert_same_numbers(model, step(model))


def test_padding_that_counts_is_put_around_the_data_below_7() -> None:
    assert_step(
        7,
        f"{IMAGE} {{ y = AveragePool<kernel_shape=[3,2], pads=[1,0,2,1], count_include_pad=1>(x) }}",
        f"""{IMAGE} {{
            y_Pad = Pad<pads=[0,0,1,0,0,0,2,1]>(x)
            y = AveragePool<kernel_shape=[3,2], strides=[1,1]>(y_Pad)
        }}""",
    )


def test_all_the_way_down() -> None:
    settings_ = "kernel_shape=[3,3], strides=[2,2], dilations=[1,2], pads=[1,1,1,1], ceil_mode=1"
    model = parse(22, f"{IMAGE} {{ y = AveragePool<{settings_}, count_include_pad=1>(x) }}")
    assert_same_numbers(model, retarget(model, 3))


@pytest.mark.parametrize(
    ("opset", "shape", "attributes", "reason"),
    [
        (19, "A,6", "dilations=[2,1]", "length of axis 2 .* not fixed"),
        (19, "7,6", 'dilations=[2,1], auto_pad="SAME_LOWER"', "auto_pad with dilations"),
        (10, "A,6", "strides=[3,1], ceil_mode=1", "a padding that depends on a length that is not fixed"),
        (
            7,
            "A,6",
            'strides=[2,2], auto_pad="SAME_LOWER", count_include_pad=1',
            "auto_pad depends on a length that is not fixed",
        ),
    ],
)
def test_what_the_older_form_cannot_say_is_refused(
    opset: int, shape: str, attributes: str, reason: str
) -> None:
    graph = f"g (float[N,2,{shape}] x) => (float[N,2,H,W] y)"
    model = parse(opset, f"{graph} {{ y = AveragePool<kernel_shape=[2,2], {attributes}>(x) }}")
    with pytest.raises(RetargetError, match=f"AveragePool .*{opset} to {opset - 1}: .*{reason}"):
        step(model)
