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
from pipeline.errors import FiguresError, PipelineError, VerdictError
from pipeline.estimates.history import note
from pipeline.planning.jobs import Unit, units_at_once
from pipeline.results import Result
from pipeline.stages import cache
from pipeline.stages.comparison import figures_of
from pipeline.stages.description import data_sets_of, description_of, metadata_of
from pipeline.stages.export import Export, make_export
from pipeline.stages.model_run import ModelRun
from pipeline.stages.parity import Verification, verify
from pipeline.stages.work_folder import folder_of_unit, tidy
from pipeline.system.interrupts import Interrupted
from pipeline.system.locks import locked
from publishing.addresses import without_secrets
from publishing.errors import PublishError
from publishing.foreign_text import visible

if TYPE_CHECKING:
    import onnx

Made = TypeVar("Made")

_EXPECTED = (PipelineError, EvaluationError, RetargetError, ParityError, PublishError)


def run_model(run: ModelRun) -> list[Result]:
    """Publish every unit of a job that is not done; one result for each unit, whatever happens."""
    results = {unit.name: Result(unit.name, "done before") for unit in run.job.units}
    missing = [unit for unit in run.job.units if not unit.done]
    begun = time.monotonic()
    for result in _run_missing(run, missing) if missing else ():
        results[result.unit] = result
    run.progress.finish(run.job.name)
    if missing:
        peak = run.memory.bytes
        results |= {unit.name: replace(results[unit.name], peak_memory=peak) for unit in missing}
        _note(run, results)
        # The first unit that was worked on carries the time of what they all share.
        others = sum(result.seconds for result in results.values())
        first = results[missing[0].name]
        shared = max(0.0, time.monotonic() - begun - others)
        results[first.unit] = replace(first, seconds=first.seconds + shared)
    return list(results.values())


def _note(run: ModelRun, results: Mapping[str, Result]) -> None:
    """Note in the history of this machine what the model and its published units took."""
    published = [result for result in results.values() if result.status == "published"]
    if not published:
        return
    stages = run.seconds
    unit = sum(taken for name, taken in stages.items() if "opset" in name) / len(published)
    seconds = {"unit": unit} | {name: stages[name] for name in ("inputs", "export") if name in stages}
    rounded = {name: round(taken, 2) for name, taken in seconds.items()}
    entry = {**run.noted, "seconds": rounded}
    if "export" in stages:  # a run that takes an export up says nothing of what it took
        entry["peak_memory"] = run.memory.bytes
    units = {result.unit: {"seconds": round(result.seconds, 2)} for result in published}
    note({run.job.name: entry, **units}, run.stop)


def _run_missing(run: ModelRun, missing: list[Unit]) -> list[Result]:
    results: list[Result] = []

    def work() -> None:
        with locked(run.work, run.stop):
            if run.plan.fresh:
                shutil.rmtree(run.work, ignore_errors=True)
            tidy(run)
            export = make_export(run)
            run.noted["bytes"] = export.model.stat().st_size
            for units in _batches(missing, export):
                results.extend(_publish_units(run, units, export))
            if all(result.good for result in results):
                shutil.rmtree(run.work)

    outcome = _guarded(run, work)
    named = {result.unit: result for result in results}
    if isinstance(outcome, Result):
        return [named.get(unit.name, replace(outcome, unit=unit.name)) for unit in missing]
    return results


def _batches(units: list[Unit], export: Export) -> list[list[Unit]]:
    """The units in the groups that are worked on together."""
    size = units_at_once(export.model.stat().st_size)
    return [units[start : start + size] for start in range(0, len(units), size)]


