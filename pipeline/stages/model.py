"""One model's way through the rooms: inputs, export, then its opsets retargeted, verified, published."""

from __future__ import annotations

import shutil
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, TypeVar

from evaluation.errors import EvaluationError
from opsets.errors import RetargetError
from parity.errors import ParityError
from pipeline.errors import FiguresError, PipelineError, VerdictError
from pipeline.estimates.history import note
from pipeline.planning.jobs import SIMPLIFIED, Unit, Version, batch_variant, units_at_once
from pipeline.results import DISK, Result, Status
from pipeline.stages.class_names import labelled
from pipeline.stages.comparison import figures_of
from pipeline.stages.embedding import embedded_export
from pipeline.stages.export import Export, make_export
from pipeline.stages.gate_pictures import chosen_pictures, require_readable
from pipeline.stages.model_run import ModelRun, StageKind
from pipeline.stages.parity import Verification, require_lively, verify
from pipeline.stages.publish import Candidate, publish_candidate
from pipeline.stages.reduction import reduce_precision
from pipeline.stages.retarget import away_from, retarget_unit, retargeting_of
from pipeline.stages.simplification import simplified_export
from pipeline.stages.static_batch import export_of_batch
from pipeline.stages.work_folder import tidy
from pipeline.system.interrupts import Interrupted
from pipeline.system.locks import locked
from publishing.addresses import without_secrets
from publishing.errors import PublishError
from publishing.foreign_text import visible

if TYPE_CHECKING:
    from opsets import FileRetargeting

Made = TypeVar("Made")

_EXPECTED = (EvaluationError, RetargetError, ParityError, PublishError)


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
    seconds = run.times.for_history()
    entry = {**run.noted, "seconds": seconds}
    if StageKind.EXPORT.value in seconds:  # a run that takes an export up says nothing of what it took
        entry["peak_memory"] = run.memory.bytes
    units = {result.unit: {"seconds": round(result.seconds, 2)} for result in published}
    note({run.job.name: entry, **units}, run.stop)


def _run_missing(run: ModelRun, missing: list[Unit]) -> list[Result]:
    results: list[Result] = []
    outcome = _guarded(run, partial(_work, run, missing, results))
    named = {result.unit: result for result in results}
    if isinstance(outcome, Result):
        return [named.get(unit.name, replace(outcome, unit=unit.name)) for unit in missing]
    return results


def _work(run: ModelRun, missing: list[Unit], results: list[Result]) -> None:
    """Make what is ``missing``; ``results`` gets what became of each as soon as that is known."""
    from publishing.deflated import DeflatedWeights

    with locked(run.work, run.stop):
        if run.plan.fresh:
            shutil.rmtree(run.work, ignore_errors=True)
        tidy(run)
        _look_at_pictures(run, missing)
        export = make_export(run)
        require_lively(export.references(), run.job.entry.parity, export.folder)
        export = labelled(run, export)  # refuses names of another number before anything is made of it
        export = embedded_export(run, export)
        run.noted["bytes"] = export.model.stat().st_size
        with DeflatedWeights(run.work) as weights:
            publishing = replace(run, weights=weights)
            for units, form in _forms(publishing, missing, export, results):
                for some in _batches(units, form):
                    results.extend(_publish_units(publishing, some, form))
        if all(result.good for result in results):
            shutil.rmtree(run.work)


def _look_at_pictures(run: ModelRun, missing: list[Unit]) -> None:
    """Find broken pictures for calibration before the framework starts; the model's own it finds itself."""
    entry, folder = run.job.entry, run.plan.folder
    if entry.quantization.images and any(unit.version.is_reduced for unit in missing):
        place = str(folder / entry.quantization.images)
        with run.stage(StageKind.PICTURES):
            require_readable(chosen_pictures(entry, folder, ()), place, run.stop)


def _forms(
    run: ModelRun, missing: list[Unit], export: Export, results: list[Result]
) -> Iterator[tuple[list[Unit], Export]]:
    """The units that are made of the export as it is, then those that are made of a form of it."""
    forms = {SIMPLIFIED: partial(simplified_export, run, export)}
    for batch in run.job.entry.fixed_batches:
        forms[batch_variant(batch)] = partial(export_of_batch, run, export, batch)
    yield [unit for unit in missing if unit.version.variant not in forms], export
    for variant, make in forms.items():
        units = [unit for unit in missing if unit.version.variant == variant]
        form = _guarded(run, make) if units else None
        if isinstance(form, Result):
            results.extend(replace(form, unit=unit.name) for unit in units)
        elif form:
            yield units, form


def _batches(units: list[Unit], export: Export) -> list[list[Unit]]:
    """The units in the groups that are worked on together: those of one opset share its graph."""
    by_opset = [list(some) for _, some in groupby(units, key=lambda unit: unit.opset)]
    size = units_at_once(export.model.stat().st_size)
    return [
        [unit for some in by_opset[start : start + size] for unit in some]
        for start in range(0, len(by_opset), size)
    ]


