"""The stage that cuts the fixed inputs of a model, and what its framework says to them, to a fixed batch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.planning import keys
from pipeline.stages.export import Export
from pipeline.stages.model_run import ModelRun
from pipeline.stages.work_folder import folder_of_batch, make_stage


def export_of_batch(run: ModelRun, export: Export, batch: int) -> Export:
    """``export`` with data sets of ``batch`` pictures each, for files that take no other number.

    The pictures are those of ``export``, and each is compared with the logits that the source framework gave
    for it there: see :func:`evaluation.inputs.in_batches`.
    """
    from evaluation.inputs import in_batches, write_npz

    def make(staging: Path) -> dict[str, Any]:
        write_npz(staging / "inputs.npz", in_batches(export.input_arrays(), batch))
        write_npz(staging / "outputs.npz", in_batches(export.references(), batch))
        return {}

    folder = run.work / folder_of_batch(run.job, batch)
    make_stage(folder, keys.batch_key(run.job.base_key, batch), make)
    return replace(export, inputs=folder / "inputs.npz", outputs=folder / "outputs.npz", batch=batch)
