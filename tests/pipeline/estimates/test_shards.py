"""Shares of a plan: every model once, and about as much work in each."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.registry import SOURCES
from pipeline.errors import UsageError
from pipeline.estimates.durations import export_seconds, unit_seconds
from pipeline.estimates.shards import UNKNOWN_BYTES, Shard, parse_shard, share


@dataclass(frozen=True)
class Job:
    """As much of a job as a share looks at."""

    name: str
    bytes: int | None
    units: tuple[int, ...] = (3, 12)
    source: Any = SOURCES["timm"]

    @property
    def listed(self) -> Any:
        return SimpleNamespace(bytes=self.bytes)

    @property
    def seconds(self) -> float:
        size = self.bytes or UNKNOWN_BYTES
        return export_seconds(self.source, size) + len(self.units) * unit_seconds(size)


sizes = st.lists(st.none() | st.integers(1, 10**9), min_size=1, max_size=30)


@given(sizes, st.integers(1, 6))
def test_every_model_is_in_one_share_and_none_has_much_more(sizes: list[int | None], count: int) -> None:
    jobs = cast(Any, [Job(f"timm/{number}", size) for number, size in enumerate(sizes)])
    shares = [cast(list[Job], share(jobs, Shard(number, count))) for number in range(1, count + 1)]
    assert sorted(job.name for some in shares for job in some) == sorted(job.name for job in jobs)
    assert all([job for job in jobs if job in some] == some for some in shares)
    least_possible = max(*(job.seconds for job in jobs), sum(job.seconds for job in jobs) / count)
    # Graham's bound is of the best possible share, which is between this and what is made.
    assert max(sum(job.seconds for job in some) for some in shares) <= 2 * least_possible


def test_the_order_of_the_jobs_is_no_matter() -> None:
    jobs = cast(Any, [Job(f"timm/{number}", 10**6 * (number % 5 + 1)) for number in range(20)])
    for number in (1, 2, 3):
        names = {job.name for job in share(jobs, Shard(number, 3))}
        assert {job.name for job in share(jobs[::-1], Shard(number, 3))} == names


def test_a_share_is_told_from_what_is_none() -> None:
    assert parse_shard("2/4") == Shard(2, 4)
    for text in ("0/4", "5/4", "2", "a/b", "-1/2", "1/0"):
        with pytest.raises(UsageError, match="is no share"):
            parse_shard(text)
