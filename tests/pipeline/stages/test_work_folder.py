"""What stays in the work folder of a model, and what goes."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

from pipeline.planning.jobs import ModelJob, Plan
from pipeline.stages.work_folder import (
    clear_published,
    folder_of_export,
    folder_of_inputs,
    folder_of_unit,
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
        folder_of_unit(unit.opset, unit.retarget_key) for unit in job.units
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
        (run.work / folder_of_unit(unit.opset, unit.retarget_key)).mkdir(parents=True)
    tidy(run)
    assert _names(run.work) == {folder_of_unit(9, nine.retarget_key)}


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
