"""What interrupted, failed and older runs left in the work folder: what stays, and what goes.

Of a model that is published whole nothing stays. Of one that is not, its fixed inputs and its native
export stay for the next run, and the files of the units that failed, with what the runtimes computed
from them, for a look; the next run of the model takes these up or replaces them.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

from pipeline.config.schema import FIRST_OPSET, LAST_OPSET
from pipeline.planning import keys
from pipeline.planning.jobs import ModelJob, Plan
from pipeline.stages.model_run import ModelRun
from pipeline.system.locks import locked


def folder_of_inputs(job: ModelJob) -> str:
    """The name of the folder of a job's fixed inputs, in the work folder of its model."""
    return f"inputs-{job.inputs_key[:12]}"


def folder_of_export(job: ModelJob) -> str:
    """The name of the folder of a job's native export."""
    return f"export-{job.export_key[:12]}"


def folder_of_unit(opset: int, retarget_key: str) -> str:
    """The name of the folder of the file for one opset."""
    return f"opset-{opset}-{retarget_key[:12]}"


def _useful(job: ModelJob) -> Iterator[str]:
    """The folders in the work folder of a job that a run may take up."""
    yield folder_of_inputs(job)
    yield folder_of_export(job)
    done = {unit.opset for unit in job.units if unit.done}
    for opset in range(FIRST_OPSET, LAST_OPSET + 1):
        if opset not in done:  # another selection may want the opsets that this one leaves out
            yield folder_of_unit(opset, keys.retarget_key(job.export_key, job.entry, opset))


def tidy(run: ModelRun) -> None:
    """Remove what no run of this model will take up: halves, and files of other keys. The lock is held."""
    useful = set(_useful(run.job))
    for folder in run.work.glob("*"):
        if folder.name not in useful and folder.is_dir():
            shutil.rmtree(folder)


def clear_published(plan: Plan, stop: threading.Event) -> None:
    """Remove the unfinished work of models that are published whole: a killed run could not do it."""
    for job in plan.jobs:
        work: Path = plan.work / job.name
        if job.done and job.whole and work.exists():
            with locked(work, stop):
                shutil.rmtree(work, ignore_errors=True)
