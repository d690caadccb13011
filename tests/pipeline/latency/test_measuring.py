"""Warm-up and rounds, with participants that answer at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from pipeline.errors import WorkerError
from pipeline.latency.measuring import measure
from pipeline.latency.turns import Participant

Log = list[tuple[str, int, int]]


class _Prompt:
    """A participant without a process."""

    def __init__(self, name: str, log: Log, seconds: float = 0.1, spoilt: tuple[int, ...] = ()) -> None:
        self.name, self.log, self.seconds, self.spoilt = name, log, seconds, spoilt
        self.dies_after = 1 << 30

    def take_turn(self, batch: int, runs: int) -> dict[str, Any]:
        self.log.append((self.name, batch, runs))
        if sum(entry[0] == self.name for entry in self.log) > self.dies_after:
            raise WorkerError("it was ended by SIGSEGV")
        if batch in self.spoilt:
            return {"error": "too large"}
        return {"seconds": [self.seconds] * runs, "peak_memory": 1000 * batch, "processors": [0]}

    def finish(self) -> Mapping[str, Any]:
        return {"version": "1"}


def _of(*prompt: _Prompt) -> dict[str, Participant]:
    return {one.name: cast(Participant, one) for one in prompt}


def test_all_are_warmed_up_and_then_take_turns_in_every_round() -> None:
    log: Log = []
    timed = measure(_of(_Prompt("a", log), _Prompt("b", log, seconds=1.0)), (4, 1), rounds=2)
    warm_up, rounds = log[:4], log[4:]
    assert warm_up == [("a", 1, 3), ("a", 4, 3), ("b", 1, 3), ("b", 4, 3)]
    first = [("a", 1, 2), ("b", 1, 1), ("a", 4, 2), ("b", 4, 1)]
    second = [("b", 1, 1), ("a", 1, 2), ("b", 4, 1), ("a", 4, 2)]  # another one begins
    assert rounds == [*first, *second]
    assert {batch: len(times) for batch, times in timed["a"].seconds.items()} == {1: 4, 4: 4}
    assert timed["b"].peak_memory == {1: 1000, 4: 4000}
    assert timed["a"].result == {"version": "1"}


def test_a_batch_that_cannot_be_computed_costs_itself_only() -> None:
    log: Log = []
    timed = measure(_of(_Prompt("a", log, spoilt=(4,))), (1, 4), rounds=3)
    assert set(timed["a"].seconds) == {1}
    assert timed["a"].reasons == {4: "too large"}
    assert ("a", 4, 2) not in log


def test_a_process_that_ends_costs_itself_only() -> None:
    log: Log = []
    dying = _Prompt("dying", log)
    dying.dies_after = 2
    timed = measure(_of(dying, _Prompt("a", log)), (1,), rounds=3)
    assert timed["dying"].failure == "it was ended by SIGSEGV"
    assert timed["dying"].seconds == {}
    assert len(timed["a"].seconds[1]) == 6
