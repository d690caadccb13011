"""The side of a worker of dask: one model, made from the pipeline file that the others read too.

A worker makes its plan itself, once for a run: nothing travels to it but names, and it finds out whether
its own packages and files would make something else. Its work lies in its own folder, environments and
downloads in its cache; what it publishes goes straight into the zoo.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from distributed import get_worker

from pipeline.environments.run_environments import RunEnvironments
from pipeline.errors import PipelineError
from pipeline.planning.completion import changes
from pipeline.planning.jobs import ModelJob, Plan, Unit
from pipeline.planning.planner import make_plan, read_checked, zoo_at
from pipeline.results import Result
from pipeline.running.cluster import ModelTask, failed
from pipeline.stages.model import run_model
from pipeline.stages.model_files import fetch_all
from pipeline.stages.model_run import ModelRun


@dataclass
class _Run:
    """What a worker keeps while a run goes on."""

    plan: Plan
    environments: RunEnvironments
    stop: threading.Event


_RUNS: dict[str, _Run] = {}
_LOCK = threading.Lock()


def run_task(task: ModelTask) -> list[Result]:
    """Run the model of ``task`` in a worker; one result for each of its units that are to be done."""
    try:
        run = _run_of(task)
        job = _job_of(task, run.plan)
        run.environments.ensure(job.source, job.entry.requirements)
        fetch_all([job], run.plan.folder, run.stop)
    except PipelineError as error:
        return failed(task.units, f"on the worker {get_worker().name}: {error}", error.cause)
    return run_model(ModelRun(job, run.plan, _Telling(task.run), run.environments, run.stop))


def stop_run(run: str) -> None:
    """Let what a worker does of a run come to its end."""
    with _LOCK:
        known = _RUNS.get(run)
    if known:
        known.stop.set()


def _run_of(task: ModelTask) -> _Run:
    with _LOCK:
        if task.run not in _RUNS:
            _RUNS.clear()  # of the run before, if there was one
            _RUNS[task.run] = _begun(task)
        return _RUNS[task.run]


def _begun(task: ModelTask) -> _Run:
    stop, telling, worker = threading.Event(), _Telling(task.run), get_worker()
    work = Path(worker.local_directory) / "models"
    plan = make_plan(read_checked(Path(task.file)), task.selection)
    zoo = zoo_at(str(task.selection.publish), Path(), work)
    environments = RunEnvironments(stop=stop, say=lambda line: telling.note(str(worker.name), line))
    return _Run(replace(plan, work=work, zoo=zoo), environments, stop)


def _job_of(task: ModelTask, plan: Plan) -> ModelJob:
    """The job of ``task`` with its units marked that are done already."""
    job = next((job for job in plan.jobs if job.name == task.model), None)
    units = {unit.name: unit for unit in job.units} if job else {}
    first = units.get(task.units[0])
    if job is None or first is None or first.key != task.key:
        why = changes(task.made_of, first.made_of) if first else "it is not in the pipeline file there"
        raise PipelineError(
            f"it would be made of something else there: {why}. Give all machines the same pipeline file, "
            "files and packages."
        )
    done: list[Unit] = [replace(unit, done=name not in task.units) for name, unit in units.items()]
    return replace(job, units=tuple(done))


class _Telling:
    """Tells the machine that runs the pipeline what its own progress display would be told."""

    def __init__(self, run: str) -> None:
        self._run, self._worker = run, get_worker()

    def _tell(self, what: str, *values: Any) -> None:
        self._worker.log_event(self._run, [what, *values])

    def begin(self, model: str, stage: str) -> None:
        self._tell("begin", model, stage)

    def end(self, model: str, stage: str, seconds: float, reused: bool) -> None:
        self._tell("end", model, stage, seconds, reused)

    def fail(self, model: str, stage: str) -> None:
        self._tell("fail", model, stage)

    def note(self, model: str, message: str) -> None:
        self._tell("note", model, message)

    def finish(self, model: str) -> None:
        self._tell("finish", model)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to put back."""
