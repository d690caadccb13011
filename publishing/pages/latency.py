"""Measured times as pages and cards show them: rows with bars, and what they depend on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from publishing.benchmarks import Benchmark
from publishing.pages.formatting import listed, size


@dataclass(frozen=True)
class Row:
    """The times of one participant for one batch, with their units."""

    title: str
    version: str
    batch: int
    median: str
    p90: str
    p99: str
    rate: str
    memory: str
    ratio: str
    """The median as a multiple of the source framework's; empty where there is none."""
    share: float
    """The median as a share of the longest of the same batch, between 0 and 1: the length of the bar."""
    is_source: bool


@dataclass(frozen=True)
class Times:
    """What a page shows of the times of one file."""

    rows: tuple[Row, ...]
    """By batch, the smallest first, and then the source framework first."""
    machine: str
    """What they depend on, a sentence."""
    reasons: tuple[str, ...]
    """Why there are no times of some participants."""

    @property
    def batches(self) -> list[tuple[int, list[Row]]]:
        """The rows of each batch."""
        numbers = dict.fromkeys(row.batch for row in self.rows)
        return [(number, [row for row in self.rows if row.batch == number]) for number in numbers]


def milliseconds(seconds: float) -> str:
    """A time with three digits, in milliseconds: ``4.87 ms``."""
    value = 1000 * seconds
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 0.1 else 4
    return f"{value:.{digits}f} ms"


def machine_of(benchmark: Benchmark) -> str:
    """Say what times depend on: processor, threads, system, how they were measured and on what."""
    processor = benchmark.processor
    flags = f" ({', '.join(processor['flags'])})" if processor["flags"] else ""
    threads = "1 thread" if benchmark.threads == 1 else f"{benchmark.threads} threads"
    remark = f" {benchmark.remark}." if benchmark.remark else ""
    return (
        f"Measured on {processor['name']}{flags}, {processor['system']}, with {threads} pinned to as many of "
        f"its {processor['processors']} processors; in {benchmark.rounds} rounds, in which all take turns, a "
        f"process for each; the load was {processor['load']} before.{remark}"
    )


def times_of(benchmark: Benchmark) -> Times:
    """Arrange the times of one file for a page."""
    participants = [*([benchmark.source] if benchmark.source else []), *benchmark.runtimes.values()]
    batches = sorted({int(batch) for measured in participants for batch in measured["batches"]})
    rows = []
    for batch in batches:
        those = [measured for measured in participants if str(batch) in measured["batches"]]
        longest = max(measured["batches"][str(batch)]["median"] for measured in those)
        rows += [_row(measured, batch, longest, measured is benchmark.source) for measured in those]
    return Times(
        tuple(rows),
        machine_of(benchmark),
        tuple(
            f"{measured['title']}: {measured['reason']}" for measured in participants if measured["reason"]
        ),
    )


def _row(measured: Mapping[str, Any], batch: int, longest: float, is_source: bool) -> Row:
    figures = measured["batches"][str(batch)]
    ratio = figures["ratio"]
    rate = figures["pictures_per_second"]
    return Row(
        title=measured["title"],
        version=measured["version"],
        batch=batch,
        median=milliseconds(figures["median"]),
        p90=milliseconds(figures["p90"]),
        p99=milliseconds(figures["p99"]),
        rate=f"{rate:.3g} pictures/s" if rate < 1000 else f"{rate:,.0f} pictures/s",
        memory=size(figures["peak_memory"]),
        ratio="" if ratio is None or is_source else f"{ratio:.2f}×",
        share=figures["median"] / longest,
        is_source=is_source,
    )


def versions_of(benchmark: Benchmark) -> str:
    """Name all that was timed with its version."""
    participants = [*([benchmark.source] if benchmark.source else []), *benchmark.runtimes.values()]
    return listed(f"{measured['title']} {measured['version']}" for measured in participants)
