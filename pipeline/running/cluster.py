"""Runs the models of a plan on the workers of a dask cluster.

A worker has one of our tasks at a time, which is bound to it: a worker that dies costs the model that it had
some time, and no other model anything. Left to itself, dask would count the death against all that was handed
to that worker. Those that join later get their share; one that falls silent is given up by the scheduler
after its ``worker-ttl``.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

from pipeline.errors import PipelineError, UsageError
from pipeline.estimates.history import read_history
from pipeline.estimates.memory import memory_of
from pipeline.estimates.shards import seconds_of
from pipeline.planning.jobs import ModelJob
from pipeline.planning.selection import Selection
from pipeline.results import Result
from pipeline.running.local import interrupted
from pipeline.system.interrupts import GRACE_SECONDS
from pipeline.terminal.progress import Progress
from pipeline.terminal.wording import size_text
from publishing.foreign_text import visible

_LOOK_SECONDS = 0.2
_PATIENCE_SECONDS = 5
"""How long a scheduler may take to answer, and then to have a worker."""
ATTEMPTS = 3
"""How many workers may die of a model, or with it."""
MEMORY = "memory"
"""The resource of dask by which a worker says how many bytes it has for a model; else it is its limit."""
Finished = Callable[[list[Result]], list[Result]]


@dataclass(frozen=True)
class ModelTask:
    """One model for a worker."""

    run: str
    """What all tasks of a run have in common, and no other."""
    file: str
    """The pipeline file, absolute: the same on all machines."""
    selection: Selection
    """Where its ``publish`` is absolute, or a URL."""
    model: str
    units: tuple[str, ...]
    """Those that are to be done."""
    key: str
    """Of the first of them."""
    made_of: Mapping[str, str]


@dataclass(frozen=True)
class ClusterCall:
    """Which models of which file are to be run where."""

    address: str
    """Of the scheduler, such as ``tcp://10.0.0.1:8786``."""
    file: Path
    """Absolute."""
    selection: Selection
    run: Callable[[ModelTask], list[Result]]
    """What a worker runs."""
    stop: Callable[[str], None]
    """What a worker runs beside it, to end what it does of a run."""


def require_dask() -> None:
    """Raise UsageError where dask is not installed."""
    if find_spec("distributed") is None:
        raise UsageError("--cluster needs dask.distributed: pip install 'onnx-zoo-pipeline[cluster]'.")


