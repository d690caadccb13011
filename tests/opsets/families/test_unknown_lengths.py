"""Lengths of which nothing is known but at run time: operands below 7, and axes that are split below 5."""

from __future__ import annotations

import numpy as np
import pytest

from tests.opsets.comparing import Array, noise, parse
from tests.opsets.lowest import assert_same_below

LENGTHS = [(3, 3), (1, 3), (3, 1), (1, 1)]
EMPTY = [(0, 1), (1, 0), (0, 0)]


def _operands(kind: str, pairs: list[tuple[int, int]] = LENGTHS) -> list[dict[str, Array]]:
    of = np.float32 if kind == "float" else np.int64
    return [{"x": noise((2, one), of), "z": noise((2, other), of, 8)} for one, other in pairs]


@pytest.mark.parametrize("operator", ["Add", "Sub", "Div", "Mul"])
def test_lengths_are_equal_or_one_of_them_is_copied(operator: str) -> None:
    model = parse(7, f"g (float[N,C] x, float[N,D] z) => (float[N,E] y) {{ y = {operator}(x, z) }}")
    assert_same_below(model, _operands("float"), (6, 5, 3), 1e-6)
    assert_same_below(model, _operands("float", EMPTY), (5, 3))  # OpenVINO, asked at 6, makes one of none


def test_both_axes_may_be_copied() -> None:
    model = parse(7, "g (float[N,C] x, float[M,D] z) => (float[A,B] y) { y = Sub(x, z) }")
    shapes = [((3, 1), (1, 4)), ((1, 4), (3, 1)), ((2, 3), (2, 1)), ((2, 3), (2, 3))]
    assert_same_below(
        model, [{"x": noise(one), "z": noise(other, seed=8)} for one, other in shapes], (6, 5, 3)
    )


def test_axes_of_other_ranks_are_counted_from_the_back() -> None:
    model = parse(7, "g (float[N,C,3] x, float[D,1] z) => (float[N,E,3] y) { y = Add(x, z) }")
    cases = [{"x": noise((2, one, 3)), "z": noise((other, 1), seed=8)} for one, other in LENGTHS]
    assert_same_below(model, cases, (6, 5, 3))


def test_conditions_and_integers_are_copied_too() -> None:
    for text in (
        "g (float[N,C] x, float[N,D] z) => (bool[N,E] y) { y = Less(x, z) }",
        "g (int64[N,C] x, int64[N,D] z) => (int64[N,E] y) { y = Add(x, z) }",
        "g (int64[N,1] x, int64[2,D] z) => (int64[2,D] y) { y = Add(x, z) }",
    ):
        kind = "float" if "float" in text else "int64"
        pairs = [(1, 3), (1, 1)] if "1]" in text else LENGTHS
        assert_same_below(parse(7, text), _operands(kind, pairs), (6, 5, 3))


def test_two_open_axes_that_were_joined_are_split_again() -> None:
    """By the length that another tensor still has."""
    model = parse(
        7,
        """g (float[N,2,H,3,W,5] x) => (float[N,2,H,3,W,5] y) <int64[1] flat = {-1}> {
            s = Shape(x) r = Reshape(x, flat) a = Relu(r) y = Reshape(a, s)
        }""",
    )
    shapes = [(2, 2, 4, 3, 3, 5), (1, 2, 1, 3, 1, 5), (3, 2, 1, 3, 2, 5)]
    assert_same_below(model, [{"x": noise(shape)} for shape in shapes], (6, 5, 4, 3))
