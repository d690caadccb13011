"""What is to do as a matrix for GitHub Actions: ``plan --format github``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import count

from pipeline.planning.jobs import ModelJob, Plan

MOST_ROWS = 256
"""GitHub refuses a matrix that would make more jobs in one run of a workflow (its documentation, "Running
variations of jobs in a workflow")."""


def plan_matrix(plan: Plan) -> str:
    """The matrix in one line: a row for each model that is not done.

    A row has all opsets of its model, as they share an export. Where there are more models than
    :data:`MOST_ROWS`, a row is a few of one source. It has a ``name``, the ``source`` whose environment it
    needs, and ``only``: globs for ``run --only``, with spaces between.
    """
    jobs = [job for job in plan.jobs if not job.done]
    return json.dumps({"include": [_row(shard) for shard in _shards(jobs)]})


def _shards(jobs: Sequence[ModelJob]) -> Iterator[Sequence[ModelJob]]:
    """The jobs in groups of one source each, as small as they can be."""
    by_source: dict[str, list[ModelJob]] = {}
    for job in jobs:
        by_source.setdefault(job.source.name, []).append(job)
    size = next(
        size
        for size in count(1)
        if sum(-(-len(some) // size) for some in by_source.values()) <= max(MOST_ROWS, len(by_source))
    )
    for some in by_source.values():
        yield from (some[start : start + size] for start in range(0, len(some), size))


def _row(jobs: Sequence[ModelJob]) -> dict[str, str]:
    first, others = jobs[0], len(jobs) - 1
    return {
        "name": f"{first.name} and {others} more" if others else first.name,
        "source": first.source.name,
        "only": " ".join(map(_glob, jobs)),
    }


def _glob(job: ModelJob) -> str:
    """A glob that selects the units of a job that are not done, and nothing else."""
    versions = [str(unit.version) for unit in job.units if not unit.done]
    return f"{job.name}@{versions[0] if len(versions) == 1 else '{' + ','.join(versions) + '}'}"
