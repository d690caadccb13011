"""From what the runtimes did to one word: passed, failed or inconclusive, with every figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from parity.call import Outcome, Run
from parity.compare import Array, Comparison, Tolerance, compare
from parity.liveliness import lifeless
from parity.runtimes.registry import RUNTIMES

Status = Literal["passed", "failed", "inconclusive"]


@dataclass(frozen=True)
class RuntimeVerdict:
    """What one runtime did with the model, and its figures for every data set that has a reference."""

    outcome: Outcome
    reason: str
    version: str
    seconds: float
    independent: bool
    comparisons: Mapping[str, Comparison]

    @property
    def agrees(self) -> bool:
        """Whether it ran the model and every data set passed."""
        return self.outcome == "ran" and all(item.passed for item in self.comparisons.values())

    @property
    def complaint(self) -> str:
        """What is wrong with it in one line; empty where it agrees."""
        if self.outcome != "ran":
            return f"{self.outcome}: {_in_one_line(self.reason)}"
        bad = [f"{name}: {item.reason}" for name, item in self.comparisons.items() if not item.passed]
        return "disagrees with the reference on " + ", ".join(bad) if bad else ""


@dataclass(frozen=True)
class Verdict:
    """Whether a file may be published; only ``passed`` may.

    ``failed``: a runtime computed something else, crashed or ran out of time. ``inconclusive``:
    nothing could be found out, because the reference is lifeless or no runtime knows the model.
    """

    status: Status
    reason: str
    tolerance: Tolerance
    runtimes: Mapping[str, RuntimeVerdict]

    def to_dict(self) -> dict[str, Any]:
        """Return all of it for JSON, without any value that JSON does not have."""
        return {
            "status": self.status,
            "reason": self.reason,
            "tolerance": vars(self.tolerance),
            "runtimes": {name: _runtime_to_dict(runtime) for name, runtime in self.runtimes.items()},
        }


def judge(references: Mapping[str, Array], runs: Mapping[str, Run], tolerance: Tolerance) -> Verdict:
    """Judge one file by its runs, which are given by the runtimes' names.

    ``references`` are the source framework's logits, float32 (N, classes) per data set.
    """
    runtimes = {name: _judge_runtime(name, references, run, tolerance) for name, run in runs.items()}
    status, reason = _status(lifeless(references, tolerance), runtimes)
    return Verdict(status, reason, tolerance, runtimes)


def _judge_runtime(
    name: str, references: Mapping[str, Array], run: Run, tolerance: Tolerance
) -> RuntimeVerdict:
    comparisons = {}
    if run.outcome == "ran":
        comparisons = {
            data_set: compare(reference, run.outputs[data_set], tolerance)
            if data_set in run.outputs
            else Comparison(passed=False, reason="there is no output")
            for data_set, reference in references.items()
        }
    return RuntimeVerdict(
        run.outcome, run.reason, run.version, run.seconds, RUNTIMES[name].INDEPENDENT, comparisons
    )


def _status(dead: str, runtimes: Mapping[str, RuntimeVerdict]) -> tuple[Status, str]:
    if dead:
        return "inconclusive", dead
    agreeing = [name for name, runtime in runtimes.items() if runtime.agrees]
    objecting = {
        name: runtime.complaint
        for name, runtime in runtimes.items()
        if not runtime.agrees and runtime.outcome != "unsupported"
    }
    if objecting:
        told = "; ".join(f"{name} {complaint}" for name, complaint in objecting.items())
        return "failed", f"{told} ({' and '.join(agreeing)} agrees)" if agreeing else told
    if not any(runtimes[name].independent for name in agreeing):
        told = "; ".join(
            f"{name} {runtime.complaint}" for name, runtime in runtimes.items() if runtime.complaint
        )
        return "inconclusive", "no independent runtime ran the model" + (f": {told}" if told else "")
    return "passed", ""


def _runtime_to_dict(runtime: RuntimeVerdict) -> dict[str, Any]:
    values = {**vars(runtime)}
    values["comparisons"] = {name: item.to_dict() for name, item in runtime.comparisons.items()}
    return values


def _in_one_line(text: str) -> str:
    return " ".join(text.split())[:300]