def _guarded(run: ModelRun, step: Callable[[], Made]) -> Made | Result:
    """What ``step`` returns, or the result that its failure amounts to, under the name of the model."""
    try:
        return step()
    except Interrupted:
        return Result(run.job.name, "interrupted")
    except Exception as error:  # noqa: BLE001 - a defect of ours costs this model only
        status: Status = "inconclusive" if isinstance(error, VerdictError) else "failed"
        cause, reason = _explained(run, error)
        stage = run.times.at.value if run.times.at else ""
        return Result(run.job.name, status, reason=reason, stage=stage, cause=cause)


def _explained(run: ModelRun, error: Exception) -> tuple[str, str]:
    """What kind of failure ``error`` is, and what is said of it."""
    if isinstance(error, PipelineError):
        return error.cause, str(error)
    if isinstance(error, _EXPECTED):  # their lines are not ours: they tell what files say
        return "refused", visible(str(error))
    if isinstance(error, OSError):
        reason = error.strerror or str(error)
        return DISK, f"{reason}: {error.filename or run.work}. Make room, or make it writable"
    log = run.work.with_name(f"{run.work.name}.traceback.txt")
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(without_secrets(traceback.format_exc()), encoding="utf-8")
    return "defect", f"a defect in the pipeline: please report {log}"


def _publish_units(run: ModelRun, units: list[Unit], export: Export) -> Iterator[Result]:
    """Retarget, verify and publish; one process of each runtime verifies all opsets.

    What is in a lower precision is made of the graph at its opset once that is verified, whether that is to
    be published itself or is published already.
    """
    candidates = []
    for some, retargeted in _retargeted(run, units, export):
        if isinstance(retargeted, Result):
            yield from (replace(retargeted, unit=unit.name) for unit in some)
        else:
            candidates.append((some, retargeted))
    if not candidates:
        return
    verified = _guarded(run, partial(_verify, run, [candidate for _, candidate in candidates], export))
    for some, candidate in candidates:
        if isinstance(verified, Result):
            yield from (replace(verified, unit=unit.name) for unit in some)
            continue
        verification = verified[candidate.unit.opset]
        results = list(_publish_versions(run, some, candidate, verification, export))
        yield from results
        if all(result.good for result in results):
            shutil.rmtree(candidate.folder)


def _retargeted(
    run: ModelRun, units: list[Unit], export: Export
) -> Iterator[tuple[list[Unit], Candidate | Result]]:
    """What each opset's units are made of, or the result of all of them; they come in their own order."""
    retargeting, native = retargeting_of(run, export), export.answer["opset"]
    some = {opset: list(alike) for opset, alike in groupby(units, key=lambda unit: unit.opset)}
    made = {
        opset: _guarded(run, partial(_candidate, run, _whole(some[opset][0], run), export, retargeting))
        for opset in sorted(some, key=partial(away_from, native))
    }
    return ((alike, made[opset]) for opset, alike in some.items())


def _whole(unit: Unit, run: ModelRun) -> Unit:
    """The unit in float32 that ``unit`` is, or is made of."""
    if not unit.version.is_reduced:
        return unit
    version = Version(unit.opset)
    return replace(unit, name=f"{run.job.name}@{version}", version=version, graph_key=unit.retarget_key)


def _publish_versions(
    run: ModelRun, units: list[Unit], candidate: Candidate, verification: Verification, export: Export
) -> Iterator[Result]:
    """Publish what is asked for at one opset: the graph itself, and what is made of it."""
    for unit in units:
        begun, before = time.monotonic(), 0.0
        if unit.version.is_reduced:
            result = _guarded(run, partial(_publish_reduced, run, unit, candidate, verification, export))
        else:
            before = candidate.seconds + verification.seconds
            publish = partial(publish_candidate, run, candidate, export, verification, last=unit is units[-1])
            result = _guarded(run, publish)
        yield replace(result, unit=unit.name, seconds=before + time.monotonic() - begun)


def _publish_reduced(
    run: ModelRun, unit: Unit, candidate: Candidate, verification: Verification, export: Export
) -> Result:
    if not verification.passed:
        raise VerdictError(
            f"the file in float32 that it is made of is not right: {verification.verdict.reason}"
        )
    reduced = reduce_precision(run, unit, candidate, export)
    return publish_candidate(run, reduced.candidate, export, reduced.verification)


def _candidate(run: ModelRun, unit: Unit, export: Export, retargeting: FileRetargeting) -> Candidate:
    from opsets import read_graph

    begun = time.monotonic()
    folder, retargeted = retarget_unit(run, unit, export, retargeting)
    graph = read_graph(folder / "model.onnx")
    try:
        figures = figures_of(
            run.job.name,
            graph,
            run.job.documents,
            height=export.preprocessing["input_size"][1],
            framework_parameters=export.answer["parameters"],
        )
    except FiguresError:
        shutil.rmtree(folder)  # the export tells as much, and has nothing to be looked at for each opset
        raise
    return Candidate(unit, folder, graph, retargeted, figures, time.monotonic() - begun)


def _verify(run: ModelRun, candidates: list[Candidate], export: Export) -> dict[int, Verification]:
    opsets = [candidate.unit.opset for candidate in candidates]
    with run.stage(StageKind.PARITY, [candidate.unit.version for candidate in candidates]):
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
