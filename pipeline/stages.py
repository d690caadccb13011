"""One model's way through the rooms: inputs, export, then its opsets retargeted, verified, published."""

from __future__ import annotations

import shutil
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from evaluation.errors import EvaluationError
from opsets.errors import RetargetError
from parity.errors import ParityError
from pipeline import cache
from pipeline.batches import units_at_once
from pipeline.comparison import figures_of
from pipeline.context import ModelContext
from pipeline.errors import FiguresError, PipelineError, VerdictError
from pipeline.exports import Export, make_export
from pipeline.history import note
from pipeline.jobs import Unit
from pipeline.leftovers import folder_of_unit, tidy
from pipeline.locks import locked
from pipeline.processes import Interrupted
from pipeline.progress import Result
from pipeline.records import data_sets_of, description_of, metadata_of
from pipeline.verification import Verification, verify
from publishing.errors import PublishError

if TYPE_CHECKING:
    import onnx

Made = TypeVar("Made")

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
        peak = context.memory.bytes
        results |= {unit.name: replace(results[unit.name], peak_memory=peak) for unit in missing}
        _note(context, results)
        # The first unit that was worked on carries the time of what they all share.
        others = sum(result.seconds for result in results.values())
        first = results[missing[0].name]
        shared = max(0.0, time.monotonic() - begun - others)
        results[first.unit] = replace(first, seconds=first.seconds + shared)
    return list(results.values())


def _note(context: ModelContext, results: Mapping[str, Result]) -> None:
    """Note in the history of this machine what the model and its published units took."""
    published = [result for result in results.values() if result.status == "published"]
    if not published:
        return
    stages = context.seconds
    unit = sum(taken for name, taken in stages.items() if "opset" in name) / len(published)
    seconds = {"unit": unit} | {name: stages[name] for name in ("inputs", "export") if name in stages}
    rounded = {name: round(taken, 2) for name, taken in seconds.items()}
    entry = {**context.noted, "seconds": rounded}
    if "export" in stages:  # a run that takes an export up says nothing of what it took
        entry["peak_memory"] = context.memory.bytes
    units = {result.unit: {"seconds": round(result.seconds, 2)} for result in published}
    note({context.job.name: entry, **units}, context.stop)


def _run_missing(context: ModelContext, missing: list[Unit]) -> list[Result]:
    results: list[Result] = []

    def work() -> None:
        with locked(context.work, context.stop):
            if context.plan.fresh:
                shutil.rmtree(context.work, ignore_errors=True)
            tidy(context)
            export = make_export(context)
            context.noted["bytes"] = export.model.stat().st_size
            for units in _batches(missing, export):
                results.extend(_publish_units(context, units, export))
            if all(result.good for result in results):
                shutil.rmtree(context.work)

    outcome = _guarded(context, work)
    named = {result.unit: result for result in results}
    if isinstance(outcome, Result):
        return [named.get(unit.name, replace(outcome, unit=unit.name)) for unit in missing]
    return results


def _batches(units: list[Unit], export: Export) -> list[list[Unit]]:
    """The units in the groups that are worked on together."""
    size = units_at_once(export.model.stat().st_size)
    return [units[start : start + size] for start in range(0, len(units), size)]


def _guarded(context: ModelContext, step: Callable[[], Made]) -> Made | Result:
    """What ``step`` returns, or the result that its failure amounts to, under the name of the model."""
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


@dataclass(frozen=True)
class _Candidate:
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


def _publish_units(context: ModelContext, units: list[Unit], export: Export) -> Iterator[Result]:
    """Retarget, verify and publish; one process of each runtime verifies all the units."""
    candidates = []
    for unit in units:
        made = _guarded(context, partial(_retarget, context, unit, export))
        if isinstance(made, Result):
            yield replace(made, unit=unit.name)
        else:
            candidates.append(made)
    if not candidates:
        return
    verified = _guarded(context, partial(_verify, context, candidates, export))
    for candidate in candidates:
        if isinstance(verified, Result):
            yield replace(verified, unit=candidate.unit.name)
            continue
        begun = time.monotonic()
        verification = verified[candidate.unit.opset]
        result = _guarded(context, partial(_publish, context, candidate, export, verification))
        seconds = candidate.seconds + verification.seconds + time.monotonic() - begun
        yield replace(result, unit=candidate.unit.name, seconds=seconds)


