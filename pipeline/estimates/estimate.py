"""What a plan will take: bytes on disk and, about, time; for each model and in all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from converters.registry import SOURCES
from parity.runtimes.registry import asked_at
from pipeline.environments import building
from pipeline.environments.spec import EnvironmentSpec, environments_folder, spec_of
from pipeline.estimates.disk import Need, Room, rooms
from pipeline.estimates.durations import Durations
from pipeline.estimates.history import Entry, read_history
from pipeline.estimates.sizes import bytes_below, input_bytes, sizes_of
from pipeline.planning.jobs import ModelJob, Plan, Unit, units_at_once
from pipeline.system.fetch import downloaded
from pipeline.system.files import cache_folder

ARCHIVE_SHARE = 0.94
"""The .tar.gz of a model's weights beside the weights: trained and random ones hardly compress."""
GRAPH_BYTES = 200_000
"""The graph of a model, its record and what file systems round up, for each unit."""
EXPORT_COPIES = 2
"""While a source exports, its files hold the weights at most twice: those of its own format, and the ONNX
file."""
_RAISED = "onnxruntime-raised"
"""The runtime that writes another file of the same size for as long as it runs."""
THREADS_OF_A_MODEL = 2


@dataclass(frozen=True)
class ModelEstimate:
    """What is left to do of one model, and what it takes. None: not known yet."""

    name: str
    units: int
    weights: int | None
    """The bytes of its tensors."""
    publish: int | None
    """The bytes that its units add to the publish folder, at the most."""
    work: int | None
    """The bytes that it adds to the work folder, at the most, until it is published."""
    seconds: float | None
    """Those of its units, and then those of timing them."""
    benchmark_seconds: float | None
    """Those of timing them alone, for which nothing else is at work."""
    seconds_by: Literal["history", "formula"] | None
    """Whether this machine has done the model before, or its time follows from its size."""


@dataclass(frozen=True)
class Estimate:
    """What a plan takes. Figures in all leave out the models of which nothing is known."""

    models: tuple[ModelEstimate, ...]
    """Those that have something to do."""
    needs: tuple[Need, ...]
    rooms: tuple[Room, ...]
    """The same by file system, with what each has left."""
    seconds: float
    unbuilt: tuple[str, ...]
    """Environments that are not there yet: the names of their sources, and what is added to them."""

    @property
    def unknown(self) -> tuple[str, ...]:
        """The models of which the size is not known."""
        return tuple(model.name for model in self.models if model.weights is None)


