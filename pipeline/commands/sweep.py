"""The command that runs every model of a source, and writes down what became of each."""

from __future__ import annotations

import shutil
import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.environments.run_environments import RunEnvironments
from pipeline.errors import NOT_PUBLISHED, PUBLISHED, PipelineError, UsageError
from pipeline.estimates.shards import Shard, share
from pipeline.planning.completion import look_at_published
from pipeline.planning.jobs import ModelJob, Plan
from pipeline.planning.planner import make_plan, read_checked, zoo_at
from pipeline.planning.selection import Selection
from pipeline.results import DISK, Result
from pipeline.running.local import room_here, run_models
from pipeline.stages.model_run import ModelRun
from pipeline.stages.zoo_announcement import Announcer
from pipeline.sweeps.ledger import append, read
from pipeline.sweeps.pipeline_file import SweepSettings, models_of, write_pipeline_files
from pipeline.sweeps.rows import rows_of, take_away
from pipeline.system.interrupts import Interrupted, interruptible, stopping
from pipeline.system.locks import locked
from pipeline.terminal.wording import say
from publishing.coverage import Row


@dataclass(frozen=True)
class SweepOptions:
    """How a sweep is run."""

    ledger: Path
    shard: Shard
    at_once: int
    publish: str | None
    """A folder or URL; None keeps nothing but the ledger."""
    again: bool
    """Whether models that failed before are run again."""


def sweep(settings: SweepSettings, options: SweepOptions) -> int:
    """Run what the ledger does not have yet; the exit code: 0 once it has all of it, whatever became of them.

    Raises UsageError before anything starts, and Interrupted.
    """
    work = options.ledger.with_name(f"{options.ledger.name}.work")
    known = read([options.ledger]) if options.ledger.exists() else {}
    options.ledger.parent.mkdir(parents=True, exist_ok=True)
    plan = _plan(settings, options, work)
    jobs = share(plan.jobs, options.shard)
    left = [wanted for job in jobs if (wanted := _left(job, known, again=options.again))]
    done = len(jobs) - len(left)
    say(f"{len(jobs)} models of {settings.source}, {done} of them in {options.ledger} already")
    refused = _run(plan, left, options, work) if left else []
    return finish(options.ledger, {(job.name, unit.opset) for job in jobs for unit in job.units}, refused)


def finish(ledger: Path, asked: Set[tuple[str, int]], refused: Iterable[str]) -> int:
    """Say what became of what was ``asked``, by model and opset; the exit code.

    Raises PipelineError that names what of the machine kept some from being run, ``refused``.
    """
    noted = read([ledger]) if ledger.exists() else {}
    rows = [row for key, row in noted.items() if key in asked]
    for line in summary(rows):
        say(line)
    if refused:
        raise PipelineError(*sorted(set(refused)), "Run the same command again: it goes on from here.")
    return PUBLISHED if len(rows) == len(asked) else NOT_PUBLISHED


def _plan(settings: SweepSettings, options: SweepOptions, work: Path) -> Plan:
    files = write_pipeline_files(settings, models_of(settings), work)
    if options.publish and len(files) > 1:
        example = read_checked(files[1]).file.models[0].models[0]
        raise UsageError(
            f"--publish: {settings.source} has names that differ in capitals alone, such as {example}, "
            "which are one on some file systems. Name those of one kind, or publish nothing."
        )
    plans = [make_plan(read_checked(file), Selection(publish=options.publish)) for file in files]
    return replace(plans[0], jobs=tuple(job for plan in plans for job in plan.jobs))


def _left(job: ModelJob, known: Mapping[tuple[str, int], Row], *, again: bool) -> ModelJob | None:
    """``job`` with the units that the ledger does not have; None where it has all."""
    rows = {unit: known.get((job.name, unit.opset)) for unit in job.units}
    left = tuple(unit for unit, row in rows.items() if row is None or (again and not row.good))
    return replace(job, units=left) if left else None


def _run(plan: Plan, jobs: Sequence[ModelJob], options: SweepOptions, work: Path) -> list[str]:
    """Run ``jobs`` and note each in the ledger; what of the machine kept some from being run."""
    from pipeline.stages.model import run_model
    from pipeline.terminal.output import console_for_progress
    from pipeline.terminal.progress import progress_on

    stop, writing, refused = threading.Event(), threading.Lock(), list[str]()
    announcer = Announcer(plan.zoo, None, say) if options.publish else None
    with interruptible(stop):
        built = RunEnvironments(stop=stop, say=say)
        kept = look_at_published(replace(plan, jobs=tuple(jobs))) if announcer else plan
        lock = locked(work / "sweep", stop)
        with lock, progress_on(console_for_progress()) as progress, stopping(stop):

            def run(job: ModelJob) -> list[Result]:
                own = kept if announcer else replace(plan, zoo=zoo_at(str(work / "zoo" / job.name), Path()))
                under_way = ModelRun(job, own, progress, built, stop)
                results = run_model(under_way)
                with writing:
                    append(options.ledger, rows_of(under_way, results))
                    refused.extend(result.reason for result in results if result.cause == DISK)
                if announcer:
                    return announcer.after_model(results)
                take_away(under_way)
                return results

            ours = kept.jobs if announcer else jobs
            run_models(ours, run, at_once=options.at_once, stop=stop, room=room_here(plan.folder))
            if not announcer:
                shutil.rmtree(plan.work, ignore_errors=True)  # the locks of the models
        if stop.is_set():
            raise Interrupted
        if announcer:
            announcer.announce()
    return refused


def summary(rows: Sequence[Row]) -> list[str]:
    """Shares that are right by opset, then the failures by stage and cause."""
    lines = []
    for opset in sorted({row.opset for row in rows}):
        of_opset = [row for row in rows if row.opset == opset]
        good = sum(row.good for row in of_opset)
        lines.append(f"opset {opset}: {good} of {len(of_opset)} right, {good / len(of_opset):.1%}")
    failures = Counter((row.stage, row.cause) for row in rows if not row.good)
    lines += [f"{count} at {stage}: {cause}" for (stage, cause), count in failures.most_common()]
    return lines
