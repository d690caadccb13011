"""How a person's wish to stop reaches whatever is under way."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupted(Exception):  # noqa: N818 - not an error: the user asked for it
    """The run was interrupted while a process was under way; the process has been ended."""


@contextmanager
def interruptible(stop: threading.Event, *, at_once: bool = False) -> Iterator[None]:
    """Set ``stop`` at the first SIGINT or SIGTERM; whoever waits sees it and winds up.

    With ``at_once``, KeyboardInterrupt is raised as well: for work in the main thread that may wait for a
    server. Later signals do not disturb the winding up.
    """

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        first = not stop.is_set()
        stop.set()
        if at_once and first:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, ask_to_stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
