"""A part of the Shape as a Slice of it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, run, step
from tests.opsets.shapes import in_brackets


def test_a_part_is_a_slice() -> None:
    assert_step(
        15,
        "g (float[N,M,5] x) => (int64[1] y) { y = Shape<start=1, end=-1>(x) }",
        """g (float[N,M,5] x) => (int64[1] y) <int64[1] y_bound = {1}, int64[1] y_bound_1 = {-1}> {
            y_Shape = Shape(x)
            y = Slice(y_Shape, y_bound, y_bound_1)
        }""",
    )


def test_a_part_that_is_known_is_a_constant() -> None:
    assert_step(
        15,
        "g (float[N,4,5] x) => (int64[1] y) { y = Shape<start=1, end=-1>(x) }",
        "g (float[N,4,5] x) => (int64[1] y) <int64[1] y_value = {4}> { y = Identity(y_value) }",
    )


@pytest.mark.parametrize("attributes", ["", "<start=0>"])
def test_the_whole_shape_stays(attributes: str) -> None:
    assert_step(
        15,
        f"g (float[N,4,5] x) => (int64[3] y) {{ y = Shape{attributes}(x) }}",
        "g (float[N,4,5] x) => (int64[3] y) { y = Shape(x) }",
    )


@pytest.mark.parametrize("start", range(-5, 5))
@pytest.mark.parametrize("end", [-9, -3, -1, 0, 2, 3, 7])
def test_bounds_are_clamped_alike(start: int, end: int) -> None:
    model = parse(15, f"g (float[A,B,C] x) => (int64[K] y) {{ y = Shape<start={start}, end={end}>(x) }}")
    assert_same_numbers(model, step(model))


@given(
    st.lists(st.integers(1, 3), max_size=4),
    st.booleans(),
    st.none() | st.integers(-6, 6),
    st.none() | st.integers(-6, 6),
)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_any_bounds_of_any_shape(lengths: list[int], known: bool, start: int | None, end: int | None) -> None:
    """As Python slices, with both bounds clamped; of lengths that are open and of some that are known."""
    dims = ",".join("ABCD"[: len(lengths)])
    if known:
        dims = ",".join("N" if axis == 0 else str(length) for axis, length in enumerate(lengths))
    kind = f"float[{dims}]" if lengths else "float"
    attributes = [f"{name}={bound}" for name, bound in (("start", start), ("end", end)) if bound is not None]
    model = parse(15, f"g ({kind} x) => (int64[K] y) {{ y = Shape{in_brackets(attributes)}(x) }}")
    (found,) = run(step(model), {"x": noise(tuple(lengths))})
    assert found.tolist() == lengths[start or 0 : end]
