"""The work folder: stages are made once, whole, and found again; what stays of them, and what goes.

Of a model that is published whole nothing stays. Of one that is not, its fixed inputs and its native
export stay for the next run, and the files of the units that failed, with what the runtimes computed
from them, for a look; the next run of the model takes these up or replaces them.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pipeline.config.versions import FIRST_OPSET, LAST_OPSET
from pipeline.planning import keys
from pipeline.planning.jobs import SIMPLIFIED, ModelJob, Plan, Version, batch_variant
from pipeline.stages.model_run import ModelRun
from pipeline.system.files import read_note, sha256_of_file, write_note
from pipeline.system.locks import locked

_DONE = "done.json"


def done_before(folder: Path, key: str) -> dict[str, Any] | None:
    """The result of the stage in ``folder`` where it was made for ``key`` and its files are intact."""
    done = read_note(folder / _DONE)
    if done is None or done["key"] != key:
        return None
    for name, sha256 in done["files"].items():
        path = folder / name
        if not path.is_file() or sha256_of_file(path) != sha256:
            return None
    result: dict[str, Any] = done["result"]
    return result


def digest_as_made(folder: Path, name: str) -> str:
    """The sha256 in hex that a file of a stage had when it was made or found to be intact."""
    done = read_note(folder / _DONE)
    digest: str = done["files"][name] if done else sha256_of_file(folder / name)
    return digest


def make_stage(folder: Path, key: str, make: Callable[[Path], dict[str, Any]]) -> tuple[dict[str, Any], bool]:
    """The JSON result of a stage and whether it had been made before.

    ``make`` fills an empty folder and returns the result; the folder gets its name only when it is
    whole. What a failed attempt leaves stays in ``<folder>.part`` for a look.
    """
    earlier = done_before(folder, key)
    if earlier is not None:
        return earlier, True
    staging = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    result = make(staging)
    files = sorted(path for path in staging.rglob("*") if path.is_file())
    digests = {str(path.relative_to(staging)): sha256_of_file(path) for path in files}
    write_note(staging / _DONE, {"key": key, "result": result, "files": digests})
    shutil.rmtree(folder, ignore_errors=True)
    staging.rename(folder)
    return result, False


def folder_of_inputs(job: ModelJob) -> str:
    """The name of the folder of a job's fixed inputs, in the work folder of its model."""
    return f"inputs-{job.inputs_key[:12]}"


def folder_of_export(job: ModelJob) -> str:
    """The name of the folder of a job's native export."""
    return f"export-{job.export_key[:12]}"


def folder_of_simplified(job: ModelJob) -> str:
    """The name of the folder of a job's native export in the form for deployment."""
    return f"simplified-{keys.simplify_key(job.base_key)[:12]}"


def folder_of_embedded(job: ModelJob) -> str:
    """The name of the folder of the data sets for files with embedded steps."""
    return f"embedded-{job.base_key[:12]}"


def folder_of_batch(job: ModelJob, batch: int) -> str:
    """The name of the folder of a job's data sets for a fixed batch."""
    return f"batch{batch}-{keys.batch_key(job.base_key, batch)[:12]}"


def folder_of_unit(version: Version, graph_key: str) -> str:
    """The name of the folder of the file for one version."""
    return f"opset-{version}-{graph_key[:12]}"


def _useful(job: ModelJob) -> Iterator[str]:
    """The folders in the work folder of a job that a run may take up."""
    yield folder_of_inputs(job)
    yield folder_of_export(job)
    yield folder_of_embedded(job)
    done = {unit.version for unit in job.units if unit.done}
    variants = ["", *map(batch_variant, job.entry.fixed_batches)]
    yield from (folder_of_batch(job, batch) for batch in job.entry.fixed_batches)
    if job.entry.simplify:
        yield folder_of_simplified(job)
        variants.append(SIMPLIFIED)
    for variant in variants:
        for opset in range(FIRST_OPSET, LAST_OPSET + 1):
            version = Version(opset, variant)
            if version not in done:  # another selection may want the opsets that this one leaves out
                native = keys.form_key(job.base_key, version)
                yield folder_of_unit(version, keys.retarget_key(native, job.entry, opset, job.labels))
    for unit in job.units:
        if unit.version.is_reduced and not unit.done:
            yield folder_of_unit(unit.version, unit.graph_key)


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
