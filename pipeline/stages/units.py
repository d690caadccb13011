"""The units of one model: retargeted, verified and published, a few opsets at a time."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from pipeline.errors import FiguresError, VerdictError
from pipeline.planning.jobs import SIMPLIFIED, Unit, Version, batch_variant, units_at_once
from pipeline.results import Result
from pipeline.stages.comparison import figures_of
from pipeline.stages.export import Export
from pipeline.stages.failures import guarded
from pipeline.stages.model_run import ModelRun, StageKind
from pipeline.stages.parity import Verification, verify
from pipeline.stages.publish import Candidate, publish_candidate
from pipeline.stages.reduction import reduce_precision
from pipeline.stages.retarget import away_from, retarget_unit, retargeting_of
from pipeline.stages.simplification import simplified_export
from pipeline.stages.static_batch import export_of_batch

if TYPE_CHECKING:
    from opsets import FileRetargeting

Verified = tuple[list[Unit], Candidate, Verification]
"""The units of one opset, the file in float32 that they are or are made of, and its verdict."""


def publish_units(run: ModelRun, missing: list[Unit], export: Export, results: list[Result]) -> None:
    """Retarget, verify and publish, a few opsets at a time.

    Those that are verified are published while the next ones are retargeted and verified. What is in a lower
    precision is not: it is made then, in processes that need memory of their own.
    """
    with ThreadPoolExecutor(1) as pool:
        publishing: Future[None] | None = None
        for units, form in _forms(run, missing, export, results):
            for some in _batches(units, form):
                verified = _verified(run, some, form, results)
                if publishing:
                    publishing.result()
                publishing = pool.submit(_publish_verified, run, verified, form, results)
                if any(unit.version.is_reduced for unit in some):
                    publishing.result()
        if publishing:
            publishing.result()


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
        form = guarded(run, make) if units else None
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


def _verified(run: ModelRun, units: list[Unit], export: Export, results: list[Result]) -> list[Verified]:
    """What is made of ``units`` by opset, with its verdict; ``results`` gets those that come no further.

    One process of each runtime verifies all opsets.
    """
    candidates = []
    for some, retargeted in _retargeted(run, units, export):
        if isinstance(retargeted, Result):
            results.extend(replace(retargeted, unit=unit.name) for unit in some)
        else:
            candidates.append((some, retargeted))
    if not candidates:
        return []
    verified = guarded(run, partial(_verify, run, [candidate for _, candidate in candidates], export))
    if isinstance(verified, Result):
        results.extend(replace(verified, unit=unit.name) for some, _ in candidates for unit in some)
        return []
    return [(some, candidate, verified[candidate.unit.opset]) for some, candidate in candidates]


def _publish_verified(
    run: ModelRun, verified: Sequence[Verified], export: Export, results: list[Result]
) -> None:
    """Publish what is right.

    What is in a lower precision is made of the graph at its opset once that is verified, whether that is to
    be published itself or is published already.
    """
    for some, candidate, verification in verified:
        published = list(_publish_versions(run, some, candidate, verification, export))
        results.extend(published)
        if all(result.good for result in published):
            shutil.rmtree(candidate.folder)


def _retargeted(
    run: ModelRun, units: list[Unit], export: Export
) -> Iterator[tuple[list[Unit], Candidate | Result]]:
    """What each opset's units are made of, or the result of all of them; they come in their own order."""
    retargeting, native = retargeting_of(run, export), export.answer["opset"]
    some = {opset: list(alike) for opset, alike in groupby(units, key=lambda unit: unit.opset)}
    made = {
        opset: guarded(run, partial(_candidate, run, _whole(some[opset][0], run), export, retargeting))
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
            result = guarded(run, partial(_publish_reduced, run, unit, candidate, verification, export))
        else:
            before = candidate.seconds + verification.seconds
            publish = partial(publish_candidate, run, candidate, export, verification, last=unit is units[-1])
            result = guarded(run, publish)
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
