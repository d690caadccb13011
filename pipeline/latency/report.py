"""Measured times as a person reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.terminal.output import console_for_output
from pipeline.terminal.text_tables import Column, Table, print_table
from publishing.benchmarks import Benchmark

_COLUMNS = (
    Column("runtime", numbers=False),
    Column("batch"),
    Column("median\nms"),
    Column("90%\nms"),
    Column("99%\nms"),
    Column("pictures\nper s"),
    Column("peak\nMB"),
    Column("of the\nsource"),
)


def print_benchmark(benchmark: Benchmark) -> None:
    """Print the times of one file, and what they depend on."""
    console = console_for_output()
    processor = benchmark.processor
    for line in (
        "",
        f"{benchmark.name}, {benchmark.bytes / 1e6:.1f} MB",
        f"{processor['name']} ({' '.join(processor['flags']) or 'no flags that tell'}), {benchmark.threads} "
        f"threads on processors {', '.join(map(str, benchmark.pinned))}; load before: {processor['load']}",
    ):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    participants = [*([benchmark.source] if benchmark.source else []), *benchmark.runtimes.values()]
    rows = tuple(row for measured in participants for row in _rows(measured))
    print_table(Table(_COLUMNS, rows), console)
    for measured in participants:
        if measured["reason"]:
            line = f"{_title(measured)}: {measured['reason']}"
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    if benchmark.remark:
        console.print(f"{benchmark.remark}.", markup=False, highlight=False, soft_wrap=True)


def _title(measured: Mapping[str, Any]) -> str:
    """Without a version where its process could not say it."""
    return f"{measured['title']} {measured['version']}".strip()


def _rows(measured: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [
        (
            _title(measured),
            batch,
            *(f"{1000 * figures[name]:.4g}" for name in ("median", "p90", "p99")),
            f"{figures['pictures_per_second']:.4g}",
            f"{figures['peak_memory'] / 1e6:.0f}",
            f"{figures['ratio']:.2f}" if figures["ratio"] else "",
        )
        for batch, figures in measured["batches"].items()
    ]
