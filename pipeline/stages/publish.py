"""The stage that publishes a unit which computes the same, or says why it does not."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.planning.jobs import Unit
from pipeline.results import Result
from pipeline.stages.description import data_sets_of, description_of
from pipeline.stages.export import Export
from pipeline.stages.model_run import ModelRun, StageKind
from pipeline.stages.parity import Verification

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class Candidate:
    """A unit whose file is made, and not verified yet."""

    unit: Unit
    folder: Path
    graph: onnx.ModelProto
    """The file without its weights."""
    retargeted: dict[str, Any]
    """What was rewritten, and the bounds of what is not exact."""
    figures: dict[str, Any]
    """What is counted in the file, beside what documents say of the model."""
    seconds: float

    @property
    def model(self) -> Path:
        return self.folder / "model.onnx"


def publish_candidate(
    run: ModelRun, candidate: Candidate, export: Export, verification: Verification
) -> Result:
    """Publish a unit where its verdict is good; how it ended. Raises PublishError."""
    from publishing.units import Material, publish

    unit = candidate.unit
    if not verification.passed:
        return _refused(candidate, verification)
    with run.stage(StageKind.PUBLISH, [unit.opset]):
        description = description_of(
            run.job, unit, export, candidate.retargeted, verification, candidate.figures
        )
        pictures = dict(export.thumbnails)
        material = Material(candidate.model, candidate.graph, data_sets_of(export), pictures)
        publish(run.plan.zoo, material, description)
        shutil.rmtree(candidate.folder)
    return Result(
        unit.name,
        "published",
        verification.largest_error,
        verification.runtimes,
        reason=_reservations(verification),
    )


def _reservations(verification: Verification) -> str:
    """What there is to say of a unit that is published; empty where all who were asked agree."""
    dissent, missing = verification.verdict.dissent, verification.verdict.missing
    reservations = [f"a second opinion differs: {dissent}"] if dissent else []
    reservations += [f"a second opinion could not be had (--fresh asks again): {missing}"] if missing else []
    return f"published, but {'; '.join(reservations)}" if reservations else ""


def _refused(candidate: Candidate, verification: Verification) -> Result:
    """The result of a unit whose verdict is bad; its files stay for a look."""
    verdict = verification.verdict
    return Result(
        candidate.unit.name,
        "inconclusive" if verdict.status == "inconclusive" else "failed",
        verification.largest_error,
        verification.runtimes,
        reason=f"{verdict.reason}. Not published; its files are in {candidate.folder}",
    )
