"""Tensors beside each other."""

from __future__ import annotations

import math

import numpy as np
import pytest

from parity.diagnosis.difference import difference, worst


def test_the_largest_error_is_a_share_of_the_largest_value() -> None:
    reference = np.array([[1.0, -4.0], [0.5, 2.0]], np.float32)
    candidate = reference.copy()
    candidate[1, 0] = 0.25
    found = difference(reference, candidate)
    assert found.relative == 0.0625
    assert found.text == "0.062 of the largest value apart; at [1, 0] it is 0.25 and not 0.5"
    assert found.exceeds(0.06)
    assert not found.exceeds(0.0625)


@pytest.mark.parametrize(
    ("reference", "candidate", "relative"),
    [
        ([np.nan, np.inf, 1.0], [np.nan, np.inf, 1.0], 0.0),
        ([np.inf, 1.0], [-np.inf, 1.0], math.inf),
        ([np.nan, 1.0], [2.0, 1.0], math.inf),
        ([1e38, 1.0], [np.inf, 1.0], math.inf),
        ([0.0, 0.0], [0.0, 0.0], 0.0),
        ([0.0, 0.0], [0.0, 1e-30], math.inf),
        ([], [], 0.0),
        ([1.0, 2.0], [[1.0, 2.0]], math.inf),
    ],
)
def test_what_is_not_finite_has_to_be_the_same(
    reference: list[float], candidate: list[float], relative: float
) -> None:
    one, other = np.array(reference, np.float32), np.array(candidate, np.float32)
    assert difference(one, other).relative == relative


def test_whole_numbers_have_to_be_equal() -> None:
    reference = np.array([1, 2, 3])
    assert difference(reference, reference).relative == 0
    assert difference(reference, np.array([1, 2, 4])).text == "1 of 3 values differ"
    assert difference(reference, np.array([1, 2, 4])).relative == math.inf


def test_of_several_data_sets_the_worst_counts_and_of_equal_ones_the_smallest() -> None:
    small, large = np.ones((1, 2), np.float32), np.ones((3, 2), np.float32)
    found = worst({"3": large, "1": small}, {"3": 2 * large, "1": 2 * small})
    assert (found.data_set, found.difference.relative) == ("1", 1.0)
    assert worst({"3": large, "1": small}, {"3": 3 * large, "1": 2 * small}).data_set == "3"
