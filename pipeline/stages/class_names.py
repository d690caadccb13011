"""The names of a model's classes: as the pipeline file gives them, or else as the model itself says them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from evaluation.errors import EvaluationError
from evaluation.label_files import Labels, checked_names, read_label_file, why_unfit
from pipeline.config.labels import labels_in
from pipeline.config.mmcls_config import is_beside
from pipeline.errors import PipelineError
from pipeline.planning.jobs import FileModel, ModelJob
from pipeline.planning.own_models import ConfigModel
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


def _labels_in(file: Path, job: ModelJob) -> Labels:
    """The names in a file that the config of a job says. Raises EvaluationError."""
    if not isinstance(job.model, ConfigModel) or not is_beside(file, job.model.files[0]):
        raise EvaluationError(f"they are in {file}, which is not beside its config: copy it there")
    if file not in job.model.label_files:
        raise EvaluationError(f"its config computes the name of their file, {file}: write it as it is")
    return read_label_file(file)


def _labels_of_model(job: ModelJob, export: Export) -> Labels | None:
    if isinstance(job.model, FileModel):
        from opsets import read_graph

        return labels_in(read_graph(job.model.file), job.model.file)
    said = export.answer.get("labels")
    if said and "file" in said:
        return _labels_in(Path(said["file"]), job)
    return Labels(checked_names(said["names"]), said["origin"]) if said else None
