"""Commands of the pipeline, run to their end as ``python -m pipeline`` would run them.

Most of the time of a command that does little goes into imports, so it is run in a fork of a process that
has them: see :mod:`tests.forked_commands`. Tests of how a process starts, or is killed, start one.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


@functools.cache
def _server() -> tuple[Path, subprocess.Popen[bytes]]:
    """The socket of a process that serves commands, and the process, which ends with this one."""
    folder = Path(tempfile.mkdtemp(prefix="commands-"))
    address = folder / "socket"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(address))
        listening.listen()
        serving = subprocess.Popen(
            [sys.executable, "-m", "tests.forked_commands", str(listening.fileno())],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            pass_fds=[listening.fileno()],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return address, serving


def run_command(
    *arguments: str, folder: Path, tiny: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run ``python -m pipeline`` with ``arguments`` in ``folder``, with ``variables`` beside this process's.

    ``tiny`` is the folder of the source without a framework, where it is to be known.
    """
    call = {
        "arguments": arguments,
        "folder": str(folder),
        "variables": {**os.environ, "PYTHONPATH": str(ROOT), **variables},
        "tiny": str(tiny) if tiny else None,
    }
    with (
        tempfile.TemporaryFile("w+") as output,
        tempfile.TemporaryFile("w+") as errors,
        socket.socket(socket.AF_UNIX) as server,
    ):
        server.connect(str(_server()[0]))
        socket.send_fds(server, [bytes(1)], [output.fileno(), errors.fileno()])
        with server.makefile("rw") as stream:
            print(json.dumps(call), file=stream, flush=True)
            status = int(stream.readline())
        for file in (output, errors):
            file.seek(0)
        return subprocess.CompletedProcess(arguments, status, output.read(), errors.read())
