"""The names of a model's classes: as the pipeline file gives them, or else as the model itself says them."""

from __future__ import annotations

from dataclasses import replace

from evaluation.errors import EvaluationError
from evaluation.label_files import Labels, checked_names, why_unfit
from pipeline.config.labels import labels_in
from pipeline.errors import PipelineError
from pipeline.planning.jobs import FileModel, ModelJob
from pipeline.stages.export import Export
from pipeline.stages.model_run import ModelRun
from publishing.foreign_text import visible

_SHOWN = 3


def labelled(run: ModelRun, export: Export) -> Export:
    """``export`` with the names of its classes, which are told where the pipeline file does not say them.

    Raises PipelineError where what the model says of them is none, or where they are of another number.
    """
    labels = labels_of(run.job, export)
    if labels and not run.job.labels:
        first = ", ".join(labels.names[:_SHOWN]) + (", ..." if len(labels.names) > _SHOWN else "")
        run.progress.note(run.job.name, f"{labels.origin} names the classes: {first}")
    return replace(export, labels=labels)


def labels_of(job: ModelJob, export: Export) -> Labels | None:
    """The names of the classes, where somebody says them, a name for each of them. Raises PipelineError."""
    try:
        labels = job.labels or _labels_of_model(job, export)
    except EvaluationError as error:
        raise PipelineError(
            f"the names of classes that {job.name} brings cannot be used: {visible(str(error))}. Say labels: "
            "FILE, with a name for each class"
        ) from error
    reason = why_unfit(labels, export.classes) if labels else None
    if reason:
        raise PipelineError(visible(reason))
    return labels


def _labels_of_model(job: ModelJob, export: Export) -> Labels | None:
    if isinstance(job.model, FileModel):
        from opsets import read_graph

        return labels_in(read_graph(job.model.file), job.model.file)
    said = export.answer.get("labels")
    return Labels(checked_names(said["names"]), said["origin"]) if said else None
