"""Jobs side by side: in their order, so many at a time, and left behind where they do not stop."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from pipeline.planning.jobs import ModelJob
from pipeline.results import Result
from pipeline.running.local import Room, run_models
from tests.pipeline.fake_source import FakeSource


@pytest.fixture
def jobs(tiny: FakeSource) -> tuple[ModelJob, ...]:
    return tiny.plan("net", "other", "third").jobs


def _published(job: ModelJob) -> list[Result]:
    return [Result(unit.name, "published") for unit in job.units]


def _statuses(results: list[Result]) -> list[str]:
    return [result.status for result in results]


def test_results_come_in_the_order_of_the_jobs(jobs: tuple[ModelJob, ...]) -> None:
    last_is_done = threading.Event()

    def run(job: ModelJob) -> list[Result]:
        if job is jobs[-1]:
            last_is_done.set()
        assert last_is_done.wait(60)  # so the others can only end after it: all run side by side
        return _published(job)

    results = run_models(jobs, run, at_once=3, stop=threading.Event())
    assert [result.unit for result in results] == ["tiny/net@12", "tiny/other@12", "tiny/third@12"]


def test_no_more_than_so_many_run_at_a_time(jobs: tuple[ModelJob, ...]) -> None:
    under_way, most, lock = 0, 0, threading.Lock()

    def run(job: ModelJob) -> list[Result]:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        threading.Event().wait(0.01)
        with lock:
            under_way -= 1
        return _published(job)

    run_models(jobs * 4, run, at_once=2, stop=threading.Event())
    assert most == 2


def test_no_more_run_than_memory_allows_and_the_largest_runs_alone(jobs: tuple[ModelJob, ...]) -> None:
    needs = {jobs[0].name: 6, jobs[1].name: 4, jobs[2].name: 99}
    taken, most, alone, lock = 0, 0, [], threading.Lock()

    def run(job: ModelJob) -> list[Result]:
        nonlocal taken, most
        with lock:
            taken += needs[job.name]
            if job is jobs[2]:
                alone.append(taken)
            else:
                most = max(most, taken)
        threading.Event().wait(0.01)
        with lock:
            taken -= needs[job.name]
        return _published(job)

    room = Room(lambda: 10, lambda job: needs[job.name])
    results = run_models(jobs * 4, run, at_once=4, stop=threading.Event(), room=room)
    assert _statuses(results) == ["published"] * 12
    assert (most, alone) == (10, [99] * 4)


def test_what_others_have_taken_meanwhile_is_not_free(jobs: tuple[ModelJob, ...]) -> None:
    """Whether another program did, or a model that is larger than was foreseen."""
    available, begun = 10, threading.Event()

    def begin(job: ModelJob) -> None:
        with room.taken(job, threading.Event()):
            begun.set()

    room = Room(lambda: available, lambda job: 4)
    with room.taken(jobs[0], threading.Event()):
        available = 3
        other = threading.Thread(target=begin, args=(jobs[1],))
        other.start()
        assert not begun.wait(0.5)
        available = 4
        assert begun.wait(60)
    other.join()


def test_jobs_that_had_not_begun_are_interrupted(jobs: tuple[ModelJob, ...]) -> None:
    stop = threading.Event()

    def run(job: ModelJob) -> list[Result]:
        stop.set()
        return _published(job)

    results = run_models(jobs, run, at_once=1, stop=stop)
    assert _statuses(results) == ["published", "interrupted", "interrupted"]


def test_a_job_that_does_not_stop_is_left_behind(jobs: tuple[ModelJob, ...]) -> None:
    stop, never = threading.Event(), threading.Event()

    def run(job: ModelJob) -> list[Result]:
        if job is jobs[0]:
            return _published(job)
        stop.set()
        never.wait()
        return []

    results = run_models(jobs, run, at_once=3, stop=stop, grace=0.1)
    assert _statuses(results) == ["published", "interrupted", "interrupted"]
    never.set()


def test_what_was_done_before_stays_done(jobs: tuple[ModelJob, ...]) -> None:
    stop = threading.Event()
    stop.set()
    done = replace(jobs[0], units=tuple(replace(unit, done=True) for unit in jobs[0].units))
    assert _statuses(run_models([done, jobs[1]], _published, at_once=1, stop=stop)) == [
        "done before",
        "interrupted",
    ]


def test_an_error_that_nobody_answered_for_reaches_the_caller(jobs: tuple[ModelJob, ...]) -> None:
    def run(job: ModelJob) -> list[Result]:
        raise ValueError(job.name)

    with pytest.raises(ValueError, match="tiny/net"):
        run_models(jobs, run, at_once=1, stop=threading.Event())


def test_no_job_is_no_result() -> None:
    assert run_models([], _published, at_once=2, stop=threading.Event()) == []