def _guarded(run: ModelRun, step: Callable[[], Made]) -> Made | Result:
    """What ``step`` returns, or the result that its failure amounts to, under the name of the model."""
    name = run.job.name
    try:
        return step()
    except Interrupted:
        return Result(name, "interrupted")
    except VerdictError as error:
        return Result(name, "inconclusive", reason=str(error))
    except _EXPECTED as error:
        ours = isinstance(
            error, PipelineError
        )  # only its lines are ours: the other rooms tell what files say
        return Result(name, "failed", reason=str(error) if ours else visible(str(error)))
    except OSError as error:
        reason = error.strerror or str(error)
        return Result(
            name,
            "failed",
            reason=f"{reason}: {error.filename or run.work}. Make room, or make it writable",
        )
    except Exception:  # noqa: BLE001 - a defect of ours costs this model only
        log = run.work.with_name(f"{run.work.name}.traceback.txt")
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(without_secrets(traceback.format_exc()), encoding="utf-8")
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


def _publish_units(run: ModelRun, units: list[Unit], export: Export) -> Iterator[Result]:
    """Retarget, verify and publish; one process of each runtime verifies all the units."""
    candidates = []
    for unit in units:
        made = _guarded(run, partial(_retarget, run, unit, export))
        if isinstance(made, Result):
            yield replace(made, unit=unit.name)
        else:
            candidates.append(made)
    if not candidates:
        return
    verified = _guarded(run, partial(_verify, run, candidates, export))
    for candidate in candidates:
        if isinstance(verified, Result):
            yield replace(verified, unit=candidate.unit.name)
            continue
        begun = time.monotonic()
        verification = verified[candidate.unit.opset]
        result = _guarded(run, partial(_publish, run, candidate, export, verification))
        seconds = candidate.seconds + verification.seconds + time.monotonic() - begun
        yield replace(result, unit=candidate.unit.name, seconds=seconds)


def _retarget(run: ModelRun, unit: Unit, export: Export) -> _Candidate:
    from opsets import read_graph, retarget_file
    from publishing.metadata import describe

    def make(staging: Path) -> dict[str, Any]:
        said = metadata_of(run.job, export)
        report = retarget_file(
            export.model, unit.opset, staging / "model.onnx", lambda model: describe(model, said)
        )
        return {"rewrites": list(report.rewrites), "bounds": list(report.bounds)}

    begun = time.monotonic()
    folder = run.work / folder_of_unit(unit.opset, unit.retarget_key)
    with run.stage(f"opset {unit.opset}: retarget") as stage:
        made, stage.reused = cache.make_stage(folder, unit.retarget_key, make)
    graph = read_graph(folder / "model.onnx")
    try:
        figures = _figures(run, graph, export)
    except FiguresError:
        shutil.rmtree(folder)  # the export tells as much, and has nothing to be looked at for each opset
        raise
    return _Candidate(unit, folder, graph, made, figures, time.monotonic() - begun)


def _verify(run: ModelRun, candidates: list[_Candidate], export: Export) -> dict[int, Verification]:
    opsets = [candidate.unit.opset for candidate in candidates]
    what = f"opset {opsets[0]}" if len(opsets) == 1 else f"{len(opsets)} opsets"
    with run.stage(f"{what}: parity"):
        return verify(
            {candidate.unit.opset: candidate.model for candidate in candidates},
            export.inputs,
            export.references(),
            parity=run.job.entry.parity,
            folder=run.work / f"parity-{min(opsets)}-{max(opsets)}",
            limits=run.limits,
            stop=run.stop,
            environment_of=run.environments.ensure,
        )


def _publish(run: ModelRun, candidate: _Candidate, export: Export, verification: Verification) -> Result:
    from publishing.units import Material, publish

    unit = candidate.unit
    if not verification.passed:
        return _refused(candidate, verification)
    with run.stage(f"opset {unit.opset}: publish"):
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


def _figures(run: ModelRun, graph: onnx.ModelProto, export: Export) -> dict[str, Any]:
    """What is counted in a graph, beside what documents say of the model. Raises FiguresError."""
    return figures_of(
        run.job.name,
        graph,
        run.job.documents,
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
