"""ONNX files that others made, as a source: each is brought to an opset and compared with what it was."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from parity.compare import Tolerance
from pipeline.equivalence.comparing import Compared, compare_files
from pipeline.equivalence.graphs import Graph, read
from pipeline.errors import PipelineError, UsageError, VerdictError
from pipeline.stages.parity import Verification
from pipeline.sweeps.rows import own_versions
from pipeline.workers.processes import GIBIBYTE, Limits, PeakMemory
from pipeline.workers.retargeting import retarget_in_process
from pipeline.workers.runtimes import without_log
from publishing.coverage import ONNX_FILES, VERIFIED, Row

IMPOSSIBLE, NOT_KNOWN = "impossible", "not known to be possible"
"""Causes of a refusal: that there is no older form is proven, or nobody has shown one."""
_CAUSES = {True: IMPOSSIBLE, False: NOT_KNOWN, None: PipelineError.cause}
NO_MODEL = "no model"
NOT_RUN = "not run"
"""A runtime that decides does not run what was made, and none that does computes anything else."""
_FACTOR = 10
"""So many times as far as runtimes are apart on a file itself says nothing of what is made of it: of a
quantised model that ONNX Runtime and OpenVINO compute 0.0009 apart, ONNX Runtime without its optimisations
0.0016, the same numbers at another opset were seen to be 0.0008 to 0.0034 off."""


@dataclass(frozen=True)
class SweptFile:
    """A file of a sweep."""

    path: Path
    name: str
    """``onnx/<its path in what is swept, without .onnx>``."""

    @property
    def family(self) -> str:
        """The folder that it lies in, the first below what is swept; itself, where it lies in none."""
        return self.name.split("/")[1]

    @property
    def arrays(self) -> Path | None:
        """The .npz file of its name beside it, with the inputs that it is compared on, if there is one."""
        beside = self.path.with_suffix(".npz")
        return beside if beside.exists() else None


@dataclass(frozen=True)
class ProcessLimits:
    """Of each process."""

    seconds: float
    memory_gib: float

    def fresh(self) -> Limits:
        """These limits, with a peak of their own."""
        return Limits(self.seconds, int(self.memory_gib * GIBIBYTE), PeakMemory())


def files_of(places: Sequence[Path]) -> list[SweptFile]:
    """The ``.onnx`` files that are named, and those anywhere in the folders that are, in one order.

    Raises UsageError where something is not there, is another kind of file, or has none in it.
    """
    files: set[Path] = set()
    for place in places:
        if not place.exists():
            raise UsageError(f"{place}: there is no such file or folder.")
        inside = set(place.rglob("*.onnx")) if place.is_dir() else {place}
        if not inside or (place.suffix != ".onnx" and not place.is_dir()):
            raise UsageError(f"{place}: there is no ONNX file; their names end with .onnx.")
        files |= {Path(os.path.abspath(file)) for file in inside if not file.is_dir()}  # noqa: PTH100
    tops = [Path(os.path.abspath(place)) for place in places]  # noqa: PTH100 - links keep their names
    root = os.path.commonpath([top if top.is_dir() else top.parent for top in tops])
    return [
        SweptFile(path, f"{ONNX_FILES}/{path.relative_to(root).with_suffix('').as_posix()}")
        for path in sorted(files)
    ]


@dataclass
class _Progress:
    """How far a file came, and what each stage took."""

    limits: ProcessLimits
    at: str = "read"
    seconds: dict[str, float] = field(default_factory=dict)
    peaks: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[Limits]:
        self.at, limits, begun = name, self.limits.fresh(), time.monotonic()
        try:
            yield limits
        finally:
            self.seconds[name] = round(time.monotonic() - begun, 2)
            self.peaks[name] = limits.peak.bytes


class _EndedError(PipelineError):
    """What a file did not get past."""

    def __init__(self, cause: str, reason: str) -> None:
        super().__init__(reason)
        self.cause = cause


def row_of(file: SweptFile, opset: int, limits: ProcessLimits, folder: Path, stop: threading.Event) -> Row:
    """Bring ``file`` to ``opset`` and compare the two; what became of it, whatever that is.

    ``folder`` is empty, and the caller's to remove. Raises OSError where the disk refuses, and Interrupted.
    """
    progress = _Progress(limits)
    row = Row(
        model=file.name,
        opset=opset,
        stage=VERIFIED,
        cause="",
        reason="",
        family=file.family,
        parameters=None,
        error=None,
        runtimes={},
        seconds=progress.seconds,
        peak_memory=progress.peaks,
        versions=own_versions(),
    )
    try:
        compared = _compared(file, opset, progress, folder, stop)
    except PipelineError as error:
        return replace(row, stage=progress.at, cause=error.cause, reason=_told(error, file, folder))
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 - a defect of ours costs this file only
        reason = _told(PipelineError(f"{type(error).__name__}: {error}"), file, folder)
        return replace(row, stage=progress.at, cause="defect", reason=reason)
    verification = Verification(compared.equivalence.verdict, {})
    row = replace(row, error=verification.largest_error, runtimes=verification.runtimes)
    cause, note = _judged(compared)
    if not cause:
        return replace(row, reason=note)
    reason = _told(PipelineError(verification.verdict.reason), file, folder)
    return replace(row, stage="parity", cause=cause, reason=f"{reason}; {note}" if note else reason)


def _judged(compared: Compared) -> tuple[str, str]:
    """Why the two are not the same, as a cause, and what else there is to say; both empty where they are."""
    verdict, apart = compared.equivalence.verdict, compared.apart or 0.0
    if verdict.status == "passed":
        return "", ""
    if verdict.status == "inconclusive":
        return VerdictError.cause, ""
    differing = [one for one in verdict.runtimes.values() if one.outcome == "ran" and not one.agrees]
    if not differing:
        return NOT_RUN, ""
    errors = [each.relative_error for one in differing for each in one.failed.values()]
    limit = _FACTOR * apart
    if apart <= verdict.tolerance.relative or any(error is None or error > limit for error in errors):
        return "another result", ""
    note = f"runtimes are {apart:.2g} apart on the file as it came"
    failing = [one for one in verdict.runtimes.values() if one.objects and one.outcome != "ran"]
    blocking = len(failing) > 1 or any(one.judge or one.outcome == "invalid" for one in failing)
    deciding = any(one.agrees and one.judge and one.independent for one in verdict.runtimes.values())
    return ("" if deciding and not blocking else VerdictError.cause), note


def _compared(
    file: SweptFile, opset: int, progress: _Progress, folder: Path, stop: threading.Event
) -> Compared:
    with progress.stage("read"):
        graph = _read(file)
    made = folder / "model.onnx"
    with progress.stage("retarget") as limits:
        refusal = retarget_in_process(file.path, opset, made, folder, limits, stop)
    if refusal:
        raise _EndedError(_CAUSES[refusal.is_proven], refusal.reason)
    (folder / "runs").mkdir()
    with progress.stage("parity") as limits:
        arrays = (file.arrays, Tolerance().relative)
        return compare_files(graph, read(made), *arrays, folder / "runs", stop, limits)


def _read(file: SweptFile) -> Graph:
    try:
        return read(file.path)
    except UsageError as error:
        raise _EndedError(NO_MODEL, str(error)) from error


def _told(error: PipelineError, file: SweptFile, folder: Path) -> str:
    """What is said of it, in one line and without folders of this machine: ledgers are for others, too."""
    line = without_log(error.lines[0]).removeprefix("--inputs: ").removeprefix(f"{file.path}: ")
    return line.replace(f"{file.path.parent}/", "").replace(f"{folder}/", "")
