"""A process that is timed, from the side of whoever tells it when to compute."""

from __future__ import annotations

import json
import os
import select
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from pipeline.errors import WorkerError

_LOOK_SECONDS = 0.2
"""Between two looks whether the process has ended; while it computes, nothing else here does."""


class Participant:
    """A process that takes turns; it is there from its first turn until the end of the ``with`` block.

    An error in the block, such as an interruption, sets ``ending``, which ``serve`` has to look at.

    ``serve`` runs the process to its end and returns its result. It is called in a thread of its own, and
    what it raises is raised by the turn that it spoilt.
    """

    def __init__(
        self, folder: Path, serve: Callable[[Path, Path], Mapping[str, Any]], ending: threading.Event
    ) -> None:
        """``folder`` is for its two pipes, whose paths ``serve`` gets: turns, answers."""
        self._ending = ending
        folder.mkdir(parents=True, exist_ok=True)
        self._paths = folder / "turns", folder / "answers"
        for path in self._paths:
            os.mkfifo(path)
        # Open for both directions neither waits for the other side, nor ends with it.
        self._turns, self._answers = (os.open(path, os.O_RDWR) for path in self._paths)
        self._unread = b""
        self._outcome: Mapping[str, Any] | BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(serve,), daemon=True)
        self._started = False

    def __enter__(self) -> Participant:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._ending.set()
        if self._started:
            self._write({"end": True})
            self._thread.join()
        for pipe in (self._turns, self._answers):
            os.close(pipe)

    def _run(self, serve: Callable[[Path, Path], Mapping[str, Any]]) -> None:
        try:
            self._outcome = serve(*self._paths)
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            self._outcome = error

    def take_turn(self, batch: int, runs: int) -> dict[str, Any]:
        """Let it compute ``batch`` pictures so many times; its answer, as ``latency/shared/turns.py`` has it.

        Raises WorkerError where the process cannot go on, and Interrupted.
        """
        if not self._started:
            self._started = True
            self._thread.start()
        self._write({"batch": batch, "runs": runs})
        while b"\n" not in self._unread:
            readable, _, _ = select.select([self._answers], [], [], _LOOK_SECONDS)
            if readable:
                self._unread += os.read(self._answers, 1 << 16)
            elif not self._thread.is_alive():
                raise self._why_it_ended()
        line, _, self._unread = self._unread.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def finish(self) -> Mapping[str, Any]:
        """Tell it that it is over; its result. Raises what went wrong on the way."""
        self._write({"end": True})
        self._thread.join()
        if isinstance(self._outcome, BaseException):
            raise self._outcome
        return self._outcome or {}

    def _write(self, turn: Mapping[str, Any]) -> None:
        os.write(self._turns, json.dumps(turn).encode() + b"\n")

    def _why_it_ended(self) -> BaseException:
        if isinstance(self._outcome, BaseException):
            return self._outcome
        return WorkerError(str((self._outcome or {}).get("error") or "it ended before its turn"))
