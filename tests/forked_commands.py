"""Serves ``python -m pipeline`` in forks of a process that has imported it: else each imports for a second.

Run as ``python -m tests.forked_commands SOCKET``, where ``SOCKET`` is the number of an inherited socket that
listens; it ends with its standard input. :mod:`tests.commands` is the other side.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import re
import select
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import pipeline.commands
import pipeline.stages
from converters.registry import SOURCES, frameworks
from parity.call import STARTER
from parity.runtimes.registry import RUNTIMES
from pipeline.__main__ import start
from pipeline.environments import building
from pipeline.workers import forks
from pipeline.workers.forks import Preloaded
from pipeline.workers.sources import computing, preloaded_for, with_modules, worker_environment
from tests.tiny_source import register


def _import_all() -> None:
    """Import what the commands import when they are asked for."""
    for package in (pipeline.commands, pipeline.stages):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)


def _start_runtimes() -> None:
    """Start the servers of the runtimes: the commands have them then, instead of each its own."""
    forks.IDLE_SECONDS = 3600
    for runtime in RUNTIMES.values():
        if runtime.ENVIRONMENT is None:
            preloaded = Preloaded(Path(sys.executable), STARTER, runtime.MODULES)
            forks.connect(preloaded, worker_environment({})).close()


def _start_sources(arguments: Sequence[str], folder: Path) -> None:
    """Start the servers of the frameworks that a command will ask, where their environments are there.

    They are those that its pipeline file names, or that it sweeps: the next such command has them then.
    """
    named = set(arguments)
    for argument in arguments:
        if argument.endswith(".yaml") and (folder / argument).is_file():
            named |= set(re.findall(r"source: (\w+)", (folder / argument).read_text(encoding="utf-8")))
    for name in named & set(frameworks()):
        environment = building.existing(SOURCES[name])
        if environment:
            ours = with_modules(computing(environment.description.variables))
            preloaded = preloaded_for(environment.python, SOURCES[name].script, ours)
            forks.connect(preloaded, worker_environment(ours)).close()


def _serve(listening: socket.socket) -> None:
    """Fork for each connection, and tell it how its command ended."""
    while True:
        ready, _, _ = select.select([listening, sys.stdin], [], [])
        if sys.stdin in ready:
            return
        connection, _ = listening.accept()
        with connection, connection.makefile("rw") as stream:
            _, files, _, _ = socket.recv_fds(connection, 1, 2)
            call = json.loads(stream.readline())
            _start_sources(call["arguments"], Path(call["folder"]))
            child = os.fork()
            if child == 0:
                _become(call, *files)
            for file in files:
                os.close(file)
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), file=stream, flush=True)


def _become(call: dict[str, Any], output: int, errors: int) -> NoReturn:
    """Run the command of ``call`` in this process, as a process of its own would."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(errors, 2)
    os.chdir(call["folder"])
    os.environ.clear()
    os.environ.update(call["variables"])
    time.tzset()
    if call["tiny"]:
        register(Path(call["tiny"]))
    sys.argv[1:] = call["arguments"]
    code = 0
    try:
        start()
    except SystemExit as ended:
        code = int(ended.code or 0)
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # to take apart all that was imported would take longer than most commands


if __name__ == "__main__":
    _import_all()
    _start_runtimes()
    gc.freeze()  # else a fork's first collection would copy all pages
    _serve(socket.socket(fileno=int(sys.argv[1])))
