"""One model through all its stages, with real runtimes and real publishing, from a source of seconds."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from pipeline.estimates.history import read_history
from pipeline.results import Result
from pipeline.stages.failures import guarded
from pipeline.stages.model import run_model
from pipeline.terminal.progress import PlainProgress
from tests.pipeline.fake_source import FakeSource

pytestmark = pytest.mark.slow


def _run(tiny: FakeSource, model: str, opsets: str = "12", more: str = "") -> list[Result]:
    return run_model(tiny.run(tiny.plan(model, opsets=opsets, more=more)))


def test_a_model_is_published_and_then_left_alone(tiny: FakeSource) -> None:
    results = _run(tiny, "net", "6, 12")
    assert [(result.unit, result.status, result.reason) for result in results] == [
        ("tiny/net@6", "published", ""),
        ("tiny/net@12", "published", ""),
    ]
    assert results[1].runtimes == {"onnxruntime": "ok", "openvino": "ok"}
    assert tiny.published == ["net-12.onnx", "net-6.onnx"]
    assert not (tiny.folder / "work/tiny/net").exists()
    again = tiny.plan("net", opsets="6, 12")
    assert all(unit.done for unit in again.units)
    assert [result.status for result in run_model(tiny.run(again))] == ["done before"] * 2


def test_what_goes_wrong_with_one_opset_or_model_is_told(tiny: FakeSource) -> None:
    [wrong] = _run(tiny, "wrong")
    assert wrong.status == "failed"
    assert wrong.runtimes == {"onnxruntime": "wrong", "openvino": "wrong"}
    assert "Not published; its files are in" in wrong.reason
    [dead] = _run(tiny, "dead")
    assert (dead.status, dead.runtimes) == ("inconclusive", {})
    [raising] = _run(tiny, "raising")
    assert (raising.status, raising.reason) == (
        "failed",
        "exporting tiny/raising failed: this one cannot be said",
    )
    assert tiny.published == []
    assert read_history() == {}


class Timed(PlainProgress):
    """A display that keeps the time of every stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def end(self, model: str, stage: str, seconds: float, reused: bool) -> None:
        assert stage not in self.seconds
        self.seconds[stage] = 0.0 if reused else seconds


def test_the_history_has_the_mean_of_all_batches(tiny: FakeSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.planning.jobs.BATCH_BYTES", 1)  # each opset is a batch of its own
    progress = Timed()
    run = replace(tiny.run(tiny.plan("net", opsets="11, 12")), progress=progress)
    assert all(result.status == "published" for result in run_model(run))
    assert {"opset 11: parity", "opset 12: parity"} <= set(progress.seconds)
    of_units = [seconds for stage, seconds in progress.seconds.items() if ": " in stage]
    assert len(of_units) == 2 * 3
    seconds_noted = read_history()["tiny/net"]["seconds"]
    assert seconds_noted["unit"] == pytest.approx(sum(of_units) / 2, abs=0.01)
    assert seconds_noted["export"] == pytest.approx(progress.seconds["export"], abs=0.01)


class Meeting(PlainProgress):
    """A display that lets the first opset be published only once the second one is being verified."""

    def __init__(self) -> None:
        self.verifying = threading.Event()
        self.met = False

    def begin(self, model: str, stage: str) -> None:
        if stage == "opset 12: parity":
            self.verifying.set()
        if stage == "opset 11: publish":
            self.met = self.verifying.wait(timeout=60)

    def end(self, model: str, stage: str, seconds: float, reused: bool) -> None:
        """Nobody reads it."""


def test_what_is_right_is_published_while_the_next_is_verified(
    tiny: FakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.planning.jobs.BATCH_BYTES", 1)
    progress = Meeting()
    run = replace(tiny.run(tiny.plan("net", opsets="11, 12")), progress=progress)
    assert [result.status for result in run_model(run)] == ["published", "published"]
    assert progress.met
    assert tiny.published == ["net-11.onnx", "net-12.onnx"]
    assert not run.work.exists()


def test_what_is_verified_when_a_run_is_to_end_is_not_published(
    tiny: FakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.planning.jobs.BATCH_BYTES", 1)
    run = tiny.run(tiny.plan("net", opsets="11, 12"))

    class Ending(PlainProgress):
        def __init__(self) -> None:
            """Nothing is shown."""

        def begin(self, model: str, stage: str) -> None:
            if stage == "opset 12: parity":
                run.stop.set()

        def end(self, model: str, stage: str, seconds: float, reused: bool) -> None:
            """Nobody reads it."""

    first, second = run_model(replace(run, progress=Ending()))
    assert first.status in ("published", "interrupted")
    assert second.status == "interrupted"
    assert ("net-11.onnx" in tiny.published) == (first.status == "published")


def test_an_export_that_was_made_is_taken_up(tiny: FakeSource) -> None:
    [strict] = _run(tiny, "net", more="parity: {relative: 1.0e-12}")
    assert "is above 1e-12" in strict.reason
    progress = Timed()
    run = replace(tiny.run(tiny.plan("net")), progress=progress)
    assert [result.status for result in run_model(run)] == ["published"]
    assert [progress.seconds[stage] for stage in ("inputs", "export", "opset 12: retarget")] == [0.0] * 3
    assert set(read_history()["tiny/net"]["seconds"]) == set()


def test_a_defect_of_ours_costs_its_unit_and_its_traceback_goes_with_the_next_run(
    tiny: FakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.stages.units.figures_of", lambda *_, **__: 1 // 0)
        [defect] = _run(tiny, "net")
    log = tiny.folder / "work/tiny/net.traceback.txt"
    assert (defect.status, defect.cause) == ("failed", "defect")
    assert defect.reason == f"a defect in the pipeline: please report {log}"
    assert "ZeroDivisionError" in log.read_text()
    assert [result.status for result in _run(tiny, "net")] == ["published"]
    assert not log.exists()


def test_a_defect_of_which_no_traceback_can_be_written_is_told(tiny: FakeSource) -> None:
    plan = tiny.plan("net")
    plan.work.write_text("a file in the way")
    result = guarded(tiny.run(plan), lambda: 1 // 0)
    assert isinstance(result, Result)
    assert result.reason.startswith("a defect in the pipeline, ZeroDivisionError, whose traceback cannot be")


def test_a_run_that_is_to_end_publishes_nothing(tiny: FakeSource) -> None:
    run = tiny.run(tiny.plan("net"))
    run.stop.set()
    assert [result.status for result in run_model(run)] == ["interrupted"]
    assert tiny.published == []
