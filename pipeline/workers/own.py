"""Runs a module of ours in a process of its own, with our own interpreter: ``request.json result.json``.

Its imports are made once for all calls.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pipeline
from pipeline.system.files import read_json, write_json
from pipeline.workers.forks import Preloaded
from pipeline.workers.processes import Command, Limits, run_process
from pipeline.workers.sources import worker_environment


def run_own_worker(
    module: str,
    request: Mapping[str, Any],
    *,
    what: str,
    name: str,
    folder: Path,
    limits: Limits,
    stop: threading.Event,
) -> Any:
    """What ``module`` answers to ``request``, as JSON has it; None where it ended without an answer.

    ``folder`` is its working folder, and gets ``<name>-request.json``, ``<name>-result.json`` and
    ``<name>.log``; ``what`` names the process in errors. Raises WorkerError.
    """
    write_json(folder / f"{name}-request.json", request)
    root = Path(pipeline.__file__).absolute().parents[1]
    script = root.joinpath(*module.split(".")).with_suffix(".py")
    command = Command(
        [sys.executable, str(script), f"{name}-request.json", f"{name}-result.json"],
        worker_environment({"PYTHONPATH": str(root)}),
        folder,
        Preloaded(Path(sys.executable), script),
    )
    run_process(command, what=what, log=folder / f"{name}.log", limits=limits, stop=stop)
    return read_json(folder / f"{name}-result.json")
