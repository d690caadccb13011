"""One model's way through the rooms: inputs, export, then for each opset retarget, verify, publish."""

from __future__ import annotations

import shutil
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from evaluation.errors import EvaluationError
from opsets.errors import RetargetError
from parity.errors import ParityError
from pipeline import cache
from pipeline.errors import PipelineError, VerdictError
from pipeline.exports import Export, make_export
from pipeline.locks import locked
from pipeline.plan import ModelJob, Plan, Unit
from pipeline.processes import GIBIBYTE, Interrupted, Limits
from pipeline.progress import Progress, Result
from pipeline.records import data_sets_of, description_of
from pipeline.verification import Verification, verify
from publishing.errors import PublishError

_EXPECTED = (PipelineError, EvaluationError, RetargetError, ParityError, PublishError)


@dataclass
class Stage:
    """A stage under way; whoever does it notes whether all of it had been done before."""

    reused: bool = False


@dataclass(frozen=True)
class ModelRun:
    """Runs one job. Everything it needs is handed in; nothing it does touches another model."""

    job: ModelJob
    plan: Plan
    progress: Progress
    stop: threading.Event
    limits: Limits = field(init=False)

    def __post_init__(self) -> None:
        """Turn the limits of the pipeline file into those of a process."""
        said = self.job.entry.limits
        object.__setattr__(self, "limits", Limits(said.seconds, int(said.memory_gib * GIBIBYTE)))

    @property
    def work(self) -> Path:
        """Where this model's unfinished work lies."""
        return self.plan.work / self.job.name

    def run(self) -> list[Result]:
        """Publish every unit that is not done; one result for each unit, whatever happens."""
        results = {unit.name: Result(unit.name, "done before") for unit in self.job.units}
        missing = [unit for unit in self.job.units if not unit.done]
        begun = time.monotonic()
        for result in self._run_missing(missing) if missing else ():
            results[result.unit] = result
        self.progress.finish(self.job.name)
        if missing:
            # The first unit that was worked on carries the time of what they all share.
            others = sum(result.seconds for result in results.values())
            first = results[missing[0].name]
            shared = max(0.0, time.monotonic() - begun - others)
            results[first.unit] = replace(first, seconds=first.seconds + shared)
        return list(results.values())

    def _run_missing(self, missing: list[Unit]) -> list[Result]:
        results: list[Result] = []

        def work() -> Result:
            with locked(self.work, self.stop):
                export = make_export(self)
                results.extend(self._publish_unit(unit, export) for unit in missing)
                if all(result.good for result in results):
                    shutil.rmtree(self.work)
            return Result(self.job.name, "published")

        outcome = self._guarded(work)
        if outcome.good:
            return results
        named = {result.unit: result for result in results}
        return [named.get(unit.name, replace(outcome, unit=unit.name)) for unit in missing]

    def _guarded(self, step: Callable[[], Result]) -> Result:
        """What ``step`` returns, or the result that its failure amounts to."""
        name = self.job.name
        try:
            return step()
        except Interrupted:
            return Result(name, "interrupted")
        except VerdictError as error:
            return Result(name, "inconclusive", reason=str(error))
        except _EXPECTED as error:
            return Result(name, "failed", reason=str(error))
        except Exception:  # noqa: BLE001 - a defect of ours costs this model only
            log = self.work.with_name(f"{self.work.name}.traceback.txt")
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_text(traceback.format_exc(), encoding="utf-8")
            return Result(name, "failed", reason=f"a defect in the pipeline: please report {log}")

    @contextmanager
    def stage(self, name: str) -> Iterator[Stage]:
        """Tell the progress display of a stage. Raises Interrupted where the run is to stop."""
        if self.stop.is_set():
            raise Interrupted
        stage, begun = Stage(), time.monotonic()
        self.progress.begin(self.job.name, name)
        yield stage
        self.progress.end(self.job.name, name, time.monotonic() - begun, stage.reused)

    def _publish_unit(self, unit: Unit, export: Export) -> Result:
        begun = time.monotonic()
        result = self._guarded(lambda: self._retarget_verify_publish(unit, export))
        return replace(result, unit=unit.name, seconds=time.monotonic() - begun)

    def _retarget_verify_publish(self, unit: Unit, export: Export) -> Result:
        from publishing.store import publish

        folder = self.work / f"opset-{unit.opset}-{unit.retarget_key[:12]}"
        with self.stage(f"opset {unit.opset}: retarget") as stage:
            rewrites, stage.reused = cache.make_stage(
                folder, unit.retarget_key, lambda staging: _retarget(export, unit, staging)
            )
        model = folder / "model.onnx"
        with self.stage(f"opset {unit.opset}: parity"):
            verification = verify(
                model,
                export,
                parity=self.job.entry.parity,
                folder=self.work / f"parity-{unit.opset}",
                limits=self.limits,
                stop=self.stop,
            )
        if not verification.passed:
            return _refused(unit, verification, folder)
        with self.stage(f"opset {unit.opset}: publish"):
            description = description_of(self.job, unit, export, rewrites["rewrites"], verification)
            publish(self.plan.publish, model, description, data_sets_of(export))
        return Result(unit.name, "published", verification.largest_error, verification.runtimes)


def _retarget(export: Export, unit: Unit, staging: Path) -> dict[str, Any]:
    from opsets import retarget_file

    rewrites = retarget_file(export.model, unit.opset, staging / "model.onnx")
    return {"rewrites": [str(rewrite) for rewrite in rewrites]}


def _refused(unit: Unit, verification: Verification, folder: Path) -> Result:
    """The result of a unit whose verdict is bad; its files stay for a look."""
    return Result(
        unit.name,
        "inconclusive" if verification.verdict.status == "inconclusive" else "failed",
        verification.largest_error,
        verification.runtimes,
        reason=f"{verification.verdict.reason}. Not published; its files are in {folder}",
    )
