"""The stage that brings a native export to one opset, with what the file says of itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsets.errors import RetargetError
from pipeline.config.schema import RandomWeights
from pipeline.errors import PipelineError
from pipeline.planning.jobs import ModelJob, NamedModel, Unit
from pipeline.stages.export import Export
from pipeline.stages.model_run import ModelRun, StageKind
from pipeline.stages.work_folder import folder_of_unit, make_stage
from publishing.foreign_text import visible
from publishing.metadata import Metadata

if TYPE_CHECKING:
    from opsets import FileRetargeting


def retargeting_of(run: ModelRun, export: Export) -> FileRetargeting:
    """What brings an export to opsets; away from its own, each is made of the one before."""
    from opsets import FileRetargeting, StaticAxes
    from publishing.metadata import describe

    metadata = metadata_of(run.job, export)
    static = StaticAxes(batch=export.batch) if export.batch else None
    return FileRetargeting(export.model, lambda model: describe(model, metadata), static, export.steps)


def away_from(native: int, opset: int) -> tuple[bool, int]:
    """By which opsets are sorted in the order in which each is made of the one before."""
    return opset > native, abs(opset - native)


def retarget_unit(
    run: ModelRun, unit: Unit, export: Export, retargeting: FileRetargeting
) -> tuple[Path, dict[str, Any]]:
    """Make, or find again, the folder with the ``model.onnx`` of a unit.

    Also returns the lines of ``rewrites`` and ``bounds`` that :mod:`opsets` reports. Raises PipelineError.
    """

    def make(staging: Path) -> dict[str, Any]:
        try:
            report = retargeting.write(unit.opset, staging / "model.onnx")
        except RetargetError as error:
            raise PipelineError(visible(str(error)) + _remedy(error)) from error
        rewrites = [*export.answer.get("simplified", ()), *report.rewrites]
        return {"rewrites": rewrites, "bounds": list(report.bounds)}

    folder = run.work / folder_of_unit(unit.version, unit.retarget_key)
    with run.stage(StageKind.RETARGET, [unit.version]) as stage:
        retargeted, stage.reused = make_stage(folder, unit.retarget_key, make)
    return folder, retargeted


def _remedy(error: RetargetError) -> str:
    """What the pipeline file can say so that the model comes further down, where there is something."""
    if not error.open_axes or any(axis for _, axis in error.open_axes):
        return ""
    return "; a fixed batch is published with batches: [1] in the pipeline file"


def metadata_of(job: ModelJob, export: Export) -> Metadata:
    """What every file of a job says of itself, inside."""
    return Metadata(
        framework=job.source.title,
        domain=job.source.domain,
        model=job.published_name,
        license=license_of(job),
        author=job.entry.author or "",
        weights=export.origin,
        preprocessing=export.preprocessing,
        labels=export.labels.names if export.labels else (),
    )


def license_of(job: ModelJob) -> str:
    """The licence of a job's weights as the pipeline file says it; of random ones, the framework's.

    Random weights are nobody's work: what is left is the network, which is the framework's. Empty where
    nobody stated one.
    """
    stated, weights = job.entry.license, job.entry.weights
    is_random = weights == "random" or isinstance(weights, RandomWeights)
    own = is_random and isinstance(job.model, NamedModel)  # a folder brings weights of its own
    return stated or (job.source.license if own else "")
