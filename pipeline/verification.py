"""Runs a model file in every runtime, each in a process of its own, and asks for the verdict."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from parity.call import Run, WorkerCall, read_runs
from parity.compare import Array, Tolerance
from parity.runtimes.registry import RUNTIMES
from parity.verdict import Verdict, judge
from pipeline.config import Parity
from pipeline.errors import TimeLimitError, WorkerError
from pipeline.processes import Limits, run_process
from pipeline.workers import worker_environment

_MODEL = "model"
_THREADS = 2


@dataclass(frozen=True)
class Verification:
    """A verdict, and what the runtimes computed."""

    verdict: Verdict
    runs: dict[str, Run]

    @property
    def passed(self) -> bool:
        return self.verdict.status == "passed"

    @property
    def largest_error(self) -> float | None:
        """The largest relative error of any runtime on any data set; None where none compares."""
        errors = [
            comparison.relative_error
            for runtime in self.verdict.runtimes.values()
            for comparison in runtime.comparisons.values()
            if comparison.relative_error is not None
        ]
        return max(errors, default=None)

    @property
    def runtimes(self) -> str:
        """Each runtime and what became of the model in it, in one line."""
        said = []
        for name, runtime in self.verdict.runtimes.items():
            outcome = runtime.outcome if runtime.outcome != "ran" else "ok" if runtime.agrees else "wrong"
            said.append(f"{name} {outcome}")
        return ", ".join(said)


def tolerance_of(parity: Parity) -> Tolerance:
    """The gate that a pipeline file asks for."""
    return Tolerance(parity.relative, parity.top1, parity.top5)


def verify(
    model: Path,
    inputs: Path,
    references: Mapping[str, Array],
    *,
    parity: Parity,
    folder: Path,
    limits: Limits,
    stop: threading.Event,
) -> Verification:
    """Run ``model`` on the .npz file ``inputs`` in every runtime and compare with ``references``.

    ``references`` are the source framework's logits, float32 (N, classes) per data set; ``folder`` is
    for what the runtimes write, and is removed when the verdict is good.
    """
    runs = {}
    for name in RUNTIMES:
        place = folder / name
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        call = WorkerCall(name, {_MODEL: model}, inputs, place, _THREADS)
        runs[name] = _run(call, limits, stop)
    verdict = judge(references, runs, tolerance_of(parity))
    if verdict.status == "passed":
        shutil.rmtree(folder)
    return Verification(verdict, runs)


def _run(call: WorkerCall, limits: Limits, stop: threading.Event) -> Run:
    call.write_request()
    try:
        run_process(
            call.command,
            what=f"{call.runtime}",
            log=call.folder / "worker.log",
            limits=limits,
            environment=worker_environment(call.environment),
            folder=call.folder,
            stop=stop,
        )
    except TimeLimitError as error:
        return read_runs(call, "timed out", str(error))[_MODEL]
    except WorkerError as error:
        return read_runs(call, "crashed", str(error))[_MODEL]
    return read_runs(call)[_MODEL]
