"""An interrupted verification ends at once, whatever it waits for, and leaves nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import psutil
import pytest

from pipeline.errors import INTERRUPTED
from tests.loopback import answered_by
from tests.pipeline.verify.verifying import UNIT, make_zoo

pytestmark = pytest.mark.slow

WAIT_SECONDS = 30.0
"""Until a test is given up; less than the time after which the reader gives a server up."""
Busy = Callable[[psutil.Process], bool]
Work = Callable[[Path], AbstractContextManager[tuple[str, Busy]]]
"""Makes in a folder what is to be verified; its place, and whether a process is at it."""


@contextmanager
def stalling_server(folder: Path) -> Iterator[tuple[str, Busy]]:
    """A server that says nothing more in the middle of a file; and whether somebody waits for it."""
    requested, ended = threading.Event(), threading.Event()

    class Stalls(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not self.path.endswith(".onnx"):
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            self.wfile.write(b"the beginning")
            self.wfile.flush()
            requested.set()
            ended.wait()

    with answered_by(Stalls) as address:
        try:
            yield f"{address}/model.onnx", lambda _: requested.is_set()
        finally:
            ended.set()


@contextmanager
def large_file(folder: Path) -> Iterator[tuple[str, Busy]]:
    """A file of 7 GiB, which takes no room and long to read; and whether it is being read."""
    file = folder / "large.onnx"
    with file.open("wb") as stream:
        stream.truncate(7 << 30)
    yield str(file), lambda process: str(file) in [opened.path for opened in process.open_files()]


@contextmanager
def worker(folder: Path) -> Iterator[tuple[str, Busy]]:
    """A model that a process of its own looks into; and whether that is running."""
    yield str(make_zoo(folder) / f"{UNIT}.onnx"), lambda process: bool(process.children())


@pytest.mark.parametrize(
    ("work", "number"),
    [
        (stalling_server, signal.SIGINT),
        (large_file, signal.SIGINT),
        (worker, signal.SIGINT),
        (worker, signal.SIGTERM),
    ],
)
def test_verify_is_interrupted(work: Work, number: signal.Signals, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with work(tmp_path) as (place, is_busy):
        command = [sys.executable, "-m", "pipeline", "verify", place]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={"TMPDIR": str(scratch)}
        ) as verifying:
            process = psutil.Process(verifying.pid)
            while not is_busy(process):
                assert verifying.poll() is None
                time.sleep(0.01)
            verifying.send_signal(number)
            output, errors = verifying.communicate(timeout=WAIT_SECONDS)
    assert (verifying.returncode, output) == (INTERRUPTED, "")
    assert errors == "error: interrupted; nothing was changed\n"
    assert list(scratch.iterdir()) == []
