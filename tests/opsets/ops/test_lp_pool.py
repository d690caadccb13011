"""LpPool without ``ceil_mode`` and ``dilations``."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from opsets import RetargetError
from tests.opsets.comparing import assert_same_numbers, assert_step, parse, step
from tests.opsets.ops.pools import pools

IMAGE = "g (float[N,2,5,4] x) => (float[N,2,H,W] y)"


def test_more_padding_rounds_up() -> None:
    assert_step(
        18,
        f"{IMAGE} {{ y = LpPool<kernel_shape=[2,2], strides=[2,1], p=3, ceil_mode=1, dilations=[1,1]>(x) }}",
        f"{IMAGE} {{ y = LpPool<kernel_shape=[2,2], strides=[2,1], p=3, pads=[0,0,1,0]>(x) }}",
    )


def test_dilated_windows_are_laid_side_by_side() -> None:
    assert_step(
        18,
        f"{IMAGE} {{ y = LpPool<kernel_shape=[2,2], p=3, dilations=[3,1], ceil_mode=0>(x) }}",
        f"""{IMAGE} <int64[4] y_positions = {{0,3,1,4}}> {{
            y_Gather = Gather<axis=2>(x, y_positions)
            y = LpPool<kernel_shape=[2,2], strides=[2,1], p=3>(y_Gather)
        }}""",
    )


def test_defaults_go() -> None:
    assert_step(
        18,
        f"{IMAGE} {{ y = LpPool<kernel_shape=[2,2], dilations=[1,1], ceil_mode=0>(x) }}",
        f"{IMAGE} {{ y = LpPool<kernel_shape=[2,2]>(x) }}",
    )


@pytest.mark.parametrize("opset", [18, 22])
@given(text=pools("LpPool", dilations=True, ceil=True, extra="p=3"))
@settings(max_examples=20, deadline=None, derandomize=True)
def test_any_windows(opset: int, text: str) -> None:
    model = parse(opset, text)
    assert_same_numbers(model, step(model))


def test_what_the_older_form_cannot_say_is_refused() -> None:
    graph = IMAGE.replace("5,4", "A,4")
    model = parse(18, f"{graph} {{ y = LpPool<kernel_shape=[2,2], dilations=[2,1]>(x) }}")
    with pytest.raises(RetargetError, match=r"LpPool .*18 to 17: the length of axis 2 of x is not fixed"):
        step(model)
