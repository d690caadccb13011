"""What every stage of one model needs: its job, the plan, the limits, and whom to tell."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.environments.run_environments import RunEnvironments
from pipeline.planning.jobs import ModelJob, Plan, Version
from pipeline.system.interrupts import Interrupted
from pipeline.terminal.progress import Progress
from pipeline.workers.processes import GIBIBYTE, Limits, PeakMemory

if TYPE_CHECKING:
    from publishing.deflated import DeflatedWeights


class StageKind(Enum):
    """The stages of a model: those that all its opsets share, then those of each opset."""

    ENVIRONMENT = "environment"
    FILES = "files"
    PICTURES = "pictures"
    INPUTS = "inputs"
    EXPORT = "export"
    SIMPLIFY = "simplify"
    RETARGET = "retarget"
    PARITY = "parity"
    QUANTIZE = "quantize"
    PUBLISH = "publish"


REMEDY = "where the machine has more, give it as limits: {seconds: N, memory_gib: N} in the pipeline file"

OF_A_UNIT = (StageKind.RETARGET, StageKind.PARITY, StageKind.PUBLISH)


def _title(kind: StageKind, versions: Sequence[Version]) -> str:
    """A stage as a person reads of it: ``export``, ``opset 12-int8: publish``, ``10 opsets: parity``."""
    if not versions:
        return kind.value
    return f"{f'opset {versions[0]}' if len(versions) == 1 else f'{len(versions)} opsets'}: {kind.value}"


class StageTimes:
    """The seconds that stages took which were done this time, and the number of units they were done for."""

    def __init__(self) -> None:
        self._taken: dict[StageKind, tuple[float, int]] = {}
        self._failed: dict[StageKind, float] = {}
        self._peaks: dict[StageKind, PeakMemory] = {}
        self._of_thread = threading.local()

    @property
    def at(self) -> StageKind | None:
        """The stage that this thread began last: one publishes while another verifies."""
        return getattr(self._of_thread, "at", None)

    @at.setter
    def at(self, kind: StageKind) -> None:
        self._of_thread.at = kind

    def peak_memory(self, whole: PeakMemory) -> PeakMemory:
        """Where the processes of the stage under way note their memory, as a part of ``whole``."""
        return self._peaks.setdefault(self.at, PeakMemory(whole)) if self.at else whole

    def note_failure(self, kind: StageKind, seconds: float) -> None:
        """Add what a stage took before it failed, which says nothing of how long it takes."""
        self._failed[kind] = self._failed.get(kind, 0.0) + seconds

    def seconds(self) -> dict[str, float]:
        """What each stage took for a unit, whole for what all units share; of those that failed as well."""
        seconds = {kind: taken / units for kind, (taken, units) in self._taken.items()}
        for kind, failed in self._failed.items():
            seconds[kind] = seconds.get(kind, 0.0) + failed
        return {kind.value: round(taken, 2) for kind, taken in seconds.items()}

    def peaks(self) -> dict[str, int]:
        """The most resident bytes of any process of each stage that had processes."""
        return {kind.value: peak.bytes for kind, peak in self._peaks.items()}

    def note(self, kind: StageKind, seconds: float, units: int = 1) -> None:
        """Add what a stage took for ``units`` units together."""
        before, counted = self._taken.get(kind, (0.0, 0))
        self._taken[kind] = before + seconds, counted + units

    def for_history(self) -> dict[str, float]:
        """The seconds of the fixed inputs, of the export, and of a unit: the mean of each of its stages.

        Every stage is divided by the units that went through it, so a unit that fails half-way makes the
        others no faster. What was not done this time is not said.
        """
        shared = (StageKind.INPUTS, StageKind.EXPORT)
        seconds_by_name = {kind.value: self._taken[kind][0] for kind in shared if kind in self._taken}
        if all(kind in self._taken for kind in OF_A_UNIT):
            taken = [self._taken[kind] for kind in OF_A_UNIT]
            seconds_by_name["unit"] = sum(seconds / units for seconds, units in taken)
        return {name: round(seconds, 2) for name, seconds in seconds_by_name.items()}


@dataclass
class Stage:
    """A stage under way; whoever does it notes whether all of it had been done before."""

    reused: bool = False


@dataclass(frozen=True)
class ModelRun:
    """One job under way. Nothing in it reaches another model."""

    job: ModelJob
    plan: Plan
    progress: Progress
    environments: RunEnvironments
    stop: threading.Event
    """Set when the run is to end; whatever waits looks at it."""
    memory: PeakMemory = field(default_factory=PeakMemory)
    """The most that any of its processes used."""
    times: StageTimes = field(default_factory=StageTimes)
    noted: dict[str, Any] = field(default_factory=dict)
    """What else the history of this machine gets to know of the model."""
    weights: DeflatedWeights | None = None
    """What was deflated for its archives."""

    @property
    def work(self) -> Path:
        """Where this model's unfinished work lies."""
        return self.plan.work / self.job.name

    @property
    def limits(self) -> Limits:
        """What each process of this model may use."""
        limits = self.job.entry.limits
        memory = int(limits.memory_gib * GIBIBYTE)
        return Limits(limits.seconds, memory, self.times.peak_memory(self.memory), remedy=REMEDY)

    @contextmanager
    def stage(self, kind: StageKind, versions: Sequence[Version] = ()) -> Iterator[Stage]:
        """Tell the progress display of a stage. Raises Interrupted where the run is to end.

        ``versions`` are those of the units that it is done for, none where all units share it. The time of
        a stage that fails is not counted among those that it takes.
        """
        if self.stop.is_set():
            raise Interrupted
        stage, begun, title = Stage(), time.monotonic(), _title(kind, versions)
        self.progress.begin(self.job.name, title)
        self.times.at = kind
        try:
            yield stage
        except Exception:
            self.times.note_failure(kind, time.monotonic() - begun)
            self.progress.fail(self.job.name, title)
            raise
        seconds = time.monotonic() - begun
        self.progress.end(self.job.name, title, seconds, stage.reused)
        if not stage.reused:
            self.times.note(kind, seconds, max(1, len(versions)))
