"""A process for native code that may abort or hang: that costs one call; the next finds a new process."""

from __future__ import annotations

import multiprocessing
import os
import signal
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from tools.opset_coverage.lowering import Invalid, Refused, lower
from tools.opset_coverage.runtimes import run

SECONDS_PER_CALL = 60
"""Far above what any of these small models takes, also on a busy machine."""

CALLS: dict[str, Callable[..., Any]] = {"lower": lower, "run": run}


@dataclass(frozen=True)
class Answer:
    """What a call came to: ``done`` with a value, or one of the others with a reason."""

    kind: str
    """``done``, ``refused``, ``invalid``, ``raised`` (anything else) or ``ended`` (so did the process)."""
    value: Any = None
    reason: str = ""


class Worker:
    """A process that serves one call at a time and is replaced when it ends or hangs."""

    def __init__(self, seconds: float = SECONDS_PER_CALL) -> None:
        self._process: Any = None
        self._seconds = seconds

    def call(self, name: str, *arguments: Any) -> Answer:
        """The answer of function ``name`` of this module's table to ``arguments``."""
        if self._process is None:
            self._start()
        try:
            self._connection.send((name, arguments))
            if self._connection.poll(self._seconds):
                return Answer(*self._connection.recv())
            reason = f"no answer within {self._seconds:g} seconds"
        except (EOFError, OSError):
            self._process.join(self._seconds)
            code = self._process.exitcode
            ended = signal.Signals(-code).name if code and code < 0 else f"exit code {code}"
            reason = f"the process ended ({ended})"
        self.close()
        return Answer("ended", reason=reason)

    def close(self) -> None:
        """End the process, whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._connection.close()
            self._process = None

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()


def serve(connection: Connection) -> None:
    """Answer calls until the other end is closed. What native code prints is dropped."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    warnings.simplefilter("ignore")
    while True:
        try:
            name, arguments = connection.recv()
        except EOFError:
            return
        connection.send(answer(name, arguments))


def answer(name: str, arguments: tuple[Any, ...]) -> tuple[str, Any, str]:
    try:
        return "done", CALLS[name](*arguments), ""
    except Refused as error:
        return "refused", None, str(error)
    except Invalid as error:
        return "invalid", None, str(error)
    except Exception as error:  # noqa: BLE001 - whatever native code raises is its answer
        return "raised", None, f"{type(error).__name__}: {error}"
