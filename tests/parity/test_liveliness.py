"""Reference logits on which agreement would prove nothing."""

from __future__ import annotations

import numpy as np
import pytest

from parity.compare import Array, Tolerance
from parity.liveliness import lifeless

DEFAULT = Tolerance()


def logits(rows: int = 3, classes: int = 10, seed: int = 1) -> Array:
    return np.random.default_rng(seed).normal(size=(rows, classes)).astype(np.float32)


def same_rows_with_rounding_noise(rows: int) -> Array:
    row = logits(1) * 100
    return (row * (1 + 1e-6 * logits(rows))).astype(np.float32)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e5, 7e11])
def test_spread_logits_are_fit_at_any_size(scale: float) -> None:
    data_sets = {"noise-1": logits(1, seed=2) * np.float32(scale), "noise-3": logits() * np.float32(scale)}
    assert lifeless(data_sets, DEFAULT) == ""


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        (np.zeros((3, 10), np.float32), "all classes are nearly the same"),
        (logits() * np.float32(5e-16), "all classes are nearly the same"),
        (np.float32(1e6) + logits(), "all classes are nearly the same"),
        (np.repeat(logits(1), 3, axis=0), "hardly depend on the input"),
        (same_rows_with_rounding_noise(3), "hardly depend on the input"),
        (np.full((3, 10), np.nan, np.float32), "30 of 30 reference logits of noise-3 are not finite"),
        (np.where(logits() > 1, np.inf, 0).astype(np.float32), "are not finite"),
        (logits(1), "hardly depend on the input"),
        (logits(3, 1) * 0, "hardly depend on the input"),
        (np.zeros((3, 0), np.float32), "not (N, classes)"),
    ],
)
def test_dead_logits_are_told(outputs: Array, words: str) -> None:
    assert words in lifeless({"noise-3": outputs}, DEFAULT)


def test_data_sets_are_judged_together() -> None:
    first, second = logits(1, seed=1), logits(1, seed=2)
    assert "hardly depend" in lifeless({"noise-1": first, "noise-2": np.repeat(first, 2, axis=0)}, DEFAULT)
    assert lifeless({"noise-1": first, "noise-2": np.repeat(second, 2, axis=0)}, DEFAULT) == ""


def test_a_wide_gate_needs_a_wide_spread() -> None:
    base = logits(1) * 100
    data_sets = {"noise-3": (base + logits(3)).astype(np.float32)}
    assert lifeless(data_sets, DEFAULT) == ""
    assert "hardly depend" in lifeless(data_sets, Tolerance(relative=0.3))


def test_one_class_may_be_fit() -> None:
    assert lifeless({"noise-3": logits(3, 1)}, DEFAULT) == ""


def test_nothing_is_not_fit() -> None:
    assert lifeless({}, DEFAULT)
    assert "different numbers" in lifeless({"a": logits(2, 3), "b": logits(2, 4)}, DEFAULT)
