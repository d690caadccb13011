"""What many measured times say together."""

from __future__ import annotations

import math
from collections.abc import Sequence


def percentile(values: Sequence[float], percent: float) -> float:
    """The ``percent``-th percentile of ``values``, between the two nearest of them in proportion.

    The definition 7 of Hyndman and Fan, Sample quantiles in statistical packages (1996), as NumPy has it.
    """
    ordered = sorted(values)
    position = (len(ordered) - 1) * percent / 100
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def summary(seconds: Sequence[float], batch: int) -> dict[str, float]:
    """Median, 90th and 99th percentile in seconds, and pictures per second at the median.

    ``seconds`` are those of runs with ``batch`` pictures each.
    """
    median = percentile(seconds, 50)
    return {
        "runs": len(seconds),
        "median": _rounded(median),
        "p90": _rounded(percentile(seconds, 90)),
        "p99": _rounded(percentile(seconds, 99)),
        "pictures_per_second": _rounded(batch / median),
    }


def ratio(seconds: Sequence[float], reference: Sequence[float]) -> float:
    """The median of ``seconds`` as a multiple of the median of ``reference``: below 1 is faster."""
    return _rounded(percentile(seconds, 50) / percentile(reference, 50))


def _rounded(value: float) -> float:
    """Four significant digits: the clock says no more about a computation."""
    return float(f"{value:.4g}")
