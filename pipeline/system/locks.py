"""Locks between runs: two of them may share the cache folder, a work folder or a published one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.system.interrupts import Interrupted


@contextmanager
def locked(path: Path, stop: threading.Event) -> Iterator[None]:
    """Hold the lock ``<path>.lock``, waiting for another run to let go of it.

    The operating system frees it when its holder dies. Raises Interrupted when ``stop`` was set
    while waiting.
    """
    from filelock import FileLock, Timeout

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{path}.lock")
        while True:
            if stop.is_set():
                raise Interrupted
            try:
                lock.acquire(timeout=1)
                break
            except Timeout:
                continue
    except OSError as error:
        raise PipelineError(
            f"cannot write to {path.parent}: {error.strerror}. Make the folder writable or use another one."
        ) from error
    try:
        yield
    finally:
        lock.release()
