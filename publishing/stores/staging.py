"""Folders for files on their way into a store, which say whose they are: a killed process cannot tidy up."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def own_folder(above: Path) -> Iterator[Path]:
    """Make a folder in ``above``, which is there; it is gone afterwards. Raises OSError."""
    with tempfile.TemporaryDirectory(prefix=f"{_host()}{os.getpid()}-", dir=above) as folder:
        yield Path(folder)


def clear_left(above: Path) -> None:
    """Remove the folders of processes of this machine that have ended; ``above`` need not be there."""
    import psutil

    for left in above.glob(f"{_host()}*"):
        process = left.name.removeprefix(_host()).partition("-")[0]
        if process.isdigit() and not psutil.pid_exists(int(process)):
            shutil.rmtree(left, ignore_errors=True)


def _host() -> str:
    """How the names of such folders begin on this machine."""
    return f"publish-{socket.gethostname()}-"
