"""How a person's wish to stop reaches whatever is under way.

What the main thread does itself is broken off where it is, as by Python's own KeyboardInterrupt: so every
step of it can be stopped, whichever library is at work. What threads of a run do goes on until they see that
they are to stop, and those that do not in time are left behind: the process ends without them. Both are as
harmless as a kill, after which the next run goes on from what is done.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from pipeline.errors import INTERRUPTED

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

GRACE_SECONDS = 1.5
"""How long threads may go on, and then the main thread may wind up, once a run is to end."""

MESSAGE = "interrupted; run again to go on from here"
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(BaseException):
    """The run was interrupted, and a process that was under way has been ended.

    No error: the user asked for it. As with KeyboardInterrupt, nobody who expects any error takes it for one.
    """


def leave_at_signals() -> None:
    """Let SIGINT and SIGTERM end the process wherever nothing else is said: nothing has to be wound up there.

    So it is too where Interrupted was raised within a finalizer, from which Python lets no exception out.
    """
    for number in _SIGNALS:
        signal.signal(number, lambda _number, _frame: leave(MESSAGE))
    sys.unraisablehook = _leave_where_it_was_lost


def _leave_where_it_was_lost(lost: UnraisableHookArgs) -> None:
    if issubclass(lost.exc_type, Interrupted):
        leave(MESSAGE)
    sys.__unraisablehook__(lost)


def ignore_signals() -> None:
    """What is left of the process is its end, which takes a moment, and its exit code is that of its work."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def leave(message: str) -> NoReturn:
    """End at once: threads that are still at something are left with it, as a kill would leave them."""
    ignore_signals()
    with suppress(OSError, RuntimeError):  # the latter where a signal came within a write to the same stream
        print(f"error: {message}", file=sys.stderr, flush=True)
    with suppress(OSError, RuntimeError):
        sys.stdout.flush()
    os._exit(INTERRUPTED)


@contextmanager
def interruptible(stop: threading.Event) -> Iterator[None]:
    """Raise Interrupted in the main thread, which has to be the caller, at the first SIGINT or SIGTERM.

    Those that follow are ignored: the first is being obeyed. ``stop`` is set for whoever looks at it.
    """
    broken_off = False

    def break_off() -> None:
        nonlocal broken_off
        if not broken_off:
            broken_off = True
            raise Interrupted

    with _at_signals(break_off):
        try:
            yield
        except Interrupted:
            stop.set()
            raise


@contextmanager
def stopping(stop: threading.Event) -> Iterator[None]:
    """Only set ``stop`` at SIGINT or SIGTERM: the main thread waits for threads that look at it.

    It must not wait for ``stop`` itself: an event that is being waited for cannot be set in the same thread.
    """
    with _at_signals(stop.set):
        yield


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise Interrupted in the main thread, which has to be the caller, after ``seconds``."""

    def break_off(_number: int, _frame: FrameType | None) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGALRM, break_off)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _at_signals(act: Callable[[], None]) -> Iterator[None]:
    def handle(_number: int, _frame: FrameType | None) -> None:
        act()

    before = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
