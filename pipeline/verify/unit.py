"""Checks one downloaded model with its archive: in a process of its own, then in every runtime at hand."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from parity.call import Run, RuntimeCall
from parity.compare import Array, Tolerance
from parity.runtimes.registry import asked_at
from parity.verdict import judge
from pipeline.errors import WorkerError
from pipeline.workers.own import run_own_worker
from pipeline.workers.processes import GIBIBYTE, Limits
from pipeline.workers.runtimes import runs_of_file, without_log
from publishing.inspection.lists import Finding
from publishing.record import Record, to_json

LIMITS = Limits(seconds=1800, memory=8 * GIBIBYTE)
_NEWEST = 21
"""The opset whose runtimes are asked about newer ones as well."""


@dataclass(frozen=True)
class UnitFiles:
    """What is there of a unit on this machine, with what messages call it; None where it is not there."""

    model_name: str
    model: Path | None
    model_sha256: str | None
    """The digest that the model has, or should have; None where nobody knows."""
    archive_name: str
    archive: Path | None
    record: Record | None


@dataclass
class Examined:
    """What was found out about a unit."""

    findings: list[Finding] = field(default_factory=list)
    unchecked: list[Finding] = field(default_factory=list)
    """What could not be checked."""
    notes: list[str] = field(default_factory=list)
    """What is worth knowing, and wrong with nothing."""
    runtimes: dict[str, str] = field(default_factory=dict)
    """The versions of those that computed the right numbers."""


def examine(unit: UnitFiles, folder: Path, stop: threading.Event, relative: float | None = None) -> Examined:
    """Check what is there of a unit. ``folder`` is empty, and the caller's to remove.

    ``relative`` bounds the largest error of a runtime as a share of the largest reference output; where it
    is None, it is that of the record, or the default.

    Raises:
        OSError: the disk refuses what is unpacked.
    """
    examined = Examined()
    result = _inspected(unit, unit.archive, folder / "archive", examined, stop)
    subject = unit.archive_name if unit.archive else unit.model_name
    same = result.get("sha256") in (None, unit.model_sha256)
    if unit.archive and not same and unit.model_sha256:
        examined.findings.append(
            Finding(subject, f"holds another model than {unit.model_name}: its sha256 is {result['sha256']}")
        )
    for about, what in result.get("problems", ()):
        if about == "archive":
            examined.findings.append(Finding(unit.archive_name, what))
        elif unit.archive and not (same and unit.model):
            examined.findings.append(Finding(unit.archive_name, f"its model {what}"))
        else:
            examined.findings.append(Finding(unit.model_name, what))
    if unit.archive and unit.model and (not result.get("sha256") or not same):
        alone = _inspected(unit, None, folder / "model", examined, stop)
        examined.findings += [Finding(unit.model_name, what) for _, what in alone.get("problems", ())]
    if result.get("not_run"):
        examined.unchecked.append(Finding(subject, f"its test data was not run: {result['not_run']}"))
    elif result.get("inputs"):
        runs = _runs(result, folder / "runs", stop)
        _judge(unit, result, runs, _tolerance(unit.record, relative), examined)
    return examined


def _inspected(
    unit: UnitFiles, archive: Path | None, folder: Path, examined: Examined, stop: threading.Event
) -> dict[str, Any]:
    """The worker's result; where its process failed, a finding and nothing."""
    content = folder / "content"
    content.mkdir(parents=True)
    request: dict[str, Any] = {"folder": str(content), "archive": archive and str(archive.absolute())}
    request["model"] = str(unit.model.absolute()) if unit.model and not archive else None
    request["record"] = str(folder / "record.json") if unit.record else None
    if unit.record:
        (folder / "record.json").write_text(to_json(unit.record), encoding="utf-8")
    try:
        result = run_own_worker(
            "pipeline.verify.inspection_worker",
            request,
            what="the process that checks it",
            name="inspection",
            folder=folder,
            limits=LIMITS,
            stop=stop,
        )
    except WorkerError as error:
        name = unit.archive_name if archive else unit.model_name
        examined.findings.append(Finding(name, f"could not be checked: {without_log(str(error))}"))
        return {}
    if "error" in result:
        raise OSError(*result["error"])
    return dict(result)


def _runs(result: Mapping[str, Any], folder: Path, stop: threading.Event) -> dict[str, Run]:
    """What each runtime at hand computes of the test data."""
    inputs, models = Path(result["inputs"]), {"model": Path(result["model"])}
    asked = asked_at(min(result["opset"], _NEWEST), quantized=result["quantized"])
    calls = [RuntimeCall(name, models, inputs, folder / name) for name in asked]
    runs = runs_of_file(calls, LIMITS, stop)
    return {name: replace(run, outputs=_flat(run.outputs)) for name, run in runs.items()}


def _judge(
    unit: UnitFiles,
    result: Mapping[str, Any],
    runs: Mapping[str, Run],
    tolerance: Tolerance,
    examined: Examined,
) -> None:
    """Compare what was computed with the outputs that came with the test data."""
    if not runs:
        what = f"its test data was not run: no runtime at hand runs opset {result['opset']}"
        examined.unchecked.append(Finding(unit.archive_name, what))
        return
    verdict = judge(_flat(_arrays(Path(result["outputs"]))), runs, tolerance)
    agreeing = {name: runtime.version for name, runtime in verdict.runtimes.items() if runtime.agrees}
    independent = any(verdict.runtimes[name].independent for name in agreeing)
    objections = [runtime for runtime in verdict.runtimes.values() if runtime.objects]
    if verdict.status == "passed" or (independent and not objections):
        examined.runtimes |= agreeing
        if verdict.reason:
            examined.notes.append(f"{unit.archive_name}: its test data says little: {verdict.reason}")
        if verdict.dissent:
            examined.notes.append(f"{unit.archive_name}: a second opinion: {verdict.dissent}")
        return
    what = "its test data fails" if verdict.status == "failed" else "its test data proves nothing"
    reason = without_log(verdict.reason)
    examined.findings.append(Finding(unit.archive_name, f"{what}: {reason}"))


def _tolerance(record: Record | None, relative: float | None) -> Tolerance:
    """That of the record, under which the file was published, or the default; with another bound if asked."""
    recorded = record.verdict.get("tolerance") if record else None
    try:
        tolerance = Tolerance(**recorded) if recorded else Tolerance()
    except (TypeError, ValueError):
        tolerance = Tolerance()
    return replace(tolerance, relative=relative) if relative else tolerance


def _arrays(file: Path) -> dict[str, Array]:
    with np.load(file, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _flat(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The arrays as (N, everything else): some classifiers end in (N, classes, 1, 1)."""
    return {
        name: array.reshape(array.shape[0], -1) if array.ndim > 2 and array.size else array
        for name, array in arrays.items()
    }