def run_on_cluster(
    call: ClusterCall, jobs: Sequence[ModelJob], finished: Finished, progress: Progress, stop: threading.Event
) -> list[Result]:
    """Run every job that is not done; the results in the order of the jobs.

    ``finished`` gets the results of each model and may change them. Raises PipelineError where there is no
    scheduler, no worker, or none for the largest model.
    """
    import distributed

    try:
        connect: Any = distributed.Client  # it has no types
        client = connect(call.address, timeout=_PATIENCE_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise PipelineError(
            f"no scheduler answers at {call.address}: {error}. Start one with `dask scheduler`, and name the "
            "address that it prints."
        ) from error
    with client:
        return _ClusterRun(call, client, finished, progress, stop).results(jobs)


class _ClusterRun:
    """The models of one run, waiting and under way."""

    def __init__(
        self, call: ClusterCall, client: Any, finished: Finished, progress: Progress, stop: threading.Event
    ) -> None:
        self._call, self._client = call, client
        self._finished, self._progress, self._stop = finished, progress, stop
        self._name = f"pipeline-{uuid4().hex}"
        self._needs: dict[str, int] = {}
        """The bytes of memory that each model needs, by its name."""
        self._waiting: list[ModelJob] = []
        self._running: dict[str, tuple[ModelJob, Any]] = {}
        """By the worker that has it, with its future."""
        self._attempts: Counter[str] = Counter()
        self._results: dict[str, list[Result]] = {}

    def results(self, jobs: Sequence[ModelJob]) -> list[Result]:
        """What became of all ``jobs``."""
        left = [job for job in jobs if not job.done]
        history, folder = read_history(), self._call.file.parent
        self._needs = {job.name: memory_of(job, history, folder) for job in left}
        self._waiting = sorted(left, key=lambda job: -seconds_of(job))
        self._require_workers()
        self._client.subscribe_topic(self._name, self._hear)
        while (self._waiting or self._running) and not self._stop.is_set():
            workers = self._workers()
            self._collect()
            self._take_back(workers)
            self._hand_out(workers)
            time.sleep(_LOOK_SECONDS)
        if self._stop.is_set():
            self._end()
        self._client.unsubscribe_topic(self._name)
        return [result for job in jobs for result in self._results.get(job.name, interrupted(job))]

    def _workers(self) -> dict[str, int]:
        """The addresses of the workers that are there, with the bytes that each has for a model."""
        workers = self._client.scheduler_info(n_workers=-1)["workers"]
        return {
            address: int(about["resources"].get(MEMORY, about["memory_limit"] or 0))
            for address, about in workers.items()
            if about["status"] == "running"
        }

    def _require_workers(self) -> None:
        """Raise PipelineError where no worker is there, or a model is too large for all of them."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not (workers := self._workers()):
            if self._stop.is_set():
                return
            if time.monotonic() > deadline:
                raise PipelineError(
                    f"the scheduler at {self._call.address} has no workers. Start some, with "
                    f"`dask worker {self._call.address} --nthreads 1`."
                )
            time.sleep(_LOOK_SECONDS)
        most = max(workers.values())
        large = [job for job in self._waiting if self._needs[job.name] > most]
        if large:
            raise PipelineError(
                f"no worker at {self._call.address} has the memory for these, the most is {size_text(most)}:",
                *(f"  {job.name}: about {size_text(self._needs[job.name])}" for job in large),
                "Start a larger worker, or leave them out with --only.",
            )

    def _hand_out(self, workers: Mapping[str, int]) -> None:
        """Give each worker that has nothing to do the longest model that it can take."""
        for address, room in workers.items():
            if address in self._running:
                continue
            job = next((job for job in self._waiting if self._needs[job.name] <= room), None)
            if job:
                self._waiting.remove(job)
                self._running[address] = job, self._submitted(job, address)

    def _submitted(self, job: ModelJob, address: str) -> Any:
        left = [unit for unit in job.units if not unit.done]
        names = tuple(unit.name for unit in left)
        task = ModelTask(
            self._name,
            str(self._call.file),
            self._call.selection,
            job.name,
            names,
            left[0].key,
            dict(left[0].made_of),
        )
        self._attempts[job.name] += 1
        return self._client.submit(
            self._call.run, task, key=f"{self._name}/{job.name}/{self._attempts[job.name]}", workers=[address]
        )

    def _take_back(self, workers: Mapping[str, int]) -> None:
        """Let others have what was with workers that are gone."""
        for address in [address for address in self._running if address not in workers]:
            self._lose(address)

    def _lose(self, address: str) -> None:
        job, future = self._running.pop(address)
        future.cancel(force=True)
        self._progress.note(job.name, f"the worker {address} is gone")
        if self._attempts[job.name] < ATTEMPTS:
            self._waiting.insert(0, job)
        else:
            self._note(job, _failed(job, f"{ATTEMPTS} workers in a row were gone while they had it", "crash"))

    def _collect(self) -> None:
        """Take what has ended."""
        from distributed import CancelledError, KilledWorker

        for address in [address for address, (_, future) in self._running.items() if future.done()]:
            job, future = self._running[address]
            try:
                results = future.result(timeout=_PATIENCE_SECONDS)
            except (KilledWorker, CancelledError, TimeoutError):  # it went with the worker
                self._lose(address)
                continue
            except Exception as error:  # noqa: BLE001 - whatever a worker raises costs its model
                what = f"{type(error).__name__}: {error}"
                results = _failed(job, f"the worker {address} could not begin it: {what}", "worker")
            del self._running[address]
            self._note(job, results)

    def _note(self, job: ModelJob, results: list[Result]) -> None:
        self._progress.finish(job.name)
        named = {result.unit: result for result in self._finished(results)}
        self._results[job.name] = [named.get(each.unit, each) for each in interrupted(job)]

    def _hear(self, event: tuple[float, Any]) -> None:
        """Tell the progress display what a worker tells."""
        what, *values = event[1]
        getattr(self._progress, what)(*values)

    def _end(self) -> None:
        """Let the workers stop, and take what they still have done."""
        self._client.run(self._call.stop, self._name, wait=False, on_error="ignore")
        deadline = time.monotonic() + GRACE_SECONDS
        while self._running and time.monotonic() < deadline:
            self._collect()
            time.sleep(_LOOK_SECONDS)
        for _, future in self._running.values():
            future.cancel(force=True)


def _failed(job: ModelJob, reason: str, cause: str) -> list[Result]:
    return failed((unit.name for unit in job.units if not unit.done), visible(reason), cause)


def failed(units: Iterable[str], reason: str, cause: str) -> list[Result]:
    """The results of ``units`` that no stage was begun for."""
    return [Result(unit, "failed", reason=reason, stage="environment", cause=cause) for unit in units]
