"""Starts the process that brings a file to an opset: whatever the file makes of it, it costs that alone."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from pipeline.workers.own import run_own_worker
from pipeline.workers.processes import Limits


@dataclass(frozen=True)
class Refusal:
    """Why a model is not said at an opset."""

    reason: str
    is_proven: bool | None
    """Whether it is known that it cannot be; None where no operator is in the way."""


def retarget_in_process(
    source: Path, opset: int, output: Path, folder: Path, limits: Limits, stop: threading.Event
) -> Refusal | None:
    """Write the model of ``source`` at ``opset`` to ``output``; why it was not written, or None.

    ``folder`` is for the log. Raises WorkerError where the process breaks or exceeds its limits, OSError
    where the disk refuses, and Interrupted.
    """
    answer = run_own_worker(
        "pipeline.workers.retarget_worker",
        {"model": str(source.absolute()), "opset": opset, "output": str(output.absolute())},
        what="retargeting",
        name="retarget",
        folder=folder,
        limits=limits,
        stop=stop,
    )
    if "disk" in answer:
        raise OSError(0, answer["disk"], str(output))
    return Refusal(answer["refused"], answer["proven"]) if "refused" in answer else None
