"""Lengths that are rounded: one form for each, and what the operators' formulas make of numbers."""

from __future__ import annotations

from typing import Any

import pytest
import sympy  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets.facts.lengths import longer, quotient, reshaped, rounded_up, symbol, windows_along

H, N = symbol("H"), symbol("N")


@pytest.mark.parametrize(
    ("lengths", "target", "expected"),
    [
        ([2, 3, 4], [0, -1], [2, 12]),
        ([N, 3, 4], [-1, 4], [3 * N, 4]),
        ([N, 3, 4], [12, -1], [12, N]),
        ([N, 3], [0, 1, -1], [N, 1, 3]),
        ([6 * N, 5], [-1, 6, 5], [N, 6, 5]),
        ([0, 3], [0, -1], [0, 0]),
    ],
)
def test_reshaped(lengths: list[Any], target: list[int], expected: list[Any]) -> None:
    assert reshaped(lengths, target) == expected


def test_a_quotient_is_rounded_down_and_an_int_where_it_is_one() -> None:
    assert quotient(7, 2) == 3
    assert quotient(7, 0) == 0
    assert quotient(6 * N, 3) == 2 * N
    whole = quotient(6 * N, N)
    assert (whole, type(whole)) == (6, int)
    assert str(quotient(N, 2)) == "floor(N/2)"
    assert quotient(2 * N + 1, 2) == N


@given(
    st.lists(st.tuples(st.integers(-9, 9), st.integers(1, 7)), min_size=1, max_size=4),
    st.integers(1, 200),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_quotients_of_quotients_are_joined_and_stay_equal(steps: list[tuple[int, int]], number: int) -> None:
    length, expected = H, number
    for added, part in steps:
        length, expected = quotient(length + added, part), (expected + added) // part
    assert sympy.sympify(length).subs(H, number) == expected
    assert len(list(sympy.sympify(length).atoms(sympy.floor))) <= 1


def test_two_ways_to_halve_an_image_are_one_length() -> None:
    """A convolution of stride 2, a smaller one without padding, and a pool with ceil_mode, three times."""
    ways = [
        {"extent": 3, "stride": 2, "pads": (1, 1)},
        {"extent": 1, "stride": 2, "pads": (0, 0)},
        {"extent": 2, "stride": 2, "pads": (0, 0), "ceil": True},
        {"extent": 7, "stride": 2, "pads": (3, 3)},
    ]
    results = []
    for way in ways:
        length = H
        for _ in range(3):
            length = windows_along(length, **way)  # type: ignore[arg-type]
        results.append(length)
    assert set(results) == {rounded_up(H, 8)}


@given(
    st.integers(1, 40),
    st.integers(1, 5),
    st.integers(1, 4),
    st.tuples(st.integers(0, 2), st.integers(0, 2)),
    st.booleans(),
)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_an_open_length_has_the_windows_of_each_number(
    number: int, extent: int, stride: int, pads: tuple[int, int], ceil: bool
) -> None:
    starts = range(0, number + sum(pads) - (1 if ceil else extent) + 1, stride)
    fitting = [start for start in starts if start - stride + extent < number + sum(pads)]
    counted = [start for start in fitting if start < number + pads[0]] if ceil else list(starts)
    if number + sum(pads) >= extent:
        length = windows_along(H, extent, stride, pads, ceil=ceil)
        assert sympy.sympify(length).subs(H, number) == len(counted)
        assert windows_along(number, extent, stride, pads, ceil=ceil) == len(counted)


def test_of_two_lengths_of_one_image_the_longer_stays() -> None:
    there_and_back = 2 * quotient(H, 2)
    assert longer([1, 1]) == 1
    assert longer([H, 1, H]) == H
    assert longer([N, 5]) == 5
    assert longer([H, N]) is None
    assert longer([H, there_and_back]) == sympy.Max(H, there_and_back)
