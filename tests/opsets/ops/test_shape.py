"""A part of the Shape as a Slice of it."""

from __future__ import annotations

import pytest

from tests.opsets.comparing import assert_same_numbers, assert_step, parse, step


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
