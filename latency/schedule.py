"""How a benchmark goes: what every participant runs, and how often."""

from __future__ import annotations

import math
from collections.abc import Sequence

BATCHES, THREADS, ROUNDS = (1, 4, 8), 2, 10
"""What holds where nobody says otherwise; the threads are those of the parity check."""
WARM_UP = 3
"""Runs that are not counted; runtimes choose their kernels and threads fall asleep again."""
_TURN_SECONDS, _MOST_RUNS = 0.25, 20


def runs_of_a_turn(seconds: float) -> int:
    """As many runs of so many seconds as take about a quarter of one, at least one and at most twenty."""
    return min(max(math.floor(_TURN_SECONDS / max(seconds, 1e-6)), 1), _MOST_RUNS)


def computing_seconds(
    picture_seconds: float, batches: Sequence[int] = BATCHES, rounds: int = ROUNDS
) -> float:
    """The seconds that one participant computes in all, a picture taking ``picture_seconds`` in any batch."""
    runs = (picture_seconds * batch for batch in batches)
    return sum((WARM_UP + rounds * runs_of_a_turn(seconds)) * seconds for seconds in runs)
