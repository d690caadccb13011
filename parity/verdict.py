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
    judge: bool
    """Whether its word alone decides; it is a second opinion otherwise."""
    comparisons: Mapping[str, Comparison]

    @property
    def agrees(self) -> bool:
        """Whether it ran the model and every data set passed."""
        return self.outcome == "ran" and all(item.passed for item in self.comparisons.values())

    @property
    def objects(self) -> bool:
        """Whether it speaks against the model: not to support it, or not to be there, says nothing."""
        return not self.agrees and self.outcome not in ("unsupported", "missing")

    @property
    def failed(self) -> dict[str, Comparison]:
        """The data sets on which it is too far from the reference."""
        return {name: item for name, item in self.comparisons.items() if not item.passed}

    @property
    def complaint(self) -> str:
        """What is wrong with it in one line; empty where it agrees."""
        if self.outcome != "ran":
            return f"{self.outcome}: {_in_one_line(self.reason)}"
        bad = [f"{name}: {item.reason}" for name, item in self.failed.items()]
        return "disagrees with the reference on " + ", ".join(bad) if bad else ""


@dataclass(frozen=True)
class Verdict:
    """Whether a file may be published; only ``passed`` may.

    ``failed``: a judge computed something else, crashed or ran out of time; so did two second
    opinions, however many others agree, or one where no judge ran the model; or the file breaks a
    rule of its opset. ``inconclusive``: nothing could be found out, because the reference is lifeless
    or no independent runtime knows the model. A runtime that is missing blocks nothing, as it
    would if it did not support the model; nor does it count as one that agrees.
    """

    status: Status
    reason: str
    tolerance: Tolerance
    runtimes: Mapping[str, RuntimeVerdict]

    @property
    def dissent(self) -> str:
        """Which runtime speaks against a model that passed, and where; empty where none does.

        The figures are among those of the runtime.
        """
        if self.status != "passed":
            return ""
        return "; ".join(
            f"{name} disagrees with the reference on {', '.join(runtime.failed)}"
            if runtime.failed
            else f"{name} {runtime.complaint}"
            for name, runtime in self.runtimes.items()
            if runtime.objects
        )

    @property
    def missing(self) -> str:
        """Which runtime was to be asked and could not be, and why; empty where none was."""
        return "; ".join(
            f"{name}: {_in_one_line(runtime.reason)}"
            for name, runtime in self.runtimes.items()
            if runtime.outcome == "missing"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return all of it for JSON, without any value that JSON does not have."""
        return {
            "status": self.status,
            "reason": self.reason,
            "dissent": self.dissent,
            "tolerance": vars(self.tolerance),
            "runtimes": {name: _runtime_to_dict(runtime) for name, runtime in self.runtimes.items()},
        }


def judge(references: Mapping[str, Array], runs: Mapping[str, Run], tolerance: Tolerance) -> Verdict:
    """Judge one file by its runs, which are given by the runtimes' names.

    ``references`` are the source framework's logits, float32 (N, classes) per data set.
    """
    runtimes = {
        name: runtime_verdict(
            name, run, _comparisons(references, run, tolerance) if run.outcome == "ran" else {}
        )
        for name, run in runs.items()
    }
    return decide(lifeless(references, tolerance), runtimes, tolerance)


def decide(dead: str, runtimes: Mapping[str, RuntimeVerdict], tolerance: Tolerance) -> Verdict:
    """The verdict on what is said of each runtime; ``dead`` says why the references prove nothing, if so."""
    status, reason = _status(dead, runtimes)
    return Verdict(status, reason, tolerance, runtimes)


def _comparisons(references: Mapping[str, Array], run: Run, tolerance: Tolerance) -> dict[str, Comparison]:
    return {
        data_set: compare(reference, run.outputs[data_set], tolerance)
        if data_set in run.outputs
        else Comparison(passed=False, reason="there is no output")
        for data_set, reference in references.items()
    }


def runtime_verdict(name: str, run: Run, comparisons: Mapping[str, Comparison]) -> RuntimeVerdict:
    """What is said of the runtime ``name``, by what became of the model in it."""
    return RuntimeVerdict(
        run.outcome,
        run.reason,
        run.version,
        run.seconds,
        RUNTIMES[name].INDEPENDENT,
        RUNTIMES[name].JUDGE,
        comparisons,
    )


def _status(dead: str, runtimes: Mapping[str, RuntimeVerdict]) -> tuple[Status, str]:
    if dead:
        return "inconclusive", dead
    agreeing = {name: runtime for name, runtime in runtimes.items() if runtime.agrees}
    objecting = {name: runtime for name, runtime in runtimes.items() if runtime.objects}
    if _blocked(agreeing, objecting):
        agrees = f" ({' and '.join(agreeing)} agree{'s' if len(agreeing) == 1 else ''})" if agreeing else ""
        return "failed", _complaints(objecting) + agrees
    if not any(runtime.independent for runtime in agreeing.values()):
        complaints = _complaints(runtimes)
        return "inconclusive", "no independent runtime ran the model" + (
            f": {complaints}" if complaints else ""
        )
    return "passed", ""


def _blocked(agreeing: Mapping[str, RuntimeVerdict], objecting: Mapping[str, RuntimeVerdict]) -> bool:
    """Whether an objection counts: only that of one second opinion against a judge does not."""
    if any(runtime.judge or runtime.outcome == "invalid" for runtime in objecting.values()):
        return True
    return len(objecting) > (1 if any(runtime.judge for runtime in agreeing.values()) else 0)


def _complaints(runtimes: Mapping[str, RuntimeVerdict]) -> str:
    return "; ".join(f"{name} {runtime.complaint}" for name, runtime in runtimes.items() if runtime.complaint)


def _runtime_to_dict(runtime: RuntimeVerdict) -> dict[str, Any]:
    values = {**vars(runtime)}
    values["comparisons"] = {name: item.to_dict() for name, item in runtime.comparisons.items()}
    return values


def _in_one_line(text: str) -> str:
    return " ".join(text.split())[:300]
