"""RMSNormalization by its definition."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError
from opsets.conversion import convert
from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, step


def test_it_is_spelt_out() -> None:
    assert_step(
        23,
        "g (float[N,4,6] x, float[6] s) => (float[N,4,6] y) { y = RMSNormalization(x, s) }",
        """g (float[N,4,6] x, float[6] s) => (float[N,4,6] y)
        <int64[1] y_axes = {2}, float y_epsilon = {1e-5}> {
            y_Mul = Mul(x, x)
            y_ReduceMean = ReduceMean<keepdims=1>(y_Mul, y_axes)
            y_Add = Add(y_ReduceMean, y_epsilon)
            y_Sqrt = Sqrt(y_Add)
            y_Div = Div(x, y_Sqrt)
            y = Mul(y_Div, s)
        }""",
    )


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=4),
    st.integers(-4, 3),
    st.sampled_from([None, 1e-3, 0.5]),
    st.booleans(),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_axis_and_epsilon_give_the_same(
    shape: list[int], axis: int, epsilon: float | None, whole: bool
) -> None:
    axis = max(-len(shape), min(axis, len(shape) - 1))
    scale = shape[axis:] if whole else [1]
    form = f"<axis={axis}>" if epsilon is None else f"<axis={axis}, epsilon={epsilon}>"
    model = parse(
        23, f"g (float{shape} x, float{scale} s) => (float{shape} y) {{ y = RMSNormalization{form}(x, s) }}"
    )
    numbers = {"x": noise(tuple(shape)), "s": noise(tuple(scale), seed=3)}
    assert_same_numbers(model, step(model), numbers, tolerance=1e-5)


@pytest.mark.parametrize("target", [12, 7, 3])
def test_further_down_it_is_the_same(target: int) -> None:
    model = parse(
        23, "g (float[N,4,6] x, float[4,6] s) => (float[N,4,6] y) { y = RMSNormalization<axis=-2>(x, s) }"
    )
    assert_same_numbers(model, convert(model, 23, target).model, tolerance=1e-5)


@pytest.mark.parametrize("kind", ["float16", "double"])
def test_other_types_are_refused(kind: str) -> None:
    model = parse(23, f"g ({kind}[N,4] x, {kind}[4] s) => ({kind}[N,4] y) {{ y = RMSNormalization(x, s) }}")
    with pytest.raises(
        RetargetError,
        match=r"RMSNormalization .*23 to 22: its input is .*only float32.* below opset 23$",
    ):
        step(model)
