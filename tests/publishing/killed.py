"""Runs that are killed at any moment: what they change in the file system is counted, event by event."""

from __future__ import annotations

import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from typing import Any

_IN_A_FOLDER = {"os.mkdir", "os.rmdir", "os.remove"}
"""Those whose last argument is a folder that is open, and -1 where there is none."""
_CHANGES = {*_IN_A_FOLDER, "os.rename", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.utime"}


def ends_before(number: int, work: Callable[[], object], folder: os.PathLike[str]) -> bool:
    """Do ``work`` in a process that is killed right before its ``number``-th change below ``folder``.

    A change is a file that is opened to be written, or one that comes, goes or gets another name. Returns
    whether the work came to its end before that.
    """
    with warnings.catch_warnings():  # newer Pythons warn where there are threads; none has a part in the work
        warnings.simplefilter("ignore", DeprecationWarning)
        process = os.fork()
    if not process:
        try:
            sys.addaudithook(_killer(os.fspath(folder), number))
            work()
            os._exit(0)
        except BaseException:  # noqa: BLE001 - the process ends here, whatever it is
            traceback.print_exc()
            os._exit(1)
    _, status = os.waitpid(process, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, -signal.SIGKILL), f"it ended with exit code {code}"
    return code == 0


def _killer(folder: str, number: int) -> Callable[[str, tuple[Any, ...]], None]:
    left = number

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        if not _changes(event, arguments, folder):
            return
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    return count


def _changes(event: str, arguments: tuple[Any, ...], folder: str) -> bool:
    if event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        return False
    if event in _IN_A_FOLDER and arguments[-1] != -1:
        return True
    return (event == "open" or event in _CHANGES) and any(
        isinstance(place, str | os.PathLike) and os.fspath(place).startswith(folder) for place in arguments
    )
