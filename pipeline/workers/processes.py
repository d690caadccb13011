"""Runs a process of its own, with a limit on its time and on its memory.

Frameworks abort, hang and swallow memory. Whatever they do, it costs their own process only: the
whole process tree is ended, and what it printed is in a log.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from pipeline.errors import TimeLimitError, WorkerError, clean_log, last_lines
from pipeline.system.interrupts import Interrupted

GIBIBYTE = 1 << 30
FIND_SECONDS = 0.5
"""Between two searches for the processes that a process has started."""


class PeakMemory:
    """The most resident bytes of any process so far; many threads may note theirs."""

    def __init__(self) -> None:
        self.bytes = 0
        self._lock = threading.Lock()

    def note(self, resident: int) -> None:
        """Keep ``resident`` where it is more than what was seen before."""
        with self._lock:
            self.bytes = max(self.bytes, resident)


@dataclass(frozen=True)
class Limits:
    """What one process and its children may use together: wall seconds, resident bytes.

    What they did use at most is noted in ``peak``: see :func:`run_process`.
    """

    seconds: float = 1800.0
    memory: int = 12 * GIBIBYTE
    peak: PeakMemory = field(default_factory=PeakMemory, compare=False)
    look_seconds: float = 0.05
    """Between two looks at the process: looking takes time of its own."""
    remedy: str = ""
    """What whoever is told of a broken limit can do about it, where anything."""


class _Tree:
    """A process and all below it, as they were found last: to find them, all of the machine are looked at."""

    def __init__(self, process: psutil.Process) -> None:
        self._top, self._members, self._found = process, [process], 0.0

    def resident_bytes(self) -> int:
        """What they have resident; one that ended since it was found has nothing."""
        if time.monotonic() > self._found + FIND_SECONDS:
            with contextlib.suppress(psutil.Error):
                self._members = [self._top, *self._top.children(recursive=True)]
            self._found = time.monotonic()
        total = 0
        for member in self._members:
            with contextlib.suppress(psutil.Error):
                total += member.memory_info().rss
        return total


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and all that it started: they share its session."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


Broken = tuple[type[WorkerError], str]


def _watch(process: subprocess.Popen[bytes], limits: Limits, stop: threading.Event) -> Broken | None:
    """Wait for the process; None when it ended by itself, else the limit that it broke."""
    deadline = time.monotonic() + limits.seconds
    ours = _most_resident(resource.getrusage(resource.RUSAGE_SELF))
    remedy = limits.remedy and f": {limits.remedy}"
    try:
        tree = _Tree(psutil.Process(process.pid))
    except psutil.Error:
        process.wait()
        return None
    while True:
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        if ended:
            process.returncode = os.waitstatus_to_exitcode(status)
            # The system begins to count with what the process that started it had: less says nothing.
            if _most_resident(usage) > ours:
                limits.peak.note(_most_resident(usage))
            return None
        if stop.wait(limits.look_seconds):
            raise Interrupted
        if time.monotonic() > deadline:
            return TimeLimitError, f"did not end within its limit of {limits.seconds:g} s{remedy}"
        resident = tree.resident_bytes()
        limits.peak.note(resident)
        if resident > limits.memory:
            return WorkerError, f"grew past its memory limit of {limits.memory / GIBIBYTE:g} GiB{remedy}"


def _most_resident(usage: resource.struct_rusage) -> int:
    """The most bytes that a process had resident; Linux counts kilobytes."""
    return usage.ru_maxrss * 1024


def _how_it_ended(exit_code: int) -> str:
    if exit_code < 0:
        try:
            name = signal.Signals(-exit_code).name
        except ValueError:
            name = f"signal {-exit_code}"
        return f"was ended by {name}"
    return f"ended with exit code {exit_code}"


def run_process(
    command: Sequence[str],
    *,
    what: str,
    log: Path,
    limits: Limits,
    environment: Mapping[str, str],
    folder: Path,
    stop: threading.Event,
    accepted: tuple[int, ...] = (0,),
) -> int:
    """Run ``command`` in ``folder``; what it prints goes to ``log``. The exit code, an accepted one.

    ``limits.peak`` gets to know the most memory that it had: what the system counted for the process, or for
    one that it waited for, and what all of them had together whenever they were looked at. Resident bytes
    both, in which files that are mapped into memory count as far as they have been read.

    Raises WorkerError, with the log's last lines, when it ended in any other way or broke a limit,
    and Interrupted when ``stop`` was set.
    """
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                cwd=folder,
                start_new_session=True,
            )
        except OSError as error:
            raise WorkerError(f"{what} cannot be started: {error.strerror}: {command[0]}") from error
        try:
            broken = _watch(process, limits, stop)
        finally:
            _end(process)
            clean_log(log)
    if broken is None and process.returncode in accepted:
        return process.returncode
    kind, happened = broken or (WorkerError, _how_it_ended(process.returncode))
    raise kind(f"{what} {happened}. Its log, {log}, ends with:", *last_lines(log))
