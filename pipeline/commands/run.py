"""The command that converts, verifies and publishes what a pipeline file asks for."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.environments.run_environments import RunEnvironments
from pipeline.errors import NOT_PUBLISHED, PUBLISHED, DiskSpaceError, UsageError
from pipeline.estimates.shards import WHOLE, Shard, share_of
from pipeline.planning.completion import look_at_published
from pipeline.planning.jobs import Plan
from pipeline.planning.own_models import OwnModel
from pipeline.planning.planner import make_plan, read_checked
from pipeline.planning.selection import Selection
from pipeline.running.local import run_models
from pipeline.stages.model_files import fetch_all
from pipeline.stages.work_folder import clear_published
from pipeline.stages.zoo_announcement import Announcer, announce_zoo, signer_with
from pipeline.system.interrupts import GRACE_SECONDS, Interrupted, at_most, interruptible, stopping
from pipeline.terminal.wording import say

if TYPE_CHECKING:
    from publishing.announcement import Signer


def run_file(
    path: Path, selection: Selection, at_once: int, key: Path | None = None, shard: Shard = WHOLE
) -> int:
    """Run a pipeline file, or a share of its models, and sign the zoo with ``key``, if given; the exit code.

    Everything in the file is checked before an environment is built or a model starts. An environment that
    cannot be built costs the models of its source. Raises DiskSpaceError where the disk will not do, and
    Interrupted.
    """
    signer = signer_with(key) if key else None
    stop = threading.Event()
    with interruptible(stop):
        built = RunEnvironments(stop=stop, say=say)
        checked = make_plan(read_checked(path), selection)
        plan = _with_what_it_needs(share_of(checked, shard), built, at_once, stop)
        if not plan.jobs:
            say(f"none of the {len(checked.jobs)} models is in share {shard}: nothing is to be done here")
            return PUBLISHED
        if all(job.done for job in plan.jobs):
            problems = _time_asked(plan, built, stop)
            announce_zoo(plan.zoo, signer, say)
            say(f"all {len(plan.units)} units are published in {plan.zoo.store.place} already")
            return NOT_PUBLISHED if problems else PUBLISHED
        return _run_plan(plan, built, at_once, stop, signer)


def _require_room(plan: Plan, at_once: int) -> None:
    """Raise DiskSpaceError where the disk will not do."""
    from pipeline.estimates.disk import refusal
    from pipeline.estimates.estimate import estimate

    message = refusal(estimate(plan, at_once).rooms)
    if message:
        raise DiskSpaceError(*message.split("\n"))


def _require_trust(plan: Plan) -> None:
    """Raise UsageError with all code of the user's that would run and may not."""
    mistakes = [
        f"{job.model_at}: {job.name} runs code: {job.model.described}. Look at it, and run with --trust-code."
        for job in plan.jobs
        if isinstance(job.model, OwnModel) and job.untrusted and not job.done
    ]
    if mistakes:
        raise UsageError(*mistakes)


def _with_what_it_needs(plan: Plan, built: RunEnvironments, at_once: int, stop: threading.Event) -> Plan:
    """``plan`` with its units marked that are done, and environments and files for the others."""
    plan = look_at_published(plan)
    clear_published(plan, stop)
    left = [job for job in plan.jobs if not job.done]
    unfinished = dict.fromkeys((job.source, job.entry.requirements) for job in left)
    if not unfinished:
        return plan
    _require_trust(plan)
    _require_room(plan, at_once)
    for source, requirements in unfinished:
        built.available(source, requirements)
    can_run = [job for job in left if not built.failure(job.source, job.entry.requirements)]
    fetch_all(can_run, plan.folder, stop)
    return plan


def _run_plan(
    plan: Plan, built: RunEnvironments, at_once: int, stop: threading.Event, signer: Signer | None
) -> int:
    from pipeline.stages.model import run_model
    from pipeline.stages.model_run import ModelRun
    from pipeline.terminal.output import console_for_progress
    from pipeline.terminal.progress import print_results, progress_on

    announcer = Announcer(plan.zoo, signer, say)
    with progress_on(console_for_progress()) as progress, stopping(stop):
        results = run_models(
            plan.jobs,
            lambda job: announcer.after_model(run_model(ModelRun(job, plan, progress, built, stop))),
            at_once=at_once,
            stop=stop,
        )
    print_results(results)
    if stop.is_set():
        with contextlib.suppress(Interrupted), at_most(GRACE_SECONDS):
            announcer.announce()  # the next run does it, where there is no time
        raise Interrupted
    problems = _time_asked(plan, built, stop)  # when nothing else of ours is at work
    announcer.announce()
    return PUBLISHED if all(result.good for result in results) and not problems else NOT_PUBLISHED


def _time_asked(plan: Plan, built: RunEnvironments, stop: threading.Event) -> bool:
    """Time what the file wants to be timed; whether something could not be, which is said."""
    if not any(job.entry.benchmark for job in plan.jobs):
        return False
    from pipeline.stages.benchmark import time_asked

    problems = time_asked(plan, built, stop, say)
    for problem in problems:
        say(problem)
    return bool(problems)
