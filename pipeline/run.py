"""What the commands do, behind the command line."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from converters.interface import Source
from converters.registry import SOURCES
from pipeline import environments
from pipeline.announcing import Announcer, announce_zoo, signer_with
from pipeline.check import source_named
from pipeline.environment_files import describe
from pipeline.errors import (
    INTERRUPTED,
    NOT_PUBLISHED,
    PUBLISHED,
    DiskSpaceError,
    UsageError,
)
from pipeline.executors import interruptible, run_models
from pipeline.jobs import Plan
from pipeline.leftovers import clear_published
from pipeline.materials import fetch_all
from pipeline.plan import Catalogue, CatalogueOf, make_plan, read_checked
from pipeline.run_environments import RunEnvironments
from pipeline.selection import Selection

if TYPE_CHECKING:
    from pipeline.estimate import Estimate
    from publishing.announcement import Signer


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def _catalogues(built: RunEnvironments) -> CatalogueOf:
    def catalogue_of(source: Source, needed: bool) -> Catalogue | None:
        environment = built.available(source) if needed else environments.existing(source)
        return environment.catalogue if environment else None

    return catalogue_of


def plan_file(path: Path, selection: Selection) -> Plan:
    """The plan of a pipeline file. Builds environments only where the file names models by globs."""
    stop = threading.Event()
    with interruptible(stop):
        return _plan(path, selection, RunEnvironments(stop=stop, say=_say))


def estimate_file(path: Path, selection: Selection, at_once: int) -> tuple[Plan, Estimate]:
    """The plan of a pipeline file, and what is left of it takes with ``at_once`` models at a time."""
    from pipeline.estimate import estimate

    stop = threading.Event()
    with interruptible(stop):
        plan = _plan(path, selection, RunEnvironments(stop=stop, say=_say))
        return plan, estimate(plan, at_once, stop, _say)


def _plan(path: Path, selection: Selection, built: RunEnvironments) -> Plan:
    return make_plan(*read_checked(path), selection, _catalogues(built))


def run_file(path: Path, selection: Selection, at_once: int, key: Path | None = None) -> int:
    """Run a pipeline file and sign the zoo with the private ``key``, if there is one; the exit code.

    Everything in the file is checked before a model starts. The names of models are known to their
    frameworks only, so the environments are built before that last check; one that cannot be built
    costs the models of its source. Raises DiskSpaceError where the disk will not do.
    """
    signer = signer_with(key) if key else None
    stop = threading.Event()
    with interruptible(stop):
        built = RunEnvironments(stop=stop, say=_say)
        plan = _checked_plan(path, selection, built, at_once, stop)
        if all(job.done for job in plan.jobs) and not plan.unresolved:
            announce_zoo(plan.zoo, signer, _say)
            _say(f"all {len(plan.units)} units are published in {plan.zoo.store.place} already")
            return PUBLISHED
        return _run_plan(plan, built, at_once, stop, signer)


def _require_room(plan: Plan, built: RunEnvironments, at_once: int, stop: threading.Event) -> None:
    """Raise DiskSpaceError where the disk will not do, by all that is known by now."""
    from pipeline.disk import refusal
    from pipeline.estimate import estimate

    possible = tuple(job for job in plan.jobs if not built.failure(job.source))
    message = refusal(estimate(replace(plan, jobs=possible), at_once, stop, _say).rooms)
    if message:
        raise DiskSpaceError(message)


def _checked_plan(
    path: Path, selection: Selection, built: RunEnvironments, at_once: int, stop: threading.Event
) -> Plan:
    plan = _plan(path, selection, built)
    clear_published(plan, stop)
    unfinished = dict.fromkeys(job.source for job in plan.jobs if not job.done)
    if not unfinished:
        return plan
    _require_room(plan, built, at_once, stop)
    missing = [source for source in unfinished if environments.existing(source) is None]
    if [source for source in missing if built.available(source)]:
        plan = _plan(path, selection, built)  # it now knows whether the models exist
        _require_room(plan, built, at_once, stop)  # and how large they are
    fetch_all([job for job in plan.jobs if not job.done and not built.failure(job.source)], plan.folder, stop)
    return plan


def _run_plan(
    plan: Plan, built: RunEnvironments, at_once: int, stop: threading.Event, signer: Signer | None
) -> int:
    from rich.console import Console

    from pipeline.context import ModelContext
    from pipeline.progress import Result, print_results, progress_on
    from pipeline.stages import run_model

    announcer = Announcer(plan.zoo, signer, _say)
    with progress_on(Console(stderr=True)) as progress:
        results = run_models(
            plan.jobs,
            lambda job: announcer.after_model(run_model(ModelContext(job, plan, progress, built, stop))),
            at_once=at_once,
            stop=stop,
        )
    results += [
        Result(glob, "failed", reason=built.failure(source) or "") for glob, source in plan.unresolved
    ]
    print_results(results)
    announcer.announce()
    if stop.is_set():
        _say("interrupted; run again to go on from here")
        return INTERRUPTED
    return PUBLISHED if all(result.good for result in results) else NOT_PUBLISHED


def list_models(source_name: str, glob: str) -> list[str]:
    """The models of a source that fit ``glob``. Raises UsageError where none does."""
    source = source_named(source_name)
    stop = threading.Event()
    with interruptible(stop):
        names = sorted(environments.ensure(source, stop=stop, say=_say).catalogue)
    found = [name for name in names if fnmatchcase(name, glob)]
    if not found:
        raise UsageError(f"none of the {len(names)} models of {source.name} fits {glob!r}.")
    return found


def _named(sources: Sequence[str]) -> list[Source]:
    return [source_named(name) for name in sources] or list(SOURCES.values())


def environment_rows() -> list[str]:
    """A line for each source: its name, whether its environment is built, its folder."""
    rows = []
    for source in SOURCES.values():
        found = environments.existing(source)
        folder = describe(source).folder
        state = (
            f"built, {len(found.packages)} packages, {len(found.catalogue)} models" if found else "not built"
        )
        rows.append(f"{source.name:<12} {state:<40} {folder}")
    return rows


def build_environments(sources: Sequence[str]) -> None:
    """Build the environments of the sources named, or of all."""
    wanted = _named(sources)
    stop = threading.Event()
    with interruptible(stop):
        for source in wanted:
            found = environments.ensure(source, stop=stop, say=_say)
            _say(f"{source.name}: {len(found.catalogue)} models, in {found.description.folder}")


def remove_environments(sources: Sequence[str]) -> list[str]:
    """Remove the environments of the sources named, or of all; what was removed."""
    removed = [folder for source in _named(sources) for folder in environments.remove(source)]
    return [f"removed {folder}" for folder in removed] or ["there was nothing to remove"]
