"""What every stage of one model needs: its job, the plan, the limits, and whom to tell."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.plan import ModelJob, Plan
from pipeline.processes import GIBIBYTE, Interrupted, Limits
from pipeline.progress import Progress


@dataclass
class Stage:
    """A stage under way; whoever does it notes whether all of it had been done before."""

    reused: bool = False


@dataclass(frozen=True)
class ModelContext:
    """One job under way. Nothing in it reaches another model."""

    job: ModelJob
    plan: Plan
    progress: Progress
    stop: threading.Event
    """Set when the run is to end; whatever waits looks at it."""

    @property
    def work(self) -> Path:
        """Where this model's unfinished work lies."""
        return self.plan.work / self.job.name

    @property
    def limits(self) -> Limits:
        """What each process of this model may use."""
        said = self.job.entry.limits
        return Limits(said.seconds, int(said.memory_gib * GIBIBYTE))

    @contextmanager
    def stage(self, name: str) -> Iterator[Stage]:
        """Tell the progress display of a stage. Raises Interrupted where the run is to end."""
        if self.stop.is_set():
            raise Interrupted
        stage, begun = Stage(), time.monotonic()
        self.progress.begin(self.job.name, name)
        yield stage
        self.progress.end(self.job.name, name, time.monotonic() - begun, stage.reused)
