"""The command that converts, verifies and publishes what a pipeline file asks for."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.environments.run_environments import RunEnvironments
from pipeline.errors import NOT_PUBLISHED, PUBLISHED, DiskSpaceError, UsageError
from pipeline.estimates.shards import WHOLE, Shard, share_of
from pipeline.planning.completion import look_at_published
from pipeline.planning.jobs import ModelJob, Plan
from pipeline.planning.own_models import OwnModel
from pipeline.planning.planner import make_plan, read_checked
from pipeline.planning.selection import Selection
from pipeline.results import Result
from pipeline.running.cluster import ClusterCall, Finished, require_dask, run_on_cluster
from pipeline.running.local import room_here, run_models
from pipeline.stages.model_files import fetch_all
from pipeline.stages.work_folder import clear_published
from pipeline.stages.zoo_announcement import Announcer, announce_zoo, signer_with
from pipeline.system.interrupts import GRACE_SECONDS, Interrupted, at_most, interruptible, stopping
from pipeline.terminal.wording import say

if TYPE_CHECKING:
    from pipeline.terminal.progress import Progress
    from publishing.announcement import Signer

    Runner = Callable[[Finished, Progress], list[Result]]


def run_file(
    path: Path,
    selection: Selection,
    at_once: int,
    key: Path | None = None,
    shard: Shard = WHOLE,
    cluster: str | None = None,
) -> int:
    """Run a pipeline file, or a share of its models, and sign the zoo with ``key``, if given; the exit code.

    With ``cluster``, the address of a scheduler of dask, its workers do it. Everything in the file is checked
    before an environment is built or a model starts. An environment that cannot be built costs the models of
    its source. Raises DiskSpaceError where the disk will not do, and Interrupted.
    """
    signer = signer_with(key) if key else None
    stop = threading.Event()
    with interruptible(stop):
        built = RunEnvironments(stop=stop, say=say)
        checked = read_checked(path)
        whole = make_plan(checked, selection)
        plan = look_at_published(share_of(whole, shard))
        clear_published(plan, stop)
        if not plan.jobs:
            say(f"none of the {len(whole.jobs)} models is in share {shard}: nothing is to be done here")
            return PUBLISHED
        if all(job.done for job in plan.jobs):
            problems = _time_asked(plan, built, stop)
            announce_zoo(plan.zoo, signer, say)
            say(f"all {len(plan.units)} units are published in {plan.zoo.store.place} already")
            return NOT_PUBLISHED if problems else PUBLISHED
        _require_trust(plan)
        if cluster:
            require_dask()
            from pipeline.commands.cluster_task import run_task, stop_run

            place = str(plan.publish_folder or selection.publish or checked.file.publish)
            theirs = replace(selection, publish=place)
            call = ClusterCall(cluster, path.absolute(), theirs, run_task, stop_run)
            runner = partial(run_on_cluster, call, plan.jobs, stop=stop)
        else:
            _make_ready(plan, built, at_once, stop)
            runner = partial(_here, plan, built, at_once, stop)
        return _run_plan(plan, runner, built, stop, signer)


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


def _make_ready(plan: Plan, built: RunEnvironments, at_once: int, stop: threading.Event) -> None:
    """See that there is room, and make environments and fetch files for what is to be done here."""
    _require_room(plan, at_once)
    left = [job for job in plan.jobs if not job.done]
    for source, requirements in dict.fromkeys((job.source, job.entry.requirements) for job in left):
        built.available(source, requirements)
    can_run = [job for job in left if not built.failure(job.source, job.entry.requirements)]
    fetch_all(can_run, plan.folder, stop)


def _here(
    plan: Plan,
    built: RunEnvironments,
    at_once: int,
    stop: threading.Event,
    finished: Finished,
    progress: Progress,
) -> list[Result]:
    from pipeline.stages.model import run_model
    from pipeline.stages.model_run import ModelRun

    def run(job: ModelJob) -> list[Result]:
        return finished(run_model(ModelRun(job, plan, progress, built, stop)))

    return run_models(plan.jobs, run, at_once=at_once, stop=stop, room=room_here(plan.folder))


def _run_plan(
    plan: Plan, runner: Runner, built: RunEnvironments, stop: threading.Event, signer: Signer | None
) -> int:
    from pipeline.terminal.output import console_for_progress
    from pipeline.terminal.progress import print_results, progress_on

    announcer = Announcer(plan.zoo, signer, say)
    with progress_on(console_for_progress()) as progress, stopping(stop):
        results = runner(announcer.after_model, progress)
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
