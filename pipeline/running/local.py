"""Runs the models of a plan side by side on this machine, as many as its memory allows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager, nullcontext
from pathlib import Path
from queue import Empty, SimpleQueue

from pipeline.estimates.history import read_history
from pipeline.estimates.memory import memory_of
from pipeline.planning.jobs import ModelJob
from pipeline.results import Result
from pipeline.system.interrupts import GRACE_SECONDS
from pipeline.system.memory import available_memory

RunModel = Callable[[ModelJob], list[Result]]
_LOOK_SECONDS = 0.2
"""Short waits let the main thread run its signal handler."""


def run_models(
    jobs: Sequence[ModelJob],
    run_model: RunModel,
    *,
    at_once: int,
    stop: threading.Event,
    grace: float = GRACE_SECONDS,
    room: Room | None = None,
) -> list[Result]:
    """Run every job, ``at_once`` of them at a time; the results in the order of the jobs.

    With a ``room``, a job waits until there is memory for it.

    ``run_model`` answers for its own failures. Jobs that had not begun when ``stop`` was set, or had not
    ended ``grace`` seconds after it, are reported as interrupted. The latter go on until the process ends,
    which waits for none of them.
    """
    futures: list[Future[list[Result]]] = [Future() for _ in jobs]
    queue: SimpleQueue[tuple[ModelJob, Future[list[Result]]]] = SimpleQueue()
    for each in zip(jobs, futures, strict=True):
        queue.put(each)
    for number in range(min(at_once, len(jobs))):
        threading.Thread(
            target=_work, args=(queue, run_model, stop, room), name=f"model-{number}", daemon=True
        ).start()
    _wait(futures, stop, grace)
    return [
        result
        for job, future in zip(jobs, futures, strict=True)
        for result in (future.result() if future.done() else interrupted(job))
    ]


class Room:
    """The memory of this machine, which the models that run share."""

    def __init__(self, available: Callable[[], int], need_of: Callable[[ModelJob], int]) -> None:
        """What ``available`` says at any time and what ``need_of`` says are bytes."""
        self._free, self._available, self._need_of = available(), available, need_of
        self._running = 0
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, job: ModelJob, stop: threading.Event) -> Iterator[None]:
        """Hold what ``job`` needs, as soon as it is free or nothing else runs, or the run is to end.

        What is free is neither promised to others nor taken: they, or other programs, may have grown past
        what was foreseen.
        """
        need = 0 if job.done else self._need_of(job)
        with self._changed:
            while self._running and need > min(self._free, self._available()) and not stop.is_set():
                self._changed.wait(_LOOK_SECONDS)
            self._free -= need
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._free += need
                self._running -= 1
                self._changed.notify_all()


def room_here(folder: Path) -> Room:
    """The memory of this machine, for models that need what they did or what their weights and inputs say.

    ``folder`` is that of the pipeline file.
    """
    history = read_history()
    return Room(available_memory, lambda job: memory_of(job, history, folder))


def _work(
    queue: SimpleQueue[tuple[ModelJob, Future[list[Result]]]],
    run_model: RunModel,
    stop: threading.Event,
    room: Room | None,
) -> None:
    """Run jobs until there is none left."""
    while True:
        try:
            job, future = queue.get_nowait()
        except Empty:
            return
        try:
            with room.taken(job, stop) if room else nullcontext():
                future.set_result(interrupted(job) if stop.is_set() else run_model(job))
        except BaseException as error:  # noqa: BLE001 - raised again where the result is asked for
            future.set_exception(error)


def _wait(futures: Sequence[Future[list[Result]]], stop: threading.Event, grace: float) -> None:
    waiting, deadline = set(futures), None
    while waiting:
        _, waiting = wait(waiting, timeout=_LOOK_SECONDS, return_when=FIRST_COMPLETED)
        if stop.is_set():
            deadline = deadline or time.monotonic() + grace
            if time.monotonic() > deadline:
                return


def interrupted(job: ModelJob) -> list[Result]:
    """The results of a job that was not run to its end."""
    return [Result(unit.name, "done before" if unit.done else "interrupted") for unit in job.units]
