"""What a person sees while a run goes on: live on a terminal, plain lines elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from pipeline.results import Result, Status
from pipeline.terminal.output import console_for_output, guard_streams, print_line
from pipeline.terminal.wording import duration, one_line, size_text

_STYLES: dict[Status, str] = {
    "published": "green",
    "done before": "green",
    "failed": "red",
    "inconclusive": "yellow",
    "interrupted": "yellow",
}


class Progress(Protocol):
    """What the stages tell; called from many threads."""

    def begin(self, model: str, stage: str) -> None: ...
    def end(self, model: str, stage: str, seconds: float, reused: bool) -> None: ...
    def fail(self, model: str, stage: str) -> None: ...
    def note(self, model: str, message: str) -> None: ...
    def finish(self, model: str) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class PlainProgress:
    """One line for each stage when it ends: for logs."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def begin(self, model: str, stage: str) -> None:
        """Plain lines tell of a stage when it ends."""

    def end(self, model: str, stage: str, seconds: float, reused: bool) -> None:
        self._line(model, f"{stage}: {'done before' if reused else duration(seconds)}")

    def fail(self, model: str, stage: str) -> None:
        """The results say why."""

    def note(self, model: str, message: str) -> None:
        """Tell what was decided about a model that its user did not say."""
        self._line(model, one_line(message))

    def finish(self, model: str) -> None:
        """A line for each stage has said it all."""

    def _line(self, model: str, message: str) -> None:
        print_line(self._console, f"{time.strftime('%H:%M:%S')} {one_line(model)}: {message}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to put back."""


class LiveProgress(PlainProgress):
    """A row for each model under way with its stage and time; finished stages scroll above it.

    Where a model has several stages under way, it is the one that began last.
    """

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._stages: dict[str, dict[str, float]] = {}
        """Of each model, when those under way began."""
        self._lock = threading.Lock()
        self._live = Live(console=console, get_renderable=self._table, refresh_per_second=4, transient=True)

    def begin(self, model: str, stage: str) -> None:
        with self._lock:
            self._stages.setdefault(model, {})[stage] = time.monotonic()

    def end(self, model: str, stage: str, seconds: float, reused: bool) -> None:
        self.fail(model, stage)
        super().end(model, stage, seconds, reused)

    def fail(self, model: str, stage: str) -> None:
        with self._lock:
            self._stages.get(model, {}).pop(stage, None)

    def finish(self, model: str) -> None:
        with self._lock:
            self._stages.pop(model, None)

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        with self._lock:
            under_way = [(model, list(stages.items())) for model, stages in self._stages.items() if stages]
            for model, [*_, (stage, since)] in under_way:
                elapsed = duration(time.monotonic() - since)
                name, at = Text(one_line(model), style="bold"), Text(one_line(stage), style="cyan")
                table.add_row(name, at, Text(elapsed))
        return table

    def __enter__(self) -> Self:
        self._live.__enter__()
        guard_streams()  # the display has put streams of its own in their place, and takes them away again
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)


def progress_on(console: Console) -> Progress:
    """The progress display that fits where ``console`` writes to."""
    return LiveProgress(console) if console.is_terminal else PlainProgress(console)


def print_results(results: Sequence[Result]) -> None:
    """The table of verdicts on standard output, then every reason that is longer than a row."""
    console = console_for_output()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("unit", "verdict", "largest error", "runtimes", "memory", "time"):
        numbers = heading in ("memory", "time")
        table.add_column(heading, overflow="fold", justify="right" if numbers else "left")
    for result in results:
        table.add_row(
            Text(one_line(result.unit)),
            Text(result.status, style=_STYLES[result.status]),
            "" if result.error is None else f"{result.error:.1e}",
            Text(one_line(", ".join(map(" ".join, result.runtimes.items())))),
            size_text(result.peak_memory) if result.peak_memory else "",
            duration(result.seconds) if result.seconds else "",
        )
    console.print(table)
    for units, reason in _reasons(results):
        print_line(console, f"\n{one_line(units)}: {reason}")


def _reasons(results: Sequence[Result]) -> list[tuple[str, str]]:
    """Each reason with the units that it is about: what made many fail is told once."""
    about: dict[tuple[str, str], list[str]] = {}
    for result in results:
        if result.reason:
            about.setdefault((result.reason, result.unit if result.good else ""), []).append(result.unit)
    return [
        (f"{units[0]} and {len(units) - 1} more" if len(units) > 1 else units[0], reason)
        for (reason, _), units in about.items()
    ]
