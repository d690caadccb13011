"""Pictures decoded and prepared by several processes."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from evaluation.errors import EvaluationError
from evaluation.inputs import prepare_file
from evaluation.preprocessing import Array, Preprocessing
from pipeline.errors import PipelineError

PER_PROCESS = 32
"""Pictures that are worth the start of another process."""


@dataclass(frozen=True)
class PreparedPicture:
    """A picture's digest, and what was made of it, float32 (C, H, W), or why that could not be done."""

    sha256: str
    array: Array | None
    reason: str = ""


def prepare_picture(path: Path, name: str, preprocessing: Preprocessing) -> PreparedPicture:
    """Read one picture; what is wrong with it is in the answer."""
    try:
        data = path.read_bytes()
    except OSError as error:
        return PreparedPicture("", None, f"{name}: the picture cannot be read: {error.strerror or error}")
    digest = hashlib.sha256(data).hexdigest()
    try:
        return PreparedPicture(digest, prepare_file((name, data), preprocessing))
    except EvaluationError as error:
        return PreparedPicture(digest, None, str(error))


Preparing = Callable[[Sequence[str]], "list[Future[PreparedPicture]]"]


@contextmanager
def preparing(folder: Path, preprocessing: Preprocessing, count: int) -> Iterator[Preparing]:
    """Processes that prepare pictures of ``folder`` by their names, as many as ``count`` are worth."""
    processes = min(os.cpu_count() or 1, -(-count // PER_PROCESS))
    # Forks would share the threads and locks of libraries that are at work here.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, _begin) as pool:

        def prepare(names: Sequence[str]) -> list[Future[PreparedPicture]]:
            return [pool.submit(prepare_picture, folder / name, name, preprocessing) for name in names]

        try:
            yield prepare
        except BrokenProcessPool as error:
            raise PipelineError(
                "a process that decodes pictures was ended, perhaps for want of memory. Make room and run "
                "the same command again: it goes on from what is done"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def _begin() -> None:
    """Leave Ctrl+C to the process that started this one, and end soon after it did."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
