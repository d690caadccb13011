"""The stage that makes the form for deployment of a native export, which all opsets of that form share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.planning import keys
from pipeline.stages.export import Export
from pipeline.stages.model_run import ModelRun, StageKind
from pipeline.stages.work_folder import folder_of_simplified, make_stage
from pipeline.workers.simplification import simplify_file


def simplified_export(run: ModelRun, export: Export) -> Export:
    """``export`` with its model simplified: BatchNormalization merged into convolutions, constants folded.

    What it is verified against stays: the source framework's own outputs. Raises PipelineError where
    onnxsim is not installed or refuses the model.
    """

    def make(staging: Path) -> dict[str, Any]:
        lines = simplify_file(export.model, staging / "model.onnx", staging, run.limits, run.stop)
        return {"simplified": lines}

    folder = run.work / folder_of_simplified(run.job)
    with run.stage(StageKind.SIMPLIFY) as stage:
        result, stage.reused = make_stage(folder, keys.simplify_key(run.job.base_key), make)
    return replace(export, folder=folder, answer=export.answer | result)
