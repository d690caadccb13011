"""Standard output and standard error, guarded: no library gets around what a terminal may be told."""

from __future__ import annotations

import io
import logging
import sys
from typing import TYPE_CHECKING, TextIO

from pipeline.errors import quoted
from pipeline.terminal.wording import for_terminal

if TYPE_CHECKING:
    from rich.console import Console

PLAIN_WIDTH = 140
"""Columns of text where nothing says how wide it may be."""


class _Guarded(io.TextIOBase):
    """A stream that writes :func:`for_terminal` of everything to another.

    It has no ``buffer``, by which bytes would get around it.
    """

    def __init__(self, stream: TextIO) -> None:
        self.unguarded = stream

    def write(self, text: str) -> int:
        self.unguarded.write(for_terminal(text))
        return len(text)

    def flush(self) -> None:
        self.unguarded.flush()

    def isatty(self) -> bool:
        return self.unguarded.isatty()

    def fileno(self) -> int:
        return self.unguarded.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self.unguarded.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        return self.unguarded.errors


class _Quoting(logging.Formatter):
    """What a library logs often quotes a file: its lines are marked as ones that are not ours."""

    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(quoted(super().format(record)))


def guard_streams() -> None:
    """Let nothing be printed but what :func:`for_terminal` has made of it.

    The command line's own messages come from a library, and warnings and logging write what they like.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if not isinstance(stream, _Guarded):
            setattr(sys, name, _Guarded(stream))
    if logging.lastResort:  # which prints warnings of libraries, as nobody here sets up another handler
        logging.lastResort.setFormatter(_Quoting())


def _unguarded(stream: TextIO) -> TextIO:
    return stream.unguarded if isinstance(stream, _Guarded) else stream


def console_for_output() -> Console:
    """A console on standard output: as wide as the terminal, or :data:`PLAIN_WIDTH` where it is none.

    Consoles write colours and move the cursor, so they pass the guard by: what is printed on one has to go
    through :func:`print_line` or :func:`cell`.
    """
    from rich.console import Console

    console = Console(file=_unguarded(sys.stdout))
    return console if console.is_terminal else Console(file=_unguarded(sys.stdout), width=PLAIN_WIDTH)


def console_for_progress() -> Console:
    """A console on standard error; the same holds for it."""
    from rich.console import Console

    return Console(file=_unguarded(sys.stderr))


def print_line(console: Console, text: str) -> None:
    """Print lines as they are, however long."""
    from rich.text import Text

    console.print(Text(for_terminal(text)), soft_wrap=True)
