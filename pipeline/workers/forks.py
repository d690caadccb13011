"""Processes of servers that have imported what they need: see ``fork_server.py``, the servers' side.

A server costs what its first call would have cost, and spares every further one its imports. It serves
this process and those that were forked from it.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

IDLE_SECONDS = 60.0
"""A server that nobody has called for so long ends: frameworks take some hundred MB each."""
END_SECONDS = 2.0
"""A server that has not ended within these when it is told to is killed: its imports may be deaf to it."""
_SCRIPT = Path(__file__).with_name("fork_server.py")


@dataclass(frozen=True)
class Ending:
    """How a process ended."""

    exit_code: int
    """Negative where a signal did it, as :mod:`subprocess` has it."""
    resident: int
    """The most bytes that it had in memory."""


@dataclass(frozen=True)
class Preloaded:
    """What a server has imported: what a script does, and modules beside it."""

    python: Path
    """The interpreter."""
    script: Path
    modules: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    """Those that calls differ in, as libraries read theirs while they are imported. All others are taken to
    be what they were when the server was started."""


class Fork:
    """A process that a server makes for one call, and that it waits for."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self._received = connection, b""
        self.pid: int | None = None
        """None until the server has imported all and made it."""
        self._ending: Ending | None = None

    def ended(self) -> Ending | None:
        """How it ended, if it did. Raises ConnectionError where the server did before it."""
        while self._ending is None:
            try:
                received = self._connection.recv(4096, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return None
            if not received:
                raise ConnectionResetError
            *lines, self._received = (self._received + received).split(b"\n")
            for line in lines:
                self._hear(**json.loads(line))
        return self._ending

    def _hear(self, pid: int | None = None, exit_code: int = 0, resident: int = 0) -> None:
        if pid is None:
            self._ending = Ending(exit_code, resident)
        else:
            self.pid = pid

    def kill(self) -> None:
        """End it and all that share its session, whether it has ended itself or not."""
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        self._connection.close()


class _Server:
    """One server, started.

    Nothing of it has a name in a file system, so that nothing is left of it where this process is killed:
    it is told of calls over a socket that it inherits, and ends once nobody holds the other end.
    """

    def __init__(self, preloaded: Preloaded, environment: Mapping[str, str]) -> None:
        self._owner = os.getpid()
        self._calls, theirs = socket.socketpair()
        try:
            with theirs:
                self._process = self._started(preloaded, environment, theirs)
        except OSError:
            self._calls.close()
            raise
        atexit.register(self.end)

    @staticmethod
    def _started(
        preloaded: Preloaded, environment: Mapping[str, str], calls: socket.socket
    ) -> subprocess.Popen[bytes]:
        own = [str(_SCRIPT), str(calls.fileno()), str(IDLE_SECONDS)]
        return subprocess.Popen(
            [str(preloaded.python), *own, str(preloaded.script), *preloaded.modules],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=dict(environment),
            cwd=tempfile.gettempdir(),
            pass_fds=[calls.fileno()],
            start_new_session=True,
        )

    def connect(self) -> socket.socket:
        """A connection to it. Raises OSError where it has ended."""
        connection, theirs = socket.socketpair()
        try:
            with theirs:
                socket.send_fds(self._calls, [bytes(1)], [theirs.fileno()])
        except OSError:
            connection.close()
            raise
        return connection

    def end(self) -> None:
        """End it, if it is ours."""
        if os.getpid() != self._owner:
            return
        atexit.unregister(self.end)
        with self._calls, contextlib.suppress(OSError):
            self._calls.settimeout(END_SECONDS)
            self._process.terminate()
            self._calls.recv(1)  # nothing, once the other end is closed
        self._process.kill()
        self._process.wait()


_SERVERS: dict[Preloaded, _Server] = {}
_LOCK = threading.Lock()


def fork(
    preloaded: Preloaded, script: Sequence[str], *, log: Path, environment: Mapping[str, str], folder: Path
) -> Fork | None:
    """Run ``script``, a file and its arguments, in ``folder`` where a server can.

    ``log``, an existing file, gets what it prints. None where no server answers: then a process of its own
    tells more.
    """
    call = {
        "script": list(script),
        "folder": str(folder.absolute()),
        "log": str(log.absolute()),
        "variables": dict(environment),
    }
    try:
        connection = connect(preloaded, environment)
        connection.sendall(json.dumps(call).encode() + b"\n")
    except OSError:
        return None
    return Fork(connection)


def connect(preloaded: Preloaded, environment: Mapping[str, str]) -> socket.socket:
    """A connection to the server of ``preloaded``, started where there is none. Raises OSError."""
    with _LOCK:
        server = _SERVERS.get(preloaded)
        if server:
            with contextlib.suppress(OSError):
                return server.connect()
            server.end()
        server = _SERVERS[preloaded] = _Server(preloaded, environment)
        return server.connect()
