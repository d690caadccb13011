"""The comparison of logits, by example and by property."""

from __future__ import annotations

import json

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity.compare import Array, Tolerance, compare

DEFAULT = Tolerance()

finite_logits = st.tuples(st.integers(1, 4), st.integers(1, 12)).flatmap(
    lambda shape: arrays.arrays(
        np.float32, shape, elements=st.floats(-1e6, 1e6, width=32, allow_nan=False, allow_subnormal=False)
    )
)


def spread_logits(rows: int = 4, classes: int = 20) -> Array:
    return np.random.default_rng(5).normal(size=(rows, classes)).astype(np.float32)


@given(finite_logits)
def test_equal_logits_pass(logits: Array) -> None:
    result = compare(logits, logits.copy(), DEFAULT)
    assert result.passed
    assert (result.absolute_error, result.relative_error, result.top1, result.top5) == (0, 0, 1, 1)
    assert result.cosine == pytest.approx(1)


@given(finite_logits, st.floats(-0.99, 0.99))
def test_errors_within_the_tolerance_pass_whatever_classes_they_swap(logits: Array, share: float) -> None:
    largest = np.abs(logits.astype(np.float64)).max()
    pattern = np.where(np.indices(logits.shape).sum(axis=0) % 2 == 0, share, -share)
    candidate = logits + pattern * 0.5 * DEFAULT.relative * largest
    assert compare(logits, candidate.astype(np.float32), DEFAULT).passed


@given(finite_logits, st.floats(1.1, 1e3), st.data())
def test_an_error_beyond_the_tolerance_fails(logits: Array, factor: float, data: st.DataObject) -> None:
    largest = float(np.abs(logits).max())
    if largest < 1:
        logits[0, 0] = largest = 1.0
    place = data.draw(st.integers(0, logits.size - 1))
    candidate = logits.astype(np.float64)
    candidate.flat[place] += factor * DEFAULT.relative * largest
    result = compare(logits, candidate.astype(np.float32), DEFAULT)
    assert not result.passed
    assert result.relative_error == pytest.approx(factor * DEFAULT.relative, rel=1e-2)


@given(finite_logits, finite_logits)
def test_any_two_outputs_give_an_answer_that_json_can_say(reference: Array, candidate: Array) -> None:
    json.dumps(compare(reference, candidate, DEFAULT).to_dict(), allow_nan=False)


def test_swapped_classes_are_another_top1() -> None:
    reference = spread_logits()
    candidate = reference.copy()
    best, second = np.argsort(-reference[0])[:2]
    candidate[0, [best, second]] = reference[0, [second, best]]
    result = compare(reference, candidate, Tolerance(relative=0.9))
    assert not result.passed
    assert (result.top1, result.top5) == (0.75, 1.0)


def test_a_wide_gate_does_not_excuse_another_top5() -> None:
    reference = np.arange(20, dtype=np.float32)[None]
    candidate = reference.copy()
    candidate[0, [19, 0]] = reference[0, [0, 19]]
    result = compare(reference, candidate, Tolerance(relative=0.999))
    assert (result.top1, result.top5) == (0.0, 0.0)
    assert "top-5" in result.reason


def test_a_wide_gate_without_ranks_passes() -> None:
    reference = spread_logits()
    candidate = reference * np.float32(0.95)
    assert not compare(reference, -reference, Tolerance(0.5, top1=False, top5=False)).passed
    assert compare(reference, candidate, Tolerance(0.1, top1=False, top5=False)).passed


def test_tied_classes_may_swap() -> None:
    reference = np.array([[1.0, 1.00001, -1.0]], dtype=np.float32)
    candidate = np.array([[1.00001, 1.0, -1.0]], dtype=np.float32)
    result = compare(reference, candidate, DEFAULT)
    assert result.passed
    assert result.top1 == 1.0


def test_reversed_class_order_fails_every_figure() -> None:
    reference = spread_logits()
    result = compare(reference, reference[:, ::-1].copy(), DEFAULT)
    assert not result.passed
    assert result.cosine is not None
    assert result.cosine < 0.9
    assert result.psnr is not None
    assert result.psnr < 20


def test_the_figures_are_what_they_say() -> None:
    reference = np.array([[4.0, 0.0], [0.0, 3.0]], dtype=np.float32)
    candidate = np.array([[4.0, 0.4], [0.0, 3.0]], dtype=np.float32)
    result = compare(reference, candidate, Tolerance(relative=0.2))
    assert result.passed
    assert result.absolute_error == pytest.approx(0.4)
    assert result.relative_error == pytest.approx(0.1)
    assert result.cosine == pytest.approx(4 / np.hypot(4, 0.4))
    assert result.psnr == pytest.approx(20 * np.log10(4 / 0.2))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_fail_without_figures(bad: float) -> None:
    reference = spread_logits()
    candidate = reference.copy()
    candidate[1, 3] = bad
    result = compare(reference, candidate, DEFAULT)
    assert (result.passed, result.relative_error) == (False, None)
    assert "1 of 80 values of the output are not finite" in result.reason


def test_another_shape_fails() -> None:
    result = compare(spread_logits(4), spread_logits(1), DEFAULT)
    assert (result.passed, result.reason) == (False, "shape [1, 20] instead of [4, 20]")


def test_zeros_are_not_divided_by() -> None:
    zeros = np.zeros((2, 3), dtype=np.float32)
    assert compare(zeros, zeros, DEFAULT).passed
    assert "all zeros" in compare(zeros, zeros + 1, DEFAULT).reason


@pytest.mark.parametrize("relative", [0.0, -1.0, 1.0, float("nan")])
def test_a_bound_that_says_nothing_is_refused(relative: float) -> None:
    with pytest.raises(ValueError, match="relative tolerance"):
        Tolerance(relative=relative)
