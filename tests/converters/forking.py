"""Starts a framework once and runs its export scripts in forks of that process: its imports take seconds.

Run by path in the environment of a source::

    python forking.py FOLDER SOCKET

``FOLDER`` is that of the source, whose ``export.py`` is imported; ``SOCKET`` the number of an inherited
socket that listens. Each connection is a call of a script, as :data:`CLIENT` makes it.
"""

from __future__ import annotations

import json
import os
import runpy
import socket
import sys
from typing import Any

CLIENT = """\
#!/bin/sh
exec "{python}" -ISc '
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect(sys.argv[1])
    socket.send_fds(server, [bytes(1)], [1, 2])
    call = {{"arguments": sys.argv[2:], "folder": os.getcwd(), "variables": dict(os.environ)}}
    with server.makefile("rw") as stream:
        print(json.dumps(call), file=stream, flush=True)
        status = int(stream.readline())
if os.WIFSIGNALED(status):
    os.kill(os.getpid(), os.WTERMSIG(status))
os._exit(os.WEXITSTATUS(status))
' "{address}" "$@"
"""
"""Stands in for the interpreter of an environment: ``CLIENT script argument ...`` lets a fork run the script,
with the folder, the variables and the output of the client, and ends as the fork does."""


def _become(call: dict[str, Any], output: int, errors: int) -> None:
    """Run the script of a call in this process, and end it."""
    os.dup2(output, 1)
    os.dup2(errors, 2)
    os.chdir(call["folder"])
    os.environ.clear()
    os.environ.update(call["variables"])
    sys.argv = call["arguments"]
    runpy.run_path(sys.argv[0], run_name="__main__")
    sys.stdout.flush()
    os._exit(0)


def _serve(listening: socket.socket) -> None:
    while True:
        connection, _ = listening.accept()
        with connection, connection.makefile("rw") as stream:
            _, (output, errors), _, _ = socket.recv_fds(connection, 1, 2)
            call = json.loads(stream.readline())
            child = os.fork()
            if child == 0:
                try:
                    _become(call, output, errors)
                finally:
                    sys.excepthook(*sys.exc_info())
                    os._exit(1)
            os.close(output)
            os.close(errors)
            print(os.waitpid(child, 0)[1], file=stream, flush=True)


if __name__ == "__main__":
    folder, number = sys.argv[1:]
    sys.path.insert(0, folder)
    __import__("export")  # the source's, with all that it imports
    _serve(socket.socket(fileno=int(number)))
