"""MeanVarianceNormalization spelt out."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from opsets.conversion import convert
from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse


def test_the_default_axes_are_batch_and_places() -> None:
    assert_step(
        9,
        "g (float[N,3,4,5] x) => (float[N,3,4,5] y) { y = MeanVarianceNormalization(x) }",
        """g (float[N,3,4,5] x, float y_smallest) => (float[N,3,4,5] y) <float y_smallest = {1e-9}> {
            y_ReduceMean = ReduceMean<axes=[0,2,3], keepdims=1>(x)
            y_Sub = Sub(x, y_ReduceMean)
            y_Mul = Mul(y_Sub, y_Sub)
            y_ReduceMean_1 = ReduceMean<axes=[0,2,3], keepdims=1>(y_Mul)
            y_Sqrt = Sqrt(y_ReduceMean_1)
            y_Add = Add(y_Sqrt, y_smallest)
            y = Div(y_Sub, y_Add)
        }""",
        tolerance=1e-5,
    )


@settings(max_examples=10, deadline=None, derandomize=True)
@given(
    shape=st.lists(st.integers(3, 4), min_size=4, max_size=4),
    axes=st.sampled_from([[0, 2, 3], [2, 3], [1, 2, 3], [3], [0, 1]]),
    target=st.sampled_from([8, 7, 3]),
)
def test_any_shape_and_axes_give_the_same(shape: list[int], axes: list[int], target: int) -> None:
    model = parse(
        9, f"g (float{shape} x) => (float{shape} y) {{ y = MeanVarianceNormalization<axes={axes}>(x) }}"
    )
    assert_same_numbers(model, convert(model, 9, target).model, {"x": noise(tuple(shape))}, tolerance=2e-5)
