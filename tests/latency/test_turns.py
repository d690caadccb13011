"""The side of a process that is timed, run in one of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pipeline.errors import WorkerError
from pipeline.latency.turns import Participant

SHARED = Path(__file__).parents[2] / "latency" / "shared"
CHILD = f"""
import json, sys, threading, time
sys.path.insert(0, {str(SHARED)!r})
import turns
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()  # there before it is pinned
request = json.loads(sys.argv[1])
turns.pin(request["processors"])
def run(array):
    if array == "spoilt":
        raise ValueError("such a batch is too much")
turns.take_turns(run, {{"1": "fine", "4": "spoilt"}}, request)
"""


class _Child:
    """Runs the script above, as whoever measures runs a runtime."""

    def __init__(self, processors: list[int], script: str = CHILD) -> None:
        self.processors, self.script = processors, script

    def __call__(self, turns: Path, answers: Path) -> dict[str, str]:
        request = {"processors": self.processors, "turns": str(turns), "answers": str(answers)}
        ended = subprocess.run(
            [sys.executable, "-c", self.script, json.dumps(request)], check=False, timeout=60
        )
        if ended.returncode:
            raise WorkerError(f"it ended with {ended.returncode}")
        return {"version": "1"}


def test_each_turn_is_answered_with_as_many_times_memory_and_where_it_ran(tmp_path: Path) -> None:
    wanted = [min(os.sched_getaffinity(0))]
    with Participant(tmp_path / "child", _Child(wanted), threading.Event()) as child:
        for runs in (1, 5):
            answer = child.take_turn(1, runs)
            assert len(answer["seconds"]) == runs
            assert min(answer["seconds"]) >= 0
            assert answer["processors"] == wanted  # of all threads, those too that were there before
            assert answer["peak_memory"] > 1 << 20
        assert child.take_turn(4, 1) == {"error": "ValueError: such a batch is too much"}
        assert len(child.take_turn(1, 2)["seconds"]) == 2  # and it goes on
        assert child.finish() == {"version": "1"}


def test_a_turn_is_over_when_the_threads_that_it_woke_sleep_again(tmp_path: Path) -> None:
    asleep = tmp_path / "asleep"
    script = f"""
import json, sys, threading, time
from pathlib import Path
sys.path.insert(0, {str(SHARED)!r})
import turns
def spin():
    end = time.monotonic() + 0.2  # as Intel's OpenMP does
    while time.monotonic() < end:
        pass
    Path({str(asleep)!r}).touch()
turns.take_turns(lambda array: threading.Thread(target=spin).start(), {{"1": None}}, json.loads(sys.argv[1]))
"""
    with Participant(tmp_path / "child", _Child([0], script), threading.Event()) as child:
        assert len(child.take_turn(1, 1)["seconds"]) == 1
        assert asleep.exists()
        child.finish()


def test_what_was_needed_before_can_be_forgotten() -> None:
    code = f"""
import sys
sys.path.insert(0, {str(SHARED)!r})
import turns
before = turns.peak_memory()
block = bytearray(300 << 20)
block[::4096] = b"x" * len(block[::4096])
grown = turns.peak_memory()
del block
turns.forget_peak()
print(before, grown, turns.peak_memory())
"""
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    before, grown, after = map(int, said.split())
    assert grown > before + (250 << 20)
    assert after < before + (50 << 20)


def test_a_process_that_ends_spoils_its_turn_with_the_reason(tmp_path: Path) -> None:
    with (
        Participant(tmp_path / "child", _Child([0], "raise SystemExit(3)"), threading.Event()) as child,
        pytest.raises(WorkerError, match="it ended with 3"),
    ):
        child.take_turn(1, 1)


def test_one_that_was_never_asked_was_never_started(tmp_path: Path) -> None:
    before = threading.active_count()
    with Participant(tmp_path / "child", _Child([0]), threading.Event()):
        assert threading.active_count() == before
