"""What every stage of one model needs: its job, the plan, the limits, and whom to tell."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.environments.of_a_run import RunEnvironments
from pipeline.planning.jobs import ModelJob, Plan
from pipeline.system.interrupts import Interrupted
from pipeline.terminal.progress import Progress
from pipeline.workers.processes import GIBIBYTE, Limits, PeakMemory


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
    seconds: dict[str, float] = field(default_factory=dict)
    """What each stage took that was done this time, by its name."""
    noted: dict[str, Any] = field(default_factory=dict)
    """What else the history of this machine gets to know of the model."""

    @property
    def work(self) -> Path:
        """Where this model's unfinished work lies."""
        return self.plan.work / self.job.name

    @property
    def limits(self) -> Limits:
        """What each process of this model may use."""
        said = self.job.entry.limits
        return Limits(said.seconds, int(said.memory_gib * GIBIBYTE), self.memory)

    @contextmanager
    def stage(self, name: str) -> Iterator[Stage]:
        """Tell the progress display of a stage. Raises Interrupted where the run is to end."""
        if self.stop.is_set():
            raise Interrupted
        stage, begun = Stage(), time.monotonic()
        self.progress.begin(self.job.name, name)
        yield stage
        seconds = time.monotonic() - begun
        self.progress.end(self.job.name, name, seconds, stage.reused)
        if not stage.reused:
            self.seconds[name] = seconds
