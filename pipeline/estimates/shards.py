"""Shares of a plan for several machines: whole models, about as much work in each, and no matter who asks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.errors import UsageError
from pipeline.estimates.durations import export_seconds, unit_seconds
from pipeline.planning.jobs import ModelJob, Plan

UNKNOWN_BYTES = 100_000_000
"""Of a model whose size no list says."""


@dataclass(frozen=True)
class Shard:
    """The share ``number`` of ``count``, from 1."""

    number: int
    count: int

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


WHOLE = Shard(1, 1)
"""The one share of whoever works alone."""


def parse_shard(text: str) -> Shard:
    """Read ``2/4``. Raises UsageError."""
    match = re.fullmatch(r"(\d+)/(\d+)", text.strip())
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise UsageError(f"--shard: {text!r} is no share. Give one such as 2/4, the second of four.")
    return Shard(int(match[1]), int(match[2]))


def share_of(plan: Plan, shard: Shard) -> Plan:
    """``plan`` with the jobs of ``shard`` alone, which may be none: there may be more shares than models."""
    return replace(plan, jobs=tuple(share(plan.jobs, shard)))


def share(jobs: Sequence[ModelJob], shard: Shard) -> list[ModelJob]:
    """The jobs of ``shard``, in their order."""
    ours = portion({job.name: seconds_of(job) for job in jobs}, shard)
    return [job for job in jobs if job.name in ours]


def portion(loads: Mapping[str, float], shard: Shard) -> set[str]:
    """The names of ``shard``, of all that ``loads`` has with the work that each makes.

    The largest come first, each to the share that has the least so far: no share then has more than the
    best possible one and a third of it (Graham's bound for this rule, 4/3). What this machine remembers plays
    no part, or two machines would share differently.
    """
    sums = [0.0] * shard.count
    ours = set()
    for name in sorted(loads, key=lambda name: (-loads[name], name)):
        least = min(range(shard.count), key=lambda index: sums[index])
        sums[least] += loads[name]
        if least == shard.number - 1:
            ours.add(name)
    return ours


def seconds_of(job: ModelJob) -> float:
    """About how many seconds a job takes, by its size alone: the same on every machine."""
    size = (job.listed.bytes if job.listed else None) or UNKNOWN_BYTES
    return export_seconds(job.source, size) + len(job.units) * unit_seconds(size)