def _retarget(context: ModelContext, unit: Unit, export: Export) -> _Candidate:
    from opsets import read_graph, retarget_file
    from publishing.metadata import describe

    def make(staging: Path) -> dict[str, Any]:
        said = metadata_of(context.job, export)
        report = retarget_file(
            export.model, unit.opset, staging / "model.onnx", lambda model: describe(model, said)
        )
        return {"rewrites": list(report.rewrites), "bounds": list(report.bounds)}

    begun = time.monotonic()
    folder = context.work / folder_of_unit(unit.opset, unit.retarget_key)
    with context.stage(f"opset {unit.opset}: retarget") as stage:
        made, stage.reused = cache.make_stage(folder, unit.retarget_key, make)
    graph = read_graph(folder / "model.onnx")
    try:
        figures = _figures(context, graph, export)
    except FiguresError:
        shutil.rmtree(folder)  # the export tells as much, and has nothing to be looked at for each opset
        raise
    return _Candidate(unit, folder, graph, made, figures, time.monotonic() - begun)


def _verify(context: ModelContext, candidates: list[_Candidate], export: Export) -> dict[int, Verification]:
    opsets = [candidate.unit.opset for candidate in candidates]
    what = f"opset {opsets[0]}" if len(opsets) == 1 else f"{len(opsets)} opsets"
    with context.stage(f"{what}: parity"):
        return verify(
            {candidate.unit.opset: candidate.model for candidate in candidates},
            export.inputs,
            export.references(),
            parity=context.job.entry.parity,
            folder=context.work / f"parity-{min(opsets)}-{max(opsets)}",
            limits=context.limits,
            stop=context.stop,
            environment_of=context.environments.ensure,
        )


def _publish(
    context: ModelContext, candidate: _Candidate, export: Export, verification: Verification
) -> Result:
    from publishing.units import Material, publish

    unit = candidate.unit
    if not verification.passed:
        return _refused(candidate, verification)
    with context.stage(f"opset {unit.opset}: publish"):
        description = description_of(
            context.job, unit, export, candidate.retargeted, verification, candidate.figures
        )
        pictures = dict(export.thumbnails)
        material = Material(candidate.model, candidate.graph, data_sets_of(export), pictures)
        publish(context.plan.zoo, material, description)
        shutil.rmtree(candidate.folder)
    return Result(
        unit.name,
        "published",
        verification.largest_error,
        verification.runtimes,
        reason=_reservations(verification),
    )


def _figures(context: ModelContext, graph: onnx.ModelProto, export: Export) -> dict[str, Any]:
    """What is counted in a graph, beside what documents say of the model. Raises FiguresError."""
    return figures_of(
        context.job.name,
        graph,
        context.job.documents,
        height=export.preprocessing["input_size"][1],
        framework_parameters=export.answer["parameters"],
    )


def _reservations(verification: Verification) -> str:
    """What there is to say of a unit that is published; empty where all who were asked agree."""
    dissent, missing = verification.verdict.dissent, verification.verdict.missing
    told = [f"a second opinion differs: {dissent}"] if dissent else []
    told += [f"a second opinion could not be had (--fresh asks again): {missing}"] if missing else []
    return f"published, but {'; '.join(told)}" if told else ""


def _refused(candidate: _Candidate, verification: Verification) -> Result:
    """The result of a unit whose verdict is bad; its files stay for a look."""
    verdict = verification.verdict
    return Result(
        candidate.unit.name,
        "inconclusive" if verdict.status == "inconclusive" else "failed",
        verification.largest_error,
        verification.runtimes,
        reason=f"{verdict.reason}. Not published; its files are in {candidate.folder}",
    )
