"""The stage after all is published: times of what a run, or a command, asks for, one file after the other."""

from __future__ import annotations

import os
import re
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from converters.registry import SOURCES
from pipeline.environments.run_environments import RunEnvironments
from pipeline.errors import PipelineError
from pipeline.latency.benchmark import Subject, benchmark, refuse_none
from pipeline.latency.processes import Origin, Settings
from pipeline.latency.processor import processors_for
from pipeline.planning.jobs import ModelJob, Plan
from pipeline.stages.model_files import model_folder_of, weights_of
from publishing.errors import PublishError

if TYPE_CHECKING:
    from publishing.benchmarks import Benchmark
    from publishing.record import Record
    from publishing.zoo import PublishedUnit, Zoo

BATCHES, THREADS, ROUNDS = (1, 4, 8), 2, 10
"""What holds where nobody says otherwise; the threads are those of the parity check."""
_SEED = re.compile(r"random weights, seed (\d+)")
OriginOf = Callable[["Record"], Origin | str]
"""The network that a published model was made from, or why it cannot be asked."""


def default_settings() -> Settings:
    """The settings of a run, with fewer threads where this machine has not as many processors."""
    threads = min(THREADS, len(os.sched_getaffinity(0)))
    return Settings(BATCHES, threads, tuple(processors_for(threads)), ROUNDS)


def time_unit(zoo: Zoo, unit: PublishedUnit, origin_of: OriginOf, settings: Settings) -> Benchmark:
    """Time one published unit, with the batch that it takes where that is fixed.

    Raises PipelineError where no runtime runs it, and Interrupted.
    """
    record = unit.record
    fixed = record.io_ports["inputs"][0]["shape"][0]
    if isinstance(fixed, int):
        settings = replace(settings, batches=(fixed,))
    origin = origin_of(record)
    why = "" if isinstance(origin, Origin) else origin
    channels, height, width = record.preprocessing["input_size"]
    with tempfile.TemporaryDirectory(prefix="pipeline-benchmark-") as name, _model_of(zoo, unit) as model:
        subject = Subject(
            record.name, model, (channels, height, width), origin if isinstance(origin, Origin) else None, why
        )
        measured = benchmark(subject, settings, Path(name))
    refuse_none(measured)
    return measured


def time_asked(
    plan: Plan, built: RunEnvironments, stop: threading.Event, say: Callable[[str], None]
) -> list[str]:
    """Time the published units whose entries ask for it and that have no times yet; what went wrong."""
    from publishing.units import publish_benchmark

    asked = {unit.name: job for job in plan.jobs if job.entry.benchmark for unit in job.units}
    if not asked:
        return []
    problems = []
    settings = default_settings()
    try:
        stamps = plan.zoo.store.stamps()
        units = {name: unit for name, unit in plan.zoo.units(stamps).items() if name in asked}
        timed = set() if plan.fresh else set(plan.zoo.benchmarks(units, stamps))
    except PublishError as error:
        raise PipelineError(str(error)) from error
    for unit in (unit for unit in units.values() if unit.benchmark_path not in timed):
        name = unit.record.name
        say(f"{name}: timing it, beside {SOURCES[unit.record.source].title}")
        try:
            origins = origin_in(asked[name], plan.folder, built, stop)
            publish_benchmark(plan.zoo, unit, time_unit(plan.zoo, unit, origins, settings))
        except (PipelineError, PublishError) as error:
            problems.append(f"{name} is published, and has no times: {error}")
    return problems


def origin_in(job: ModelJob, folder: Path, built: RunEnvironments, stop: threading.Event) -> OriginOf:
    """What tells the network of a job, with the weights that the pipeline file in ``folder`` names."""

    def origin_of(record: Record) -> Origin | str:
        try:
            environment = built.ensure(job.source)
            model_folder_of(job, stop)
            weights = weights_of(job, folder, stop)
        except PipelineError as error:
            return str(error).splitlines()[0]
        return Origin(job.source, environment, job.model.argument, weights.request, job.entry.reparameterise)

    return origin_of


def origin_by_record(built: RunEnvironments) -> OriginOf:
    """What tells the network of a record; without its pipeline file, trained weights are not at hand.

    Values decide nothing about the time of a network of dense layers, so random ones stand for them.
    """

    def origin_of(record: Record) -> Origin | str:
        source = SOURCES.get(record.source)
        if source is None:
            return f"the source {record.source} is unknown here"
        environment = built.available(source)
        if environment is None:
            return (built.failure(source) or "").splitlines()[0]
        model = record.provenance["model"]
        if model not in environment.catalogue:
            return f"{source.title} does not list {model}: name the pipeline file that it was made with"
        seed = _SEED.match(record.provenance["weights"]["origin"])
        weights = {"kind": "random", "seed": int(seed[1]) if seed else 0}
        fused = record.provenance["form"].startswith("re-parameterised")
        return Origin(source, environment, model, weights, fused)

    return origin_of


@contextmanager
def _model_of(zoo: Zoo, unit: PublishedUnit) -> Iterator[Path]:
    """The ONNX file of a unit: where it is published, or a copy of it where that is no folder."""
    from publishing.stores.folder import FolderStore

    path = unit.record.files["onnx"].path
    if isinstance(zoo.store, FolderStore):
        yield zoo.store.folder / path
        return
    with tempfile.TemporaryDirectory(prefix="pipeline-benchmark-") as name:
        model = Path(name) / "model.onnx"
        model.write_bytes(zoo.store.read(path) or b"")
        yield model
