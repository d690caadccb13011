"""Top-1 and top-5: counted right, ties and NaN too, with the interval that others compute."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from evaluation.accuracy import NO_CLASS, Share, accuracy, joined, rank, score
from evaluation.errors import EvaluationError


def test_the_right_class_counts_where_it_stands() -> None:
    logits = np.array([[3, 2, 1, 0, -1, -2, -3]] * 7, dtype=np.float32)
    ranked = rank(logits, range(7))
    assert ranked.predicted.tolist() == [0] * 7
    assert ranked.rank.tolist() == list(range(7))
    found = accuracy(ranked)
    assert (found.top1.right, found.top5.right, found.top1.of) == (1, 5, 7)


def test_of_equal_logits_the_lower_index_stands_first_and_ties_are_counted() -> None:
    constant = np.zeros((10, 10), dtype=np.float32)
    found = score(constant, range(10))
    assert (found.top1.right, found.top5.right, found.tied) == (1, 5, 10)
    lower = np.array([[5, 1, 1]], dtype=np.float32)
    assert score(lower, [0]).tied == 0  # others tie, and the right one does not


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_wrong_and_counted(value: float) -> None:
    logits = np.array([[9, 0, 0], [value, 0, 9], [0, 0, 9]], dtype=np.float32)
    ranked = rank(logits, [0, 2, 2])
    assert ranked.predicted.tolist() == [0, NO_CLASS, 2]
    found = accuracy(ranked)
    assert (found.top1.right, found.top5.right, found.not_finite) == (2, 2, 1)
    assert found.top1.of == 3


def test_fewer_than_five_classes_are_all_in_the_top_five() -> None:
    assert score(np.array([[0, 1]], dtype=np.float32), [0]).top5.right == 1


def test_parts_are_counted_as_the_whole() -> None:
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(40, 12)).astype(np.float32)
    labels = generator.integers(0, 12, 40).tolist()
    parts = [rank(logits[:7], labels[:7]), rank(logits[7:], labels[7:])]
    assert accuracy(joined(parts)) == score(logits, labels)


@pytest.mark.parametrize(("right", "of"), [(22, 24), (1, 10), (9, 10), (36190, 50000)])
def test_the_interval_is_wilsons(right: int, of: int) -> None:
    """Its bounds are the shares from which what was seen is just 1.96 deviations away."""
    low, high = (bound / 100 for bound in Share(right, of).interval)
    z, seen = NormalDist().inv_cdf(0.975), right / of
    assert low < seen < high
    for bound in (low, high):
        assert abs(seen - bound) == pytest.approx(z * math.sqrt(bound * (1 - bound) / of), rel=1e-9)


def test_the_interval_of_none_and_of_all_stays_inside() -> None:
    # z^2 / (n + z^2) of n = 10, where none is right.
    assert Share(0, 10).interval == pytest.approx((0, 27.7533), abs=1e-4)
    assert Share(10, 10).interval == pytest.approx((72.2467, 100), abs=1e-4)


@pytest.mark.parametrize(
    ("shape", "labels", "words"),
    [((2, 3), [0], "1 labels"), ((2, 3, 1), [0, 1], "row of logits"), ((1, 3), [3], "classes 0 to 2")],
)
def test_what_does_not_fit_is_refused(shape: tuple[int, ...], labels: list[int], words: str) -> None:
    with pytest.raises(EvaluationError, match=words):
        score(np.zeros(shape, dtype=np.float32), labels)


def test_no_pictures_have_no_accuracy() -> None:
    with pytest.raises(EvaluationError, match="no pictures"):
        score(np.zeros((0, 3), dtype=np.float32), [])
