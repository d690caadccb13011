"""One model's way through the rooms: inputs, export, then its opsets retargeted, verified, published."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from pipeline.estimates.history import note
from pipeline.planning.jobs import Unit
from pipeline.results import Result
from pipeline.stages.class_names import labelled
from pipeline.stages.embedding import embedded_export
from pipeline.stages.export import make_export
from pipeline.stages.failures import guarded, traceback_file
from pipeline.stages.gate_pictures import chosen_pictures, require_readable
from pipeline.stages.model_run import ModelRun, StageKind
from pipeline.stages.parity import require_lively
from pipeline.stages.units import publish_units
from pipeline.stages.work_folder import tidy
from pipeline.system.locks import locked


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
    outcome = guarded(run, partial(_work, run, missing, results))
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
        traceback_file(run).unlink(missing_ok=True)
        _look_at_pictures(run, missing)
        export = make_export(run)
        require_lively(export.references(), run.job.entry.parity, export.folder)
        export = labelled(run, export)  # refuses names of another number before anything is made of it
        export = embedded_export(run, export)
        run.noted["bytes"] = export.model.stat().st_size
        with DeflatedWeights(run.work) as weights:
            publish_units(replace(run, weights=weights), missing, export, results)
        if all(result.good for result in results):
            shutil.rmtree(run.work)


def _look_at_pictures(run: ModelRun, missing: list[Unit]) -> None:
    """Find broken pictures for calibration before the framework starts; the model's own it finds itself."""
    entry, folder = run.job.entry, run.plan.folder
    if entry.quantization.images and any(unit.version.is_reduced for unit in missing):
        place = str(folder / entry.quantization.images)
        with run.stage(StageKind.PICTURES):
            require_readable(chosen_pictures(entry, folder, ()), place, run.stop)
