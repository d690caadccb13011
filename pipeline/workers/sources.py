"""Runs a worker call: a source's script, with the interpreter of that source's environment."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from converters.interface import WORKER_MODULES, WorkerCall
from pipeline.errors import TaskFailedError, WorkerError, foreign_message, last_lines
from pipeline.system.files import read_json, write_json
from pipeline.workers.forks import Preloaded
from pipeline.workers.processes import Command, Limits, run_process

THREADS = "2"
"""Of a framework that computes. Fixed, not the machine's: sums in another order have other last bits."""

_OURS_ALONE = (
    "PYTHONDONTWRITEBYTECODE",  # the environments are ours: each start would compile the framework anew
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONSTARTUP",
    "VIRTUAL_ENV",
    "PYTHONWARNINGS",
)
"""Variables that are about our own interpreter and must not reach another one."""

_DEFAULTS = {
    # Blocks of so many bytes and more go back to the system once they are freed. Left to itself, glibc raises
    # this mark to 32 MiB (mallopt(3)), and keeps most of what weights and activations have occupied. With a
    # mark of 1 MiB the system hands out pages for most activations: a tenth more time for a ResNet.
    "MALLOC_MMAP_THRESHOLD_": str(8 << 20),
    # Such blocks come in pages of 2 MiB where the system has them (madvise(2)), not of 4 KiB: a VGG-16 takes
    # 500 MB of them again and again, and handing them out was a third of what a runtime took of a processor.
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    # Threads that wait sleep. Left to itself, OpenMP lets them spin: two models at a time on two processors
    # then take four times as long as one after the other.
    "OMP_WAIT_POLICY": "PASSIVE",
}
"""What holds where the user's own variables say nothing else."""


_ALWAYS = {
    "PYTHONHASHSEED": "0",
    "PYTHONNOUSERSITE": "1",
    # A model is nobody's business but its owner's, and a run needs no network: ONNX Runtime (since 1.32, see
    # its Privacy.md) and OpenVINO tell their makers of what they are used for unless these are set.
    "ORT_DISABLE_TELEMETRY": "1",
    "CI": "true",
}
"""What holds whatever the user's own variables say."""


def worker_environment(variables: Mapping[str, str], *, as_users_have_it: bool = False) -> dict[str, str]:
    """The variables of a worker: the user's own, less those about Python, plus ``variables``.

    ``as_users_have_it`` leaves out what makes several workers at a time bearable, and one of them slower.
    """
    defaults = {} if as_users_have_it else _DEFAULTS
    inherited = {name: value for name, value in os.environ.items() if name not in _OURS_ALONE}
    return defaults | inherited | _ALWAYS | dict(variables)


def computing(variables: Mapping[str, str]) -> dict[str, str]:
    """``variables``, those of a source's environment, and the number of threads that it computes with."""
    return {"OMP_NUM_THREADS": THREADS, **variables}


def with_modules(variables: Mapping[str, str], modules: Path = WORKER_MODULES) -> dict[str, str]:
    """``variables``, and the folder that export scripts import ours from."""
    return {**variables, "PYTHONPATH": str(modules)}


def preloaded_for(python: Path, script: Path, variables: Mapping[str, str]) -> Preloaded:
    """What serves calls of ``script``, which differ in ``variables``."""
    return Preloaded(python, script, variables=tuple(sorted(variables.items())))


def run_worker(
    call: WorkerCall,
    *,
    python: Path,
    variables: Mapping[str, str],
    what: str,
    folder: Path,
    limits: Limits,
    stop: threading.Event,
    as_users_have_it: bool = False,
) -> dict[str, Any]:
    """Run ``call`` with ``python`` and return its result, of status ``ok``.

    ``folder`` receives request.json, result.json and worker.log, and is the script's working folder.
    Raises WorkerError with the script's own message, or with the last lines of its log.
    """
    folder.mkdir(parents=True, exist_ok=True)
    request, result, log = folder / "request.json", folder / "result.json", folder / "worker.log"
    result.unlink(missing_ok=True)
    write_json(request, call.request)
    ours = with_modules(variables, call.module_folder)
    kept = call.preloads and not as_users_have_it
    command = Command(
        [str(python), str(call.script), str(request), str(result)],
        worker_environment(ours, as_users_have_it=as_users_have_it),
        folder,
        preloaded_for(python, call.script, ours) if kept else None,
    )
    run_process(command, what=what, log=log, limits=limits, stop=stop, accepted=(0, 1))
    from pipeline.workers.answers import fault_of  # with pydantic, which takes a tenth of a second

    answer: dict[str, Any] | None = read_json(result)
    if answer is None:
        raise WorkerError(f"{what} ended without a result. Its log, {log}, ends with:", *last_lines(log))
    if fault := fault_of(answer, call.request["task"]):
        first, *more = foreign_message(fault)
        raise WorkerError(f"{what} ended with a result that is none, {result}: {first}", *more)
    if answer["status"] == "ok":
        return answer
    first, *more = foreign_message(answer["message"])
    lines = [f"{what} failed: {first}", *more]
    if answer["kind"] == "framework":
        lines += [f"Its log, {log}, ends with:", *last_lines(log)]
    raise TaskFailedError(answer["kind"], *lines)
