"""Warm-up and rounds: every runtime and every batch has its turn in each round."""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from latency.schedule import WARM_UP, runs_of_a_turn
from pipeline.errors import WorkerError
from pipeline.latency.turns import Participant


@dataclass
class Timed:
    """What was measured of one participant."""

    seconds: dict[int, list[float]] = field(default_factory=dict)
    """Of each run, by batch."""
    peak_memory: dict[int, int] = field(default_factory=dict)
    """The most resident bytes of the process when it had computed no larger batch yet."""
    processors: list[int] = field(default_factory=list)
    """Those that its threads could run on at last."""
    reasons: dict[int, str] = field(default_factory=dict)
    """Why there are no times, by batch."""
    result: Mapping[str, Any] = field(default_factory=dict)
    failure: str = ""
    """Why there are no times at all."""


def measure(participants: Mapping[str, Participant], batches: Sequence[int], rounds: int) -> dict[str, Timed]:
    """Time all participants in turns; one that fails costs itself only.

    Each is started, and warmed up with one batch after the other, the smallest first, before the next one
    is started; then the rounds begin. Raises Interrupted.
    """
    timed = {name: Timed() for name in participants}
    runs: dict[tuple[str, int], int] = {}
    for name, participant in participants.items():
        with _costs_itself_only(timed[name]):
            for batch in sorted(batches):
                _warm_up(name, participant, batch, timed[name], runs)
    for number in range(rounds):
        for batch in sorted(batches):
            for name in _rotated(list(participants), number):
                if (name, batch) in runs and not timed[name].failure:
                    with _costs_itself_only(timed[name]):
                        answer = participants[name].take_turn(batch, runs[name, batch])
                        timed[name].seconds.setdefault(batch, []).extend(answer["seconds"])
                        timed[name].processors = answer["processors"]
    for name, participant in participants.items():
        if not timed[name].failure:
            with _costs_itself_only(timed[name]):
                timed[name].result = participant.finish()
    return timed


def _warm_up(
    name: str, participant: Participant, batch: int, timed: Timed, runs: dict[tuple[str, int], int]
) -> None:
    answer = participant.take_turn(batch, WARM_UP)
    if "error" in answer:
        timed.reasons[batch] = answer["error"]
        return
    timed.peak_memory[batch] = answer["peak_memory"]
    runs[name, batch] = runs_of_a_turn(statistics.median(answer["seconds"]))


def _rotated(names: list[str], number: int) -> list[str]:
    """Another one begins each round: who comes after whom must not decide."""
    start = number % len(names)
    return names[start:] + names[:start]


@contextlib.contextmanager
def _costs_itself_only(timed: Timed) -> Any:
    try:
        yield
    except WorkerError as error:
        timed.failure = str(error)
        timed.seconds.clear()
