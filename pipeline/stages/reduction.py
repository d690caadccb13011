"""The stage that brings a verified graph to a lower precision, with the gate that it has to pass."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

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
    begun = _Made(run, unit, base, export)
    folder, report = begun.made()
    outputs = begun.exact_outputs(folder)
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


@dataclass(frozen=True)
class _Made:
    run: ModelRun
    unit: Unit
    base: Candidate
    export: Export

    def made(self) -> tuple[Path, dict[str, Any]]:
        """The folder with the file, and what the record says of how it was made."""
        run, unit = self.run, self.unit
        folder = run.work / folder_of_unit(unit.version, unit.graph_key)
        with run.stage(StageKind.QUANTIZE, [unit.version]) as stage:
            report, stage.reused = make_stage(folder, unit.graph_key, self._make)
        return folder, report

    def _make(self, staging: Path) -> dict[str, Any]:
        run, unit, entry = self.run, self.unit, self.run.job.entry
        pictures = chosen_pictures(entry, run.plan.folder, [path for _, path in self.export.pictures])
        reduction = Reduction(
            self.base.model,
            unit.opset,
            unit.version.variant,
            self.export.preprocessing,
            pictures,
            entry.quantization.model_dump(mode="json"),
            labels_of(entry, run.plan.folder, pictures, self.export.classes),
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

    def exact_outputs(self, folder: Path) -> dict[str, Array]:
        """The outputs for the fixed inputs in exact arithmetic: what the test data holds."""
        scratch = self.run.work / f"exact-{self.unit.version}"
        shutil.rmtree(scratch, ignore_errors=True)
        call = RuntimeCall("exact", {"model": folder / "model.onnx"}, self.export.inputs, scratch, THREADS)
        answer = runs_of(call, self.run.limits, self.run.stop)["model"]
        shutil.rmtree(scratch, ignore_errors=True)
        if answer.outcome != "ran":
            raise PipelineError(f"{self.unit.name} cannot be computed exactly: {answer.reason}")
        return {name: np.asarray(values) for name, values in answer.outputs.items()}


def _graph(folder: Path) -> Any:
    from opsets import read_graph

    return read_graph(folder / "model.onnx")
