"""One model's way through the rooms: inputs, export, then for each opset retarget, verify, publish."""

from __future__ import annotations

import shutil
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from evaluation.errors import EvaluationError
from opsets.errors import RetargetError
from parity.errors import ParityError
from pipeline import cache
from pipeline.context import ModelContext
from pipeline.errors import PipelineError, VerdictError
from pipeline.exports import Export, make_export
from pipeline.locks import locked
from pipeline.plan import Unit
from pipeline.processes import Interrupted
from pipeline.progress import Result
from pipeline.records import data_sets_of, description_of
from pipeline.verification import Verification, verify
from publishing.errors import PublishError

_EXPECTED = (PipelineError, EvaluationError, RetargetError, ParityError, PublishError)


def run_model(context: ModelContext) -> list[Result]:
    """Publish every unit of a job that is not done; one result for each unit, whatever happens."""
    results = {unit.name: Result(unit.name, "done before") for unit in context.job.units}
    missing = [unit for unit in context.job.units if not unit.done]
    begun = time.monotonic()
    for result in _run_missing(context, missing) if missing else ():
        results[result.unit] = result
    context.progress.finish(context.job.name)
    if missing:
        # The first unit that was worked on carries the time of what they all share.
        others = sum(result.seconds for result in results.values())
        first = results[missing[0].name]
        shared = max(0.0, time.monotonic() - begun - others)
        results[first.unit] = replace(first, seconds=first.seconds + shared)
    return list(results.values())


def _run_missing(context: ModelContext, missing: list[Unit]) -> list[Result]:
    results: list[Result] = []

    def work() -> Result:
        with locked(context.work, context.stop):
            if context.plan.fresh:
                shutil.rmtree(context.work, ignore_errors=True)
            export = make_export(context)
            results.extend(_publish_unit(context, unit, export) for unit in missing)
            if all(result.good for result in results):
                shutil.rmtree(context.work)
        return Result(context.job.name, "published")

    outcome = _guarded(context, work)
    if outcome.good:
        return results
    named = {result.unit: result for result in results}
    return [named.get(unit.name, replace(outcome, unit=unit.name)) for unit in missing]


def _guarded(context: ModelContext, step: Callable[[], Result]) -> Result:
    """What ``step`` returns, or the result that its failure amounts to."""
    name = context.job.name
    try:
        return step()
    except Interrupted:
        return Result(name, "interrupted")
    except VerdictError as error:
        return Result(name, "inconclusive", reason=str(error))
    except _EXPECTED as error:
        return Result(name, "failed", reason=str(error))
    except OSError as error:
        reason = error.strerror or str(error)
        return Result(
            name,
            "failed",
            reason=f"{reason}: {error.filename or context.work}. Make room, or make it writable",
        )
    except Exception:  # noqa: BLE001 - a defect of ours costs this model only
        log = context.work.with_name(f"{context.work.name}.traceback.txt")
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(traceback.format_exc(), encoding="utf-8")
        return Result(name, "failed", reason=f"a defect in the pipeline: please report {log}")


def _publish_unit(context: ModelContext, unit: Unit, export: Export) -> Result:
    begun = time.monotonic()
    result = _guarded(context, lambda: _retarget_verify_publish(context, unit, export))
    return replace(result, unit=unit.name, seconds=time.monotonic() - begun)


def _retarget_verify_publish(context: ModelContext, unit: Unit, export: Export) -> Result:
    from publishing.store import publish

    folder = context.work / f"opset-{unit.opset}-{unit.retarget_key[:12]}"
    with context.stage(f"opset {unit.opset}: retarget") as stage:
        retargeted, stage.reused = cache.make_stage(
            folder, unit.retarget_key, lambda staging: _retarget(export, unit, staging)
        )
    model = folder / "model.onnx"
    with context.stage(f"opset {unit.opset}: parity"):
        verification = verify(
            model,
            export.inputs,
            export.references(),
            parity=context.job.entry.parity,
            folder=context.work / f"parity-{unit.opset}",
            limits=context.limits,
            stop=context.stop,
        )
    if not verification.passed:
        return _refused(unit, verification, folder)
    with context.stage(f"opset {unit.opset}: publish"):
        description = description_of(context.job, unit, export, retargeted["rewrites"], verification)
        publish(context.plan.publish, model, description, data_sets_of(export))
    return Result(unit.name, "published", verification.largest_error, verification.runtimes)


def _retarget(export: Export, unit: Unit, staging: Path) -> dict[str, Any]:
    from opsets import retarget_file

    return {"rewrites": list(retarget_file(export.model, unit.opset, staging / "model.onnx"))}


def _refused(unit: Unit, verification: Verification, folder: Path) -> Result:
    """The result of a unit whose verdict is bad; its files stay for a look."""
    return Result(
        unit.name,
        "inconclusive" if verification.verdict.status == "inconclusive" else "failed",
        verification.largest_error,
        verification.runtimes,
        reason=f"{verification.verdict.reason}. Not published; its files are in {folder}",
    )
