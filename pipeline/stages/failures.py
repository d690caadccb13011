"""What becomes of a model or a unit where a step of its way fails."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from evaluation.errors import EvaluationError
from opsets.errors import RetargetError
from parity.errors import ParityError
from pipeline.errors import PipelineError, VerdictError
from pipeline.results import DISK, Result, Status
from pipeline.stages.model_run import ModelRun
from pipeline.system.interrupts import Interrupted
from publishing.addresses import without_secrets
from publishing.errors import PublishError
from publishing.foreign_text import visible

Made = TypeVar("Made")

_EXPECTED = (EvaluationError, RetargetError, ParityError, PublishError)


def traceback_file(run: ModelRun) -> Path:
    """Where the traceback of a defect of ours is written, until another run of the model begins."""
    return run.work.with_name(f"{run.work.name}.traceback.txt")


def guarded(run: ModelRun, step: Callable[[], Made]) -> Made | Result:
    """What ``step`` returns, or the result that its failure amounts to, under the name of the model."""
    try:
        return step()
    except Interrupted:
        return Result(run.job.name, "interrupted")
    except Exception as error:  # noqa: BLE001 - a defect of ours costs this model only
        status: Status = "inconclusive" if isinstance(error, VerdictError) else "failed"
        cause, reason = _explained(run, error)
        stage = run.times.at.value if run.times.at else ""
        return Result(run.job.name, status, reason=reason, stage=stage, cause=cause)


def _explained(run: ModelRun, error: Exception) -> tuple[str, str]:
    """What kind of failure ``error`` is, and what is said of it."""
    if isinstance(error, PipelineError):
        return error.cause, str(error)
    if isinstance(error, _EXPECTED):  # their lines are not ours: they tell what files say
        return "refused", visible(str(error))
    if isinstance(error, OSError):
        reason = error.strerror or str(error)
        return DISK, f"{reason}: {error.filename or run.work}. Make room, or make it writable"
    log = traceback_file(run)
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(without_secrets(traceback.format_exc()), encoding="utf-8")
    except OSError as full:
        what = f"{type(error).__name__}, whose traceback cannot be written: {full.strerror}"
        return "defect", f"a defect in the pipeline, {what}"
    return "defect", f"a defect in the pipeline: please report {log}"
