"""Runs the files of one model in every runtime, each in a process of its own, and asks for verdicts."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from converters.registry import SOURCES
from parity.call import Run, RuntimeCall, missing_runs
from parity.compare import Array, Tolerance
from parity.runtimes.registry import RUNTIMES, asked_at
from parity.verdict import Verdict, judge
from pipeline.config.schema import Parity
from pipeline.environments.run_environments import EnvironmentOf
from pipeline.errors import EnvironmentBuildError, VerdictError
from pipeline.workers.processes import Limits
from pipeline.workers.runtimes import is_quantized_file, runs_of, side_by_side, without_log

_THREADS = 1
"""Fixed, not taken from the machine: sums in another order have other last bits."""


@dataclass(frozen=True)
class Verification:
    """A verdict, and what the runtimes computed."""

    verdict: Verdict
    runs: dict[str, Run]

    @property
    def passed(self) -> bool:
        return self.verdict.status == "passed"

    @property
    def seconds(self) -> float:
        """The time that the runtimes took for this file, without their start."""
        return sum(run.seconds for run in self.runs.values())

    @property
    def largest_error(self) -> float | None:
        """The largest relative error on any data set, of any runtime that the verdict does not overrule.

        None where none compares.
        """
        errors = [
            comparison.relative_error
            for runtime in self.verdict.runtimes.values()
            if runtime.agrees or not self.passed
            for comparison in runtime.comparisons.values()
            if comparison.relative_error is not None
        ]
        return max(errors, default=None)

    @property
    def runtimes(self) -> dict[str, str]:
        """What became of the model in each runtime: ``ok``, ``wrong``, or why it computed nothing."""
        return {
            name: runtime.outcome if runtime.outcome != "ran" else "ok" if runtime.agrees else "wrong"
            for name, runtime in self.verdict.runtimes.items()
        }


def tolerance_of(parity: Parity) -> Tolerance:
    """The gate that a pipeline file asks for."""
    return Tolerance(parity.relative, parity.top1, parity.top5)


def require_lively(references: Mapping[str, Array], parity: Parity, folder: Path) -> None:
    """Raise VerdictError where the reference outputs are such that no comparison could prove anything.

    ``references`` are the source framework's logits, float32 (N, classes) per data set, from ``folder``.
    """
    from parity.liveliness import lifeless

    reason = lifeless(references, tolerance_of(parity))
    if reason:
        raise VerdictError(
            f"the framework's own outputs prove nothing: {reason}. Not published; the outputs are in {folder}"
        )


def verify(
    models: Mapping[int, Path],
    inputs: Path,
    references: Mapping[str, Array],
    *,
    parity: Parity,
    folder: Path,
    limits: Limits,
    stop: threading.Event,
    environment_of: EnvironmentOf,
) -> dict[int, Verification]:
    """Run ``models``, files by their opsets, in every runtime and compare with ``references``.

    ``inputs`` is the .npz file of the data sets; ``references`` are the source framework's logits,
    float32 (N, classes) per data set; ``folder`` is for what the runtimes write, and is removed
    when all verdicts are good. One process of each runtime serves all models, one after the other, and
    some of them run side by side.
    ``environment_of`` answers with the environment of a runtime that does not run in ours.
    """
    shutil.rmtree(folder, ignore_errors=True)
    names = {
        opset: asked_at(opset, parity.environments, quantized=is_quantized_file(model))
        for opset, model in models.items()
    }
    calls = [
        RuntimeCall(name, asked, inputs, folder / name, _THREADS)
        for name in RUNTIMES
        if (asked := {str(opset): model for opset, model in models.items() if name in names[opset]})
    ]
    made = side_by_side(calls, lambda call: _runs(call, limits, stop, environment_of))
    runs = {
        opset: {name: some[str(opset)] for name, some in made.items() if str(opset) in some}
        for opset in models
    }
    verdicts = {opset: judge(references, runs[opset], tolerance_of(parity)) for opset in models}
    verifications = {opset: Verification(verdict, runs[opset]) for opset, verdict in verdicts.items()}
    if all(verification.passed for verification in verifications.values()):
        shutil.rmtree(folder, ignore_errors=True)
    return verifications


def _runs(
    call: RuntimeCall, limits: Limits, stop: threading.Event, environment_of: EnvironmentOf
) -> dict[str, Run]:
    """The runs of ``call``, in the environment of its runtime, which is built where it is missing.

    Where it cannot be had, that is what the runs say: a second opinion that is not there blocks nothing.
    """
    source = RUNTIMES[call.runtime].ENVIRONMENT
    if source is None:
        return runs_of(call, limits, stop)
    try:
        environment = environment_of(SOURCES[source])
    except EnvironmentBuildError as error:
        return missing_runs(call.models, without_log(str(error)))
    call = replace(call, python=environment.python, environment=environment.description.variables)
    return runs_of(call, limits, stop)
