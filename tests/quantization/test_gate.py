"""What the gate lets through, and what it stops."""

from __future__ import annotations

import numpy as np
import pytest

from quantization.gate import Gate, judge

REFERENCE = np.random.default_rng(0).normal(size=(200, 10)).astype(np.float32)
BEST = REFERENCE.argmax(axis=1)


def _with_wrong(count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """The reference with another class on top in ``count`` rows, by very little."""
    logits = REFERENCE.copy()
    for row in range(count):
        second = np.argsort(-REFERENCE[row])[1]
        logits[row, second] = REFERENCE[row, BEST[row]] + 1e-3
    return logits


def test_without_labels_classes_and_logits_have_to_agree() -> None:
    assert judge(REFERENCE, REFERENCE, Gate()).passed
    assert judge(REFERENCE, _with_wrong(4), Gate()).agreement == 0.98
    assert judge(REFERENCE, _with_wrong(4), Gate()).passed
    stopped = judge(REFERENCE, _with_wrong(5), Gate())
    assert not stopped.passed
    assert stopped.reason == (
        "the most probable class is the same on 97.5% of 200 pictures, and 98.0% are asked for"
    )
    noisy = REFERENCE + 0.3 * np.random.default_rng(1).normal(size=REFERENCE.shape).astype(np.float32)
    assert "mean cosine" in judge(REFERENCE, noisy, Gate(min_agreement=0.1)).reason


def test_with_labels_top_1_may_fall_by_max_drop() -> None:
    labels = BEST.copy()
    assert judge(REFERENCE, _with_wrong(2), Gate(), labels).passed
    stopped = judge(REFERENCE, _with_wrong(3), Gate(), labels)
    assert (stopped.passed, stopped.top1, stopped.reference_top1) == (False, 0.985, 1.0)
    assert stopped.reason == "top-1 falls from 100.00% to 98.50% on 200 pictures, by more than 1.00%"
    assert judge(REFERENCE, _with_wrong(3), Gate(max_drop=0.02), labels).passed
    labels[:5] = np.argsort(-REFERENCE[:5], axis=1)[:, 1]
    assert judge(REFERENCE, _with_wrong(5), Gate(), labels).passed  # it got better


@pytest.mark.parametrize(
    ("logits", "words"),
    [
        (np.where(np.arange(10) == 3, np.nan, REFERENCE).astype(np.float32), "not finite"),
        (REFERENCE[:, :9], "shape"),
        (REFERENCE[:100], "shape"),
    ],
)
def test_logits_that_cannot_be_compared_do_not_pass(
    logits: np.ndarray[tuple[int, ...], np.dtype[np.float32]], words: str
) -> None:
    verdict = judge(REFERENCE, logits, Gate())
    assert not verdict.passed
    assert words in verdict.reason


def test_logits_that_are_always_the_same_prove_nothing() -> None:
    dead = np.tile(REFERENCE[:1], (50, 1))
    assert "nothing is proven" in judge(dead, dead, Gate()).reason
    assert not judge(REFERENCE, np.zeros_like(REFERENCE), Gate()).passed


def test_a_lower_precision_that_answers_the_same_to_every_picture_does_not_pass() -> None:
    """Where one class is on top of all pictures and stands out, agreement and cosine see nothing."""
    reference = REFERENCE * np.float32(0.01)
    reference[:, 3] += 5
    dead = np.tile(reference[:1], (len(reference), 1))
    labels = np.full(len(reference), 3)
    for of_pictures in (None, labels):
        verdict = judge(reference, dead, Gate(), of_pictures)
        assert not verdict.passed
        assert "in the lower precision are the same for every picture" in verdict.reason


def test_one_picture_proves_nothing() -> None:
    verdict = judge(REFERENCE[:1], REFERENCE[:1], Gate())
    assert not verdict.passed
    assert "at least 2" in verdict.reason
