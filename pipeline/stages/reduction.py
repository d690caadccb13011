"""The stage that brings a verified graph to a lower precision, with the gate that it has to pass."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from parity.call import RuntimeCall
from parity.compare import Array
from pipeline.errors import PipelineError, VerdictError
from pipeline.planning.jobs import Unit
from pipeline.stages.export import Export
from pipeline.stages.gate_pictures import chosen_pictures, labels_of
from pipeline.stages.model_run import ModelRun, StageKind
from pipeline.stages.parity import Verification, verify
from pipeline.stages.publish import Candidate
from pipeline.stages.work_folder import folder_of_unit, make_stage
from pipeline.workers.reduction import THREADS, Reduction, reduce_file
from pipeline.workers.runtimes import runs_of

PARITY = {"relative": 0.1, "top1": False, "top5": False}
"""How far a runtime may be from exact arithmetic on the test data. A byte that is rounded the other way is
one level off, and levels are coarse; which class is on top, the gate has looked at."""


@dataclass(frozen=True)
class ReducedCandidate:
    """A file in a lower precision, what its test data says, and what the runtimes made of it."""

    candidate: Candidate
    verification: Verification


def reduce_precision(run: ModelRun, unit: Unit, base: Candidate, export: Export) -> ReducedCandidate:
    """Make the file of ``unit`` of ``base``, which is verified.

    Raises VerdictError where no recipe passes the gate, PipelineError where the model cannot be said in that
    form, and WorkerError where a process breaks.
    """
    folder = run.work / folder_of_unit(unit.version, unit.graph_key)
    with run.stage(StageKind.QUANTIZE, [unit.version]) as stage:
        make = partial(_make, run=run, unit=unit, base=base, export=export)
        report, stage.reused = make_stage(folder, unit.graph_key, make)
    outputs = _exact_outputs(run, unit, folder / "model.onnx", export.inputs)
    candidate = replace(
        base, unit=unit, folder=folder, graph=_graph(folder), reduction=report, outputs=outputs
    )
    with run.stage(StageKind.PARITY, [unit.version]):
        verification = verify(
            {unit.opset: candidate.model},
            export.inputs,
            outputs,
            parity=run.job.entry.parity.model_copy(update=PARITY),
            folder=run.work / f"parity-{unit.version}",
            limits=run.limits,
            stop=run.stop,
            environment_of=run.environments.ensure,
        )[unit.opset]
    return ReducedCandidate(candidate, verification)


def _make(staging: Path, *, run: ModelRun, unit: Unit, base: Candidate, export: Export) -> dict[str, Any]:
    """Write the file into ``staging``; what the record says of how it was made."""
    entry = run.job.entry
    pictures = chosen_pictures(entry, run.plan.folder, [path for _, path in export.pictures])
    reduction = Reduction(
        base.model,
        unit.opset,
        unit.version.variant,
        export.preprocessing,
        pictures,
        entry.quantization.model_dump(mode="json"),
        labels_of(entry, run.plan.folder, pictures, export.classes),
    )
    scratch = staging / "search"
    scratch.mkdir()
    reduced = reduce_file(reduction, scratch, run.limits, run.stop, f"quantising {unit.name}")
    if reduced.reason:
        raise VerdictError(
            f"the gate is missed: {reduced.reason}. Not published; what was tried is in "
            f"{scratch / 'reduction-result.json'}"
        )
    reduced.model.rename(staging / "model.onnx")
    shutil.rmtree(scratch)
    return reduced.report


def _exact_outputs(run: ModelRun, unit: Unit, model: Path, inputs: Path) -> dict[str, Array]:
    """The outputs for the fixed inputs in exact arithmetic: what the test data holds."""
    scratch = run.work / f"exact-{unit.version}"
    shutil.rmtree(scratch, ignore_errors=True)
    call = RuntimeCall("exact", {"model": model}, inputs, scratch, THREADS)
    answer = runs_of(call, run.limits, run.stop)["model"]
    shutil.rmtree(scratch, ignore_errors=True)
    if answer.outcome != "ran":
        raise PipelineError(f"{unit.name} cannot be computed exactly: {answer.reason}")
    return dict(answer.outputs)


def _graph(folder: Path) -> Any:
    from opsets import read_graph

    return read_graph(folder / "model.onnx")
