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
from typing import IO, NamedTuple

import psutil

from pipeline.errors import MemoryLimitError, TimeLimitError, WorkerError, clean_log, last_lines
from pipeline.system.interrupts import Interrupted
from pipeline.workers.forks import Ending, Fork, Preloaded, fork

GIBIBYTE = 1 << 30
AT_ONCE = 2
"""How many processes of one model run at a time, each with one thread: two runtimes side by side take fewer
seconds of two cores than one with two threads after the other, as much of a runtime's work is that of one
thread."""
FIND_SECONDS = 0.5
"""Between two searches for the processes that a process has started."""


class PeakMemory:
    """The most resident bytes of any process so far; many threads may note theirs."""

    def __init__(self, whole: PeakMemory | None = None) -> None:
        """``whole`` gets to know of all that this one does, which is a part of it."""
        self.bytes = 0
        self._whole = whole
        self._lock = threading.Lock()

    def note(self, resident: int) -> None:
        """Keep ``resident`` where it is more than what was seen before."""
        with self._lock:
            self.bytes = max(self.bytes, resident)
        if self._whole:
            self._whole.note(resident)


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

    def __init__(self, pid: int) -> None:
        self._pid, self._members, self._found = pid, list[psutil.Process](), 0.0

    def resident_bytes(self) -> int:
        """What they have resident; one that ended since it was found has nothing."""
        if time.monotonic() > self._found + FIND_SECONDS:
            with contextlib.suppress(psutil.Error):
                top = psutil.Process(self._pid)
                self._members = [top, *top.children(recursive=True)]
            self._found = time.monotonic()
        total = 0
        for member in self._members:
            with contextlib.suppress(psutil.Error):
                total += member.memory_info().rss
        return total


@dataclass(frozen=True)
class Command:
    """A process to run."""

    line: Sequence[str]
    """The program and its arguments."""
    environment: Mapping[str, str]
    folder: Path
    """Where it works."""
    preloaded: Preloaded | None = None
    """What has been imported where a fork may run it, which then is ``interpreter script argument ...``."""


class _Started:
    """A process that was started for a command alone."""

    def __init__(self, command: Command, output: IO[bytes]) -> None:
        self._ours = _most_resident(resource.getrusage(resource.RUSAGE_SELF))
        self._process = subprocess.Popen(
            command.line,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(command.environment),
            cwd=command.folder,
            start_new_session=True,
        )
        self.pid: int | None = self._process.pid

    def ended(self) -> Ending | None:
        """How it ended, if it did."""
        ended, status, usage = os.wait4(self._process.pid, os.WNOHANG)
        if not ended:
            return None
        self._process.returncode = os.waitstatus_to_exitcode(status)
        resident = _most_resident(usage)
        # The system begins to count with what the process that started it had: less says nothing.
        return Ending(self._process.returncode, resident if resident > self._ours else 0)

    def kill(self) -> None:
        """End it and all that it started, which share its session, whether it has ended itself or not."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


class _Broken(NamedTuple):
    """A limit that a process broke."""

    kind: type[WorkerError]
    happened: str


class _NotStartedError(Exception):
    """The system could not start a process."""


def _watch(process: _Started | Fork, limits: Limits, stop: threading.Event) -> Ending | _Broken:
    """Wait for the process: how it ended, or the limit that it broke."""
    deadline = time.monotonic() + limits.seconds
    remedy = limits.remedy and f": {limits.remedy}"
    tree: _Tree | None = None
    while True:
        ending = process.ended()
        if ending:
            limits.peak.note(ending.resident)
            return ending
        if stop.wait(limits.look_seconds):
            raise Interrupted
        if time.monotonic() > deadline:
            return _Broken(TimeLimitError, f"did not end within its limit of {limits.seconds:g} s{remedy}")
        if tree is None and process.pid is not None:
            tree = _Tree(process.pid)
        resident = tree.resident_bytes() if tree else 0
        limits.peak.note(resident)
        if resident > limits.memory:
            grew = f"grew past its memory limit of {limits.memory / GIBIBYTE:g} GiB{remedy}"
            return _Broken(MemoryLimitError, grew)


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
    command: Command,
    *,
    what: str,
    log: Path,
    limits: Limits,
    stop: threading.Event,
    accepted: tuple[int, ...] = (0,),
) -> int:
    """Run ``command``; what it prints goes to ``log``. The exit code, an accepted one.

    ``limits.peak`` gets to know the most memory that it had: what the system counted for the process, or for
    one that it waited for, and what all of them had together whenever they were looked at. Resident bytes
    both, in which files that are mapped into memory count as far as they have been read.

    Raises WorkerError, with the log's last lines, when it ended in any other way or broke a limit,
    and Interrupted when ``stop`` was set.
    """
    with log.open("wb") as output:
        try:
            outcome = _run_fork(command, log, limits, stop) or _run_started(command, output, limits, stop)
        except _NotStartedError as error:
            raise WorkerError(f"{what} cannot be started: {error}: {command.line[0]}") from error
        finally:
            clean_log(log)
    if isinstance(outcome, Ending):
        if outcome.exit_code in accepted:
            return outcome.exit_code
        outcome = _Broken(WorkerError, _how_it_ended(outcome.exit_code))
    raise outcome.kind(f"{what} {outcome.happened}. Its log, {log}, ends with:", *last_lines(log))


def _run_started(
    command: Command, output: IO[bytes], limits: Limits, stop: threading.Event
) -> Ending | _Broken:
    try:
        process = _Started(command, output)
    except OSError as error:
        raise _NotStartedError(error.strerror) from error
    try:
        return _watch(process, limits, stop)
    finally:
        process.kill()


def _run_fork(command: Command, log: Path, limits: Limits, stop: threading.Event) -> Ending | _Broken | None:
    """Run it in a fork; None where none is to be had, and a process of its own tells more."""
    if command.preloaded is None:
        return None
    script = command.line[1:]
    process = fork(command.preloaded, script, log=log, environment=command.environment, folder=command.folder)
    if process is None:
        return None
    try:
        return _watch(process, limits, stop)
    except ConnectionError:  # the server has ended, and what it had made with it
        return Ending(-signal.SIGKILL, 0) if process.pid else None
    finally:
        process.kill()
