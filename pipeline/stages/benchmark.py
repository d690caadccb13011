"""The stage after all is published: times of what a run, or a command, asks for, one file after the other."""

from __future__ import annotations

import os
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING

from converters.catalogue import read_catalogue
from converters.interface import NetworkOptions
from converters.registry import SOURCES
from latency.schedule import BATCHES, ROUNDS, THREADS
from pipeline.environments.run_environments import RunEnvironments
from pipeline.errors import PipelineError
from pipeline.estimates.history import BENCHMARK, note
from pipeline.latency.benchmark import Subject, benchmark, refuse_none
from pipeline.latency.processes import Origin, Settings
from pipeline.latency.processor import processors_for
from pipeline.planning.jobs import ModelJob, Plan
from pipeline.stages.model_files import model_folder_of, weights_of
from publishing.errors import PublishError
from publishing.graph_facts import numpy_type

if TYPE_CHECKING:
    from publishing.benchmarks import Benchmark
    from publishing.record import Record
    from publishing.zoo import PublishedUnit, Zoo

_SEED = re.compile(r"random weights, seed (\d+)")
THE_FRAMEWORK = "the framework"
"""Who said how many classes a network has, where nobody asked for another number."""
OriginOf = Callable[["Record"], Origin | str]
"""The network that a published model was made from, or why it cannot be asked."""


def default_settings() -> Settings:
    """The settings of a run, with fewer threads where this machine has not as many processors."""
    threads = min(THREADS, len(os.sched_getaffinity(0)))
    return Settings(BATCHES, threads, tuple(processors_for(threads)), ROUNDS)


def time_unit(
    zoo: Zoo, unit: PublishedUnit, origin_of: OriginOf, settings: Settings, say: Callable[[str], None]
) -> Benchmark:
    """Time one published unit, with the batch that it takes where that is fixed.

    Raises PipelineError where no runtime runs it, and Interrupted. ``say`` gets a line where the source
    framework cannot be asked.
    """
    record = unit.record
    fixed = record.io_ports["inputs"][0]["shape"][0]
    if isinstance(fixed, int):
        settings = replace(settings, batches=(fixed,))
    found, remark = origin_of(record), ""
    origin = found if isinstance(found, Origin) else None
    if origin is None:
        say(f"{record.name}: {record.framework} is not timed beside it: {found}")
        # Why not may name folders of this machine, and what is measured may be published.
        remark = f"{record.framework} was not at hand to be timed beside it"
    elif not origin.has_own_weights:
        remark = (
            f"{origin.source.title} was given random weights in place of the model's own, which only the "
            "pipeline file names; times seldom depend on weights"
        )
    channels, height, width = record.preprocessing["input_size"]
    with tempfile.TemporaryDirectory(prefix="pipeline-benchmark-") as name, _model_of(zoo, unit) as model:
        input_type = numpy_type(record.io_ports["inputs"][0]["type"])
        size = channels, height, width
        largest = record.provenance.get("embedded", {}).get("normalise", {}).get("largest")
        subject = Subject(record.name, model, size, input_type, origin, remark, largest)
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
    taken: dict[str, list[float]] = {}
    settings = default_settings()
    try:
        stamps = plan.zoo.store.stamps()
        units = {name: unit for name, unit in plan.zoo.units(stamps).items() if name in asked}
        timed = set() if plan.fresh else set(plan.zoo.benchmarks(units, stamps))
    except PublishError as error:
        raise PipelineError(str(error)) from error
    for unit in (unit for unit in units.values() if unit.benchmark_path not in timed):
        name = unit.record.name
        job = asked[name]
        say(f"{name}: timing it, beside {job.source.title}")
        built.available(job.source)  # that it is built now is not to be noted as the time of this unit
        try:
            begun = time.monotonic()
            origins = origin_in(job, plan.folder, built, stop)
            publish_benchmark(plan.zoo, unit, time_unit(plan.zoo, unit, origins, settings, say))
            taken.setdefault(job.name, []).append(time.monotonic() - begun)
            note({job.name: {"seconds": {BENCHMARK: round(mean(taken[job.name]), 2)}}}, stop)
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
        options = job.network_options
        fused = job.entry.reparameterise
        return Origin(job.source, environment, job.model.argument, options, weights.request, fused)

    return origin_of


def origin_by_record(built: RunEnvironments) -> OriginOf:
    """What tells the network of a record; without its pipeline file, trained weights are not at hand.

    Random ones stand for them then: that costs a time nothing, unless values are so small (denormal) that a
    processor computes slowly with them. What is measured says so.
    """

    def origin_of(record: Record) -> Origin | str:
        source = SOURCES.get(record.source)
        if source is None:
            return f"the source {record.source} is unknown here"
        model = record.provenance["model"]
        if model not in read_catalogue(source):
            return f"{source.title} does not list {model}: name the pipeline file that it was made with"
        environment = built.available(source)
        if environment is None:
            return (built.failure(source) or "").splitlines()[0]
        seed = _SEED.match(record.provenance["weights"]["origin"])
        weights = {"kind": "random", "seed": int(seed[1]) if seed else 0}
        fused = record.provenance["form"].startswith("re-parameterised")
        options = _options_of(record)
        own_weights = seed is not None
        return Origin(source, environment, model, options, weights, fused, has_own_weights=own_weights)

    return origin_of


def _options_of(record: Record) -> NetworkOptions:
    """What the network of a record was built with beside its name."""
    head, size = record.provenance["head"], record.preprocessing["input_size"]
    classes = None if head["from"] == THE_FRAMEWORK else head["classes"]
    return NetworkOptions(
        classes,
        (size[0], size[1], size[2]),
        record.provenance["arguments"],
        output=record.provenance.get("output", {}).get("index"),
    )


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