def estimate(plan: Plan, at_once: int) -> Estimate:
    """What is left to do of ``plan`` with ``at_once`` models at the same time."""
    left = [job for job in plan.jobs if not job.done or units_to_time(plan, job)]
    history = read_history()
    sizes = sizes_of(left, plan.folder)
    durations = Durations(history, _timed_runtimes(plan, left))
    models = tuple(_of_model(job, plan, sizes, history, durations) for job in left)
    needs = tuple(need for need in _needs(plan, models, left, at_once) if need.bytes)
    timing = sum(model.benchmark_seconds or 0.0 for model in models)
    seconds = sorted((model.seconds or 0.0) - (model.benchmark_seconds or 0.0) for model in models)
    together = max(1, min(at_once, (os.cpu_count() or 1) // THREADS_OF_A_MODEL))
    unbuilt = tuple(spec.described for spec in _missing(left))
    total = max([sum(seconds) / together, *seconds[-1:]]) + timing
    return Estimate(models, needs, tuple(rooms(needs)), total, unbuilt)


def units_to_time(plan: Plan, job: ModelJob) -> list[Unit]:
    """The units of a job that a run will time: those whose times are not announced, or that it publishes."""
    if not job.entry.benchmark:
        return []
    return [
        unit
        for unit in job.units
        if not unit.done or plan.published[unit.name].benchmark_path not in plan.listed
    ]


def _timed_runtimes(plan: Plan, left: list[ModelJob]) -> int:
    """The number of runtimes that this machine times: they are loaded to be counted, so only where any is."""
    if not any(units_to_time(plan, job) for job in left):
        return 0
    from latency.runtimes import available_runtimes

    return len(available_runtimes())


def _of_model(
    job: ModelJob, plan: Plan, sizes: Mapping[str, int], history: Mapping[str, Entry], durations: Durations
) -> ModelEstimate:
    todo = [unit for unit in job.units if not unit.done]
    weights = sizes.get(job.name) or _bytes_before(history.get(job.name, {})) or _bytes_published(plan, job)
    if weights is None:
        return ModelEstimate(job.name, len(todo), None, None, None, None, None, None)
    seconds, benchmarks, by = _seconds(job, len(todo), len(units_to_time(plan, job)), weights, durations)
    if not todo:
        return ModelEstimate(job.name, 0, weights, 0, 0, seconds, benchmarks, by)
    inputs = input_bytes(job)
    export = weights * EXPORT_COPIES
    raised = any(_RAISED in asked_at(unit.opset) for unit in todo)
    deflated = int(weights * ARCHIVE_SHARE)  # what the archives of a model share
    candidates = weights * (1 + min(len(todo), 2 * units_at_once(weights)) + raised) + deflated
    work = inputs + max(export, candidates) + GRAPH_BYTES * (1 + len(todo))
    # What is sent elsewhere lies here until it is sent.
    archive = 0 if plan.publish_folder else deflated + inputs
    return ModelEstimate(
        job.name,
        len(todo),
        weights,
        _published_bytes(plan, todo, int(weights * (1 + ARCHIVE_SHARE)) + inputs + GRAPH_BYTES),
        max(0, work + archive - bytes_below(plan.work / job.name)),
        seconds,
        benchmarks,
        by,
    )


def _seconds(
    job: ModelJob, units: int, timed: int, weights: int, durations: Durations
) -> tuple[float, float, Literal["history", "formula"]]:
    """The seconds of a model in all, those of timing its units, and whether all is by the history."""
    parts = []
    if units:
        parts.append(durations.of_model(job.name, job.source, weights, units))
    benchmarks = durations.of_benchmarks(job.name, job.source, weights, timed)
    if timed:
        parts.append(benchmarks)
    known = all(by == "history" for _, by in parts)
    return sum(seconds for seconds, _ in parts), benchmarks[0], "history" if known else "formula"


def _bytes_published(plan: Plan, job: ModelJob) -> int | None:
    """The bytes of the largest file that is published of a model."""
    units = (plan.published.get(unit.name) for unit in job.units)
    return max((unit.record.files["onnx"].bytes for unit in units if unit), default=None)


def _bytes_before(entry: Entry) -> int | None:
    size = entry.get("bytes")
    return size if isinstance(size, int) else None


def _published_bytes(plan: Plan, todo: list[Unit], unit_bytes: int) -> int:
    """What units add to the publish folder: an older publication goes when the new one is whole."""
    old = [_bytes_of_published(plan, unit) for unit in todo]
    added = sum(max(0, unit_bytes - size) for size in old)
    return added + (unit_bytes if any(old) else 0)


def _bytes_of_published(plan: Plan, unit: Unit) -> int:
    published_unit = plan.published.get(unit.name)
    return sum(file.bytes for file in published_unit.record.files.values()) if published_unit else 0


def _needs(
    plan: Plan, models: tuple[ModelEstimate, ...], left: list[ModelJob], at_once: int
) -> tuple[Need, ...]:
    largest = sorted((model.work or 0 for model in models), reverse=True)[:at_once]
    missing = [spec.gigabytes or 0.0 for spec in _missing(left)]
    to_publish = sum(model.publish or 0 for model in models)
    return (
        *([Need("to publish", plan.publish_folder, to_publish)] if plan.publish_folder else []),
        Need("of work", plan.work, sum(largest)),
        Need("of environments", environments_folder(), int(sum(missing) * 1e9)),
        Need("of downloads", cache_folder(), _download_bytes(models, left)),
    )


def _missing(left: list[ModelJob]) -> list[EnvironmentSpec]:
    """The environments that have to be built."""
    asked: dict[tuple[str, tuple[str, ...]], None] = {}
    for job in left:
        asked[job.source.environment or job.source.name, job.entry.requirements] = None
        asked |= {(name, ()): None for name in (() if job.done else job.entry.parity.environments)}
    return [
        spec_of(SOURCES[name], requirements)
        for name, requirements in asked
        if not building.existing(SOURCES[name], requirements)
    ]


def _download_bytes(models: tuple[ModelEstimate, ...], left: list[ModelJob]) -> int:
    """What is still to be fetched of weights: a checkpoint of its size for each model that has one."""
    total = 0
    for model, job in zip(models, left, strict=True):
        sha256 = getattr(job.entry.weights, "sha256", None)
        is_file = hasattr(job.entry.weights, "file")
        if sha256 and not is_file and not downloaded(sha256):
            total += model.weights or 0
    return total
