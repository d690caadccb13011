"""Softmax, LogSoftmax and Hardmax along any axis."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError
from opsets.conversion import convert
from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, step

OPERATORS = ("Softmax", "LogSoftmax", "Hardmax")


@pytest.mark.parametrize("operator", OPERATORS)
def test_an_inner_axis_is_brought_to_the_end_and_back(operator: str) -> None:
    assert_step(
        13,
        f"g (float[N,4,6] x) => (float[N,4,6] y) {{ y = {operator}<axis=1>(x) }}",
        f"""g (float[N,4,6] x) => (float[N,4,6] y) {{
            y_Transpose = Transpose<perm=[0,2,1]>(x)
            y_{operator} = {operator}<axis=2>(y_Transpose)
            y = Transpose<perm=[0,2,1]>(y_{operator})
        }}""",
    )


@pytest.mark.parametrize("operator", OPERATORS)
def test_the_default_axis_is_written_out(operator: str) -> None:
    assert_step(
        13,
        f"g (float[N,4,6] x) => (float[N,4,6] y) {{ y = {operator}(x) }}",
        f"g (float[N,4,6] x) => (float[N,4,6] y) {{ y = {operator}<axis=-1>(x) }}",
    )


@pytest.mark.parametrize("operator", OPERATORS)
def test_the_last_axis_stays_as_it_is(operator: str) -> None:
    text = f"g (float[N,4,6] x) => (float[N,4,6] y) {{ y = {operator}<axis=2>(x) }}"
    assert_step(13, text, text)


def test_the_inner_axis_of_an_unknown_number_of_axes_is_refused() -> None:
    model = parse(
        13,
        """g (float[N,4,6] x, int64[R] s) => (float[A,B,C] y) {
            r = Reshape(x, s)
            y = Softmax<axis=1>(r)
        }""",
    )
    with pytest.raises(RetargetError, match=r"Softmax .*'y'.*13 to 12: the number of axes of r is not known"):
        step(model)


@given(
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=5),
    data=st.data(),
    operator=st.sampled_from(OPERATORS),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_shape_and_axis_gives_the_same(shape: list[int], data: st.DataObject, operator: str) -> None:
    axis = data.draw(st.integers(-len(shape), len(shape) - 1), label="axis")
    kind = f"float[{','.join(map(str, shape))}]"
    model = parse(13, f"g ({kind} x) => ({kind} y) {{ y = {operator}<axis={axis}>(x) }}")
    assert_same_numbers(model, step(model), {"x": noise(tuple(shape))}, zeros=True)


@pytest.mark.parametrize("operator", OPERATORS)
def test_a_negative_axis_is_counted_from_the_front(operator: str) -> None:
    assert_step(
        11,
        f"g (float[N,4,6] x) => (float[N,4,6] y) {{ y = {operator}<axis=-2>(x) }}",
        f"g (float[N,4,6] x) => (float[N,4,6] y) {{ y = {operator}<axis=1>(x) }}",
    )


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("axis", ["", "<axis=0>", "<axis=2>"])
def test_an_axis_from_the_front_stays(operator: str, axis: str) -> None:
    text = f"g (float[N,4,6] x) => (float[N,4,6] y) {{ y = {operator}{axis}(x) }}"
    assert_step(11, text, text)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    shape=st.lists(st.integers(1, 4), min_size=2, max_size=4),
    data=st.data(),
    operator=st.sampled_from(OPERATORS),
    flattened=st.booleans(),
    target=st.sampled_from([8, 6, 3]),
)
def test_any_shape_and_axis_gives_the_same_far_below(
    shape: list[int], data: st.DataObject, operator: str, flattened: bool, target: int
) -> None:
    """Once with the meaning of 13, of one axis, and once with that of 11, of all axes from it on."""
    axis = data.draw(st.integers(-len(shape), len(shape) - 1), label="axis")
    opset = 11 if flattened else 13
    model = parse(opset, f"g (float{shape} x) => (float{shape} y) {{ y = {operator}<axis={axis}>(x) }}")
    inputs = {"x": noise(tuple(shape)) + np.float32(0.125)}
    assert_same_numbers(model, convert(model, opset, target).model, inputs, tolerance=2e-6, zeros=True)
