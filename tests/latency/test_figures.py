"""What many measured times say together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latency.figures import percentile, ratio, summary

TIMES = st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=50)


@given(TIMES, st.floats(0, 100))
def test_percentiles_are_those_of_numpy(times: list[float], percent: float) -> None:
    assert percentile(times, percent) == pytest.approx(np.percentile(times, percent))


def test_a_summary_has_the_percentiles_and_the_pictures_of_a_second_at_the_median() -> None:
    times = [0.010 + 0.001 * number for number in range(11)]
    assert summary(times, 4) == {
        "runs": 11,
        "median": 0.015,
        "p90": 0.019,
        "p99": 0.0199,
        "pictures_per_second": 266.7,
    }


def test_a_ratio_below_1_is_faster_than_the_reference() -> None:
    assert ratio([0.01, 0.01, 9.0], [0.02, 0.02, 0.001]) == 0.5
