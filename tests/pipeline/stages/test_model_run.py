"""Stages as the progress display and the history get to know them."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from pipeline.planning.jobs import Version
from pipeline.stages.model_run import ModelRun, StageKind, StageTimes
from pipeline.system.interrupts import Interrupted
from pipeline.terminal.progress import PlainProgress
from tests.pipeline.fake_source import FakeSource


class Kept(PlainProgress):
    """A display that keeps what it is told."""

    def __init__(self) -> None:
        self.titles: list[str] = []
        self.ended: list[tuple[str, bool]] = []
        self.failed: list[str] = []

    def begin(self, model: str, stage: str) -> None:
        self.titles.append(f"{model} {stage}")

    def end(self, model: str, stage: str, seconds: float, reused: bool) -> None:
        self.ended.append((stage, reused))

    def fail(self, model: str, stage: str) -> None:
        self.failed.append(stage)


@pytest.fixture
def progress() -> Kept:
    return Kept()


@pytest.fixture
def run(tiny: FakeSource, progress: Kept) -> ModelRun:
    return replace(tiny.run(tiny.plan("net")), progress=progress)


def test_a_stage_is_told_with_its_opsets(run: ModelRun, progress: Kept) -> None:
    with run.stage(StageKind.EXPORT):
        pass
    with run.stage(StageKind.RETARGET, [Version(7)]) as stage:
        stage.reused = True
    with run.stage(StageKind.PARITY, [Version(7), Version(9)]):
        pass
    assert progress.titles == [
        "tiny/net export",
        "tiny/net opset 7: retarget",
        "tiny/net 2 opsets: parity",
    ]
    assert progress.ended == [("export", False), ("opset 7: retarget", True), ("2 opsets: parity", False)]
    assert set(run.times.for_history()) == {"export"}


def test_no_stage_begins_in_a_run_that_is_to_end(run: ModelRun, progress: Kept) -> None:
    run.stop.set()
    with pytest.raises(Interrupted), run.stage(StageKind.EXPORT):
        pytest.fail("it was begun")
    assert progress.titles == []


def test_the_time_of_a_stage_that_fails_is_not_noted(run: ModelRun, progress: Kept) -> None:
    with pytest.raises(ValueError, match="failed"), run.stage(StageKind.EXPORT):
        raise ValueError("failed")
    assert run.times.for_history() == {}
    assert (progress.failed, progress.ended) == (["export"], [])


def test_a_stage_is_that_of_its_thread(run: ModelRun) -> None:
    """One publishes while another verifies: what fails there, and the memory of it, is not the other's."""

    def verify() -> None:
        with run.stage(StageKind.PARITY):
            run.limits.peak.note(17)

    with run.stage(StageKind.PUBLISH):
        thread = threading.Thread(target=verify)
        thread.start()
        thread.join()
        assert run.times.at == StageKind.PUBLISH
        run.limits.peak.note(3)
    assert run.times.peaks() == {"parity": 17, "publish": 3}


def test_a_model_works_in_a_folder_of_its_own_within_its_limits(tiny: FakeSource) -> None:
    run = tiny.run(tiny.plan("net", more="limits: {seconds: 5, memory_gib: 0.5}"))
    assert run.work == tiny.folder / "work/tiny/net"
    assert (run.limits.seconds, run.limits.memory) == (5, 1 << 29)
    run.limits.peak.note(17)
    assert run.memory.bytes == 17


def _times(*taken: tuple[StageKind, float, int]) -> dict[str, float]:
    times = StageTimes()
    for kind, seconds, units in taken:
        times.note(kind, seconds, units)
    return times.for_history()


RETARGET, PARITY, PUBLISH = StageKind.RETARGET, StageKind.PARITY, StageKind.PUBLISH


def test_a_unit_takes_the_mean_of_each_of_its_stages() -> None:
    one_by_one = [(kind, seconds, 1) for kind, seconds in ((RETARGET, 3.0), (PUBLISH, 5.0)) for _ in range(4)]
    two_batches = [(PARITY, 20.0, 2), (PARITY, 24.0, 2)]
    assert _times(*one_by_one, *two_batches) == {"unit": 3 + 5 + 11}


def test_a_unit_that_fails_makes_the_others_no_faster() -> None:
    """Ten are retargeted and verified, and one is published: a whole unit still takes 2 + 3 + 4 seconds."""
    assert _times((RETARGET, 20.0, 10), (PARITY, 30.0, 10), (PUBLISH, 4.0, 1)) == {"unit": 9.0}


def test_what_was_not_done_is_not_said() -> None:
    assert _times((StageKind.INPUTS, 0.5, 1), (PARITY, 3.0, 1), (PUBLISH, 4.0, 1)) == {"inputs": 0.5}
    assert _times((StageKind.EXPORT, 11.238, 1)) == {"export": 11.24}
    assert _times((StageKind.FILES, 9.0, 1), (StageKind.ENVIRONMENT, 9.0, 1)) == {}
