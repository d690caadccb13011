"""A stage is made once, whole or not at all, and found again as it was made; what stays, and what goes."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.planning.jobs import ModelJob, Plan
from pipeline.stages.work_folder import (
    clear_published,
    done_before,
    folder_of_export,
    folder_of_inputs,
    folder_of_unit,
    make_stage,
    tidy,
)
from tests.pipeline.fake_source import FakeSource

NEVER = threading.Event()


def _names(work: Path) -> set[str]:
    return {path.name for path in work.iterdir()}


def _done(job: ModelJob) -> ModelJob:
    return replace(job, units=tuple(replace(unit, done=True) for unit in job.units))


def test_what_a_run_may_take_up_stays(tiny: FakeSource) -> None:
    plan = tiny.plan("net", opsets="9, 12")
    run = tiny.run(plan)
    job = run.job
    useful = {folder_of_inputs(job), folder_of_export(job)} | {
        folder_of_unit(unit.version, unit.retarget_key) for unit in job.units
    }
    others = {"inputs-0", f"{folder_of_export(job)}.part", "opset-9-of-another-key", "parity-9-12"}
    for name in useful | others:
        (run.work / name).mkdir(parents=True)
    (run.work / "note.txt").write_text("a file of the user's own")
    tidy(run)
    assert _names(run.work) == useful | {"note.txt"}


def test_opsets_that_are_done_are_not_taken_up_and_those_of_other_selections_are(tiny: FakeSource) -> None:
    whole = tiny.plan("net", opsets="9, 12")
    nine, twelve = whole.jobs[0].units
    job = replace(whole.jobs[0], units=(replace(twelve, done=True),))
    run = tiny.run(replace(whole, jobs=(job,)))
    for unit in (nine, twelve):
        (run.work / folder_of_unit(unit.version, unit.retarget_key)).mkdir(parents=True)
    tidy(run)
    assert _names(run.work) == {folder_of_unit(nine.version, nine.retarget_key)}


def _cleared(plan: Plan) -> bool:
    work = plan.work / "tiny/net"
    work.mkdir(parents=True, exist_ok=True)
    clear_published(plan, NEVER)
    return not work.exists()


def test_work_goes_where_all_that_the_file_asks_for_is_published(tiny: FakeSource) -> None:
    plan = tiny.plan("net", opsets="9, 12")
    done = _done(plan.jobs[0])
    assert not _cleared(plan)
    assert not _cleared(replace(plan, jobs=(replace(done, whole=False),)))  # another selection may need it
    assert _cleared(replace(plan, jobs=(done,)))
    clear_published(replace(plan, jobs=(done,)), NEVER)  # where there is nothing, nothing happens


def _make(folder: Path) -> dict[str, Any]:
    (folder / "below").mkdir()
    (folder / "below" / "model.onnx").write_bytes(b"model")
    return {"opset": 12}


def _never(_folder: Path) -> dict[str, Any]:
    raise AssertionError("it was made again")


def test_a_stage_is_made_once(tmp_path: Path) -> None:
    folder = tmp_path / "export-1"
    assert make_stage(folder, "key", _make) == ({"opset": 12}, False)
    assert make_stage(folder, "key", _never) == ({"opset": 12}, True)
    assert [path.name for path in tmp_path.iterdir()] == ["export-1"]


def test_another_key_makes_it_again_without_what_was_there(tmp_path: Path) -> None:
    folder = tmp_path / "export-1"
    make_stage(folder, "key", _make)
    (folder / "more").write_text("of the first")
    assert make_stage(folder, "other", _make) == ({"opset": 12}, False)
    assert not (folder / "more").exists()
    assert done_before(folder, "key") is None


@pytest.mark.parametrize(
    "damage", ["changed", "missing", "no note", "a broken note", "another result", "another note"]
)
def test_what_is_not_as_it_was_made_is_made_again(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "export-1"
    make_stage(folder, "key", _make)
    model, note = folder / "below" / "model.onnx", folder / "done.json"
    match damage:
        case "changed":
            model.write_bytes(b"Model")
        case "missing":
            model.unlink()
        case "no note":
            note.unlink()
        case "a broken note":
            note.write_text("{")
        case "another result":
            note.write_text(note.read_text().replace('"opset": 12', '"opset": 13'))
            assert "13" in note.read_text()
        case _:
            note.write_text("[]")
    assert done_before(folder, "key") is None
    assert make_stage(folder, "key", _make) == ({"opset": 12}, False)
    assert model.read_bytes() == b"model"


def test_what_a_failed_attempt_leaves_stays_until_the_next(tmp_path: Path) -> None:
    def fail(folder: Path) -> dict[str, Any]:
        (folder / "worker.log").write_text("why")
        raise ValueError("it failed")

    folder = tmp_path / "export-1"
    with pytest.raises(ValueError, match="it failed"):
        make_stage(folder, "key", fail)
    assert not folder.exists()
    assert (tmp_path / "export-1.part" / "worker.log").read_text() == "why"
    make_stage(folder, "key", _make)
    assert [path.name for path in tmp_path.iterdir()] == ["export-1"]
