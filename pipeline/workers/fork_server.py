"""Imports what a worker needs once, and forks for each call: a framework's imports take seconds.

Run by path with the interpreter of any environment, with the standard library alone::

    python fork_server.py SOCKET SECONDS SCRIPT [MODULE ...]

``SOCKET`` is the number of an inherited socket over which connections are handed to the server, one with each
byte. ``SCRIPT`` and each ``MODULE`` are imported once; whatever cannot be is left to the calls, which then
tell why. A call is a connection that brings a line of JSON::

    {"script": ["export.py", "request.json", "result.json"], "folder": "/...", "log": "/.../worker.log",
     "variables": {"PATH": "...", ...}}

It is answered by ``{"pid": 7}`` and, once that process has ended, by ``{"exit_code": 0, "resident": 4096}``:
a negative code is the signal that ended it, ``resident`` the most bytes that it had in memory. Who closes the
connection before has its process killed, with all that it started. The server ends, and with it
whatever it runs, at SIGTERM, once nobody holds the other end of the socket, or after ``SECONDS`` in which
nobody called.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import Any, Dict, List, Optional


def main() -> None:
    """Serve until there is nobody left."""
    number, seconds, script, *modules = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    sys.path[0] = str(Path(script).parent)  # as for a script that is run itself, and in place of our own
    with socket.socket(fileno=int(number)) as calls:
        calls.set_inheritable(False)
        _import([*modules, Path(script).stem])
        gc.freeze()  # else the first collection of a fork would copy all pages
        _Server(calls).serve(float(seconds))


def _import(modules: List[str]) -> None:
    for module in modules:
        try:
            importlib.import_module(module)
        except Exception:  # noqa: BLE001 - the script meets it again, and tells it in its log
            return


class _Server:
    """The calls that are running, by the numbers of their processes."""

    def __init__(self, calls: socket.socket) -> None:
        self._calls = calls
        self._running: Dict[int, socket.socket] = {}
        self._ended, self._wake = os.pipe()  # readable once a process of ours has ended
        for end in (self._ended, self._wake):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._end)  # anew: what was imported may have put its own in its place

    def serve(self, seconds: float) -> None:
        """Answer calls, until nobody is left who could call or none has come for ``seconds``; then end."""
        try:
            while self._look(None if self._running else seconds):
                pass
        finally:
            self._end()

    def _end(self, *_: object) -> None:
        """End what is running, and this process, without what frameworks do at exit: it can take for ever."""
        for pid in self._running:
            _kill(pid)
        os._exit(0)

    def _look(self, seconds: Optional[float]) -> bool:
        """Wait for something to happen, and see to it; False where nothing did, or nobody is left."""
        places: List[Any] = [self._calls, self._ended, *self._running.values()]
        ready, _, _ = select.select(places, [], [], seconds)
        if not ready:
            return False
        if self._ended in ready:
            os.read(self._ended, 4096)
            self._tell_ended()
        for pid, connection in self._running.items():
            if connection in ready:  # its caller is gone
                _kill(pid)
        if self._calls in ready:
            called, files, _, _ = socket.recv_fds(self._calls, 1, 1)
            if not called:
                return False
            for file in files:
                self._answer(socket.socket(fileno=file))
        return True

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        try:
            with connection.makefile("r") as stream:
                call = json.loads(stream.readline())
        except (OSError, ValueError):
            connection.close()
            return
        pid = os.fork()
        if pid == 0:
            self._become(connection, call)
        self._running[pid] = connection
        _tell(connection, {"pid": pid})

    def _tell_ended(self) -> None:
        """Tell how those of ours that have ended did so."""
        for pid in list(self._running):
            ended, status, usage = os.wait4(pid, os.WNOHANG)
            if ended:
                exit_code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
                with self._running.pop(pid) as connection:
                    _tell(connection, {"exit_code": exit_code, "resident": usage.ru_maxrss * 1024})

    def _become(self, connection: socket.socket, call: Dict[str, Any]) -> None:
        """Run the script in this process as a process of its own would, and end it."""
        code = 1
        try:
            os.setsid()
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            for ours in (self._calls, connection, *self._running.values()):
                ours.close()
            os.close(self._ended)
            os.close(self._wake)
            _redirect(call["log"])
            os.chdir(call["folder"])
            os.environ.clear()
            os.environ.update(call["variables"])
            sys.argv = call["script"]
            runpy.run_path(sys.argv[0], run_name="__main__")
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:  # noqa: BLE001 - as the interpreter would
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)


def _redirect(log: str) -> None:
    """Let the standard streams be those of a process that writes to ``log`` and is told nothing."""
    nothing, output = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_APPEND)
    for stream, file in enumerate((nothing, output, output)):
        os.dup2(file, stream)
    for file in (nothing, output):
        os.close(file)


def _tell(connection: socket.socket, what: Dict[str, Any]) -> None:
    with contextlib.suppress(OSError):  # its caller is gone, which the next look at the connection finds
        connection.sendall(json.dumps(what).encode() + b"\n")


def _kill(pid: int) -> None:
    """End a process that has not been waited for, and all that share its session."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:  # it has not made its session yet, or has just been waited for
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
