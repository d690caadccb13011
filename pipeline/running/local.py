"""Runs the models of a plan side by side on this machine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

from pipeline.planning.jobs import ModelJob
from pipeline.results import Result

RunModel = Callable[[ModelJob], list[Result]]


def run_models(
    jobs: Sequence[ModelJob], run_model: RunModel, *, at_once: int, stop: threading.Event
) -> list[Result]:
    """Run every job, ``at_once`` of them at a time; the results in the order of the jobs.

    ``run_model`` answers for its own failures; jobs that had not begun when ``stop`` was set are
    reported as interrupted.
    """
    with ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="model") as pool:
        futures = [pool.submit(_unless_stopped, job, run_model, stop) for job in jobs]
        waiting = set(futures)
        while waiting:
            # Short waits let the main thread run its signal handler.
            _, waiting = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
        return [result for future in futures for result in future.result()]


def _unless_stopped(job: ModelJob, run_model: RunModel, stop: threading.Event) -> list[Result]:
    if stop.is_set():
        return [Result(unit.name, "interrupted") for unit in job.units]
    return run_model(job)
