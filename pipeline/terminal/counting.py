"""How far a long count is, and how long the rest will take: live on a terminal, now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.text import Text

from pipeline.terminal.output import print_line
from pipeline.terminal.wording import duration, one_line

_SECONDS_BETWEEN_LINES = 30.0


class Count:
    """One count under way, of pictures."""

    def __init__(self, console: Console, title: str, total: int) -> None:
        self._console, self._title, self._total = console, one_line(title), total
        self._begun = time.monotonic()
        self._told = self._begun
        self._before = 0
        self.line = f"{self._title}: {total} pictures"

    def note(self, done: int, done_before: bool) -> None:
        """Note that ``done`` are done; those that an earlier run did took no time in this one."""
        if done_before:
            self._before = done
        now = time.monotonic()
        self.line = f"{self._title}: {done} of {self._total} pictures{self._left(done, now)}"
        due = now - self._told >= _SECONDS_BETWEEN_LINES or done == self._total
        if not self._console.is_terminal and due:
            self._told = now
            print_line(self._console, f"{time.strftime('%H:%M:%S')} {self.line}")

    def _left(self, done: int, now: float) -> str:
        if done == self._total:
            return ""
        new = done - self._before
        if new <= 0:
            return ", done before"
        return f", {duration((now - self._begun) / new * (self._total - done))} left"


@contextmanager
def counting(console: Console, title: str, total: int) -> Iterator[Count]:
    """A count of ``total`` pictures; on a terminal, its line is there until it ends."""
    count = Count(console, title, total)
    if not console.is_terminal:
        yield count
        return
    with Live(
        console=console,
        get_renderable=lambda: Text(count.line),
        refresh_per_second=4,
        transient=True,
        redirect_stdout=False,  # both are guarded, see output.py
        redirect_stderr=False,
    ):
        yield count
