"""From histograms of activations to the ranges that 8 bits are spread over."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

Method = Literal["percentile", "entropy", "minmax"]
METHODS: tuple[Method, ...] = ("percentile", "entropy", "minmax")
BINS = 2048
SIGNIFICANT_BITS = 8
"""Ranges are rounded to so many bits: the last bits of a calibration are those of a processor, and what is
published must not depend on them."""
_LEVELS = 128
"""The levels of a positive half of 8 bits, in the entropy method."""

Range = tuple[float, float]


@dataclass
class Histogram:
    """The values of one tensor: how many fell into each of BINS equal parts from ``low`` to ``high``."""

    low: float
    high: float
    counts: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))

    def add(self, values: npt.NDArray[np.float32]) -> None:
        """Count ``values``; those outside count at the ends."""
        width = (self.high - self.low) / BINS
        if width <= 0 or not math.isfinite(width):
            self.counts[0] += values.size
            return
        places = (values.reshape(-1) - np.float32(self.low)) * np.float32(1 / width)
        self.counts += np.bincount(np.clip(places, 0, BINS - 1).astype(np.int32), minlength=BINS)

    @property
    def edges(self) -> npt.NDArray[np.float64]:
        return np.linspace(self.low, self.high, BINS + 1)


def range_of(histogram: Histogram, method: Method, percentile: float) -> Range:
    """The range of a tensor, which always holds 0.

    ``minmax``: all values; ``percentile``: but for the ``100 - percentile`` percent at each end;
    ``entropy``: the cut at which the values that 8 bits can tell apart have the distribution that is
    nearest to that of all (Kullback and Leibler's divergence, as TensorRT calibrates).
    """
    low, high = histogram.low, histogram.high
    if method == "percentile" and histogram.counts.sum():
        share = np.cumsum(histogram.counts) / histogram.counts.sum()
        high = float(histogram.edges[1:][np.searchsorted(share, percentile / 100)])
        low = float(histogram.edges[:-1][np.searchsorted(share, 1 - percentile / 100, side="right")])
    elif method == "entropy":
        cut = _entropy_cut(histogram)
        low, high = max(low, -cut), min(high, cut)
    return rounded(min(low, 0.0)), rounded(max(high, 0.0))


def rounded(value: float) -> float:
    """``value`` with SIGNIFICANT_BITS significant bits."""
    mantissa, exponent = math.frexp(value)
    return math.ldexp(round(math.ldexp(mantissa, SIGNIFICANT_BITS)), exponent - SIGNIFICANT_BITS)


def _entropy_cut(histogram: Histogram) -> float:
    """The largest absolute value that is kept."""
    largest = max(abs(histogram.low), abs(histogram.high))
    centres = np.abs((histogram.edges[:-1] + histogram.edges[1:]) / 2)
    if not largest:
        return 0.0
    places = np.minimum((centres / largest * BINS).astype(int), BINS - 1)
    counts = np.bincount(places, weights=histogram.counts, minlength=BINS).astype(np.float64)
    counts[0] = 0  # what an activation cuts off to 0 says nothing of the range
    if not counts.sum():
        return largest
    cuts = range(_LEVELS, BINS + 1, 16)
    best = min(cuts, key=lambda cut: (_divergence(counts, cut), cut))
    return largest * best / BINS


def _divergence(counts: npt.NDArray[np.float64], cut: int) -> float:
    """How far the distribution in _LEVELS levels up to ``cut`` is from that of all values."""
    kept = counts[:cut].copy()
    wanted = kept.copy()
    wanted[-1] += counts[cut:].sum()
    level = np.arange(cut) * _LEVELS // cut
    sums = np.bincount(level, weights=kept, minlength=_LEVELS)
    filled = np.bincount(level, weights=(kept > 0).astype(float), minlength=_LEVELS)
    spread = np.where(kept > 0, (sums / np.maximum(filled, 1))[level], 0.0)
    if not spread.sum():
        return math.inf
    p, q = wanted / wanted.sum(), spread / spread.sum()
    both = (p > 0) & (q > 0)
    lost = p[(p > 0) & (q == 0)].sum()
    return float((p[both] * np.log(p[both] / q[both])).sum() + lost * 10)


def ranges_of(histograms: Mapping[str, Histogram], method: Method, percentile: float) -> dict[str, Range]:
    """The range of every tensor."""
    return {name: range_of(histogram, method, percentile) for name, histogram in histograms.items()}
