"""The command that times models: published units, all of a pipeline file, or any ONNX file."""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.environments.run_environments import RunEnvironments
from pipeline.errors import PipelineError, UsageError
from pipeline.latency.benchmark import Subject, benchmark, refuse_none
from pipeline.latency.processes import Settings
from pipeline.latency.processor import processors_for
from pipeline.latency.report import print_benchmark
from pipeline.planning.planner import make_plan, read_checked, zoo_at
from pipeline.planning.selection import Selection, matches, near_published
from pipeline.stages.benchmark import OriginOf, origin_by_record, origin_in, time_unit
from pipeline.stages.zoo_announcement import announce_zoo, signer_with
from pipeline.system.interrupts import interruptible
from pipeline.terminal.wording import say
from publishing.errors import PublishError
from publishing.foreign_text import visible

if TYPE_CHECKING:
    from publishing.benchmarks import Benchmark
    from publishing.zoo import PublishedUnit, Zoo

_FLOATS = (1, 10)
"""FLOAT and FLOAT16 of TensorProto."""
_OPEN_SIDE = 224
"""Height and width of pictures, where a file leaves them open."""


@dataclass(frozen=True)
class Options:
    """What was asked for on the command line."""

    zoo: str
    threads: int
    batches: tuple[int, ...]
    rounds: int
    save: bool
    key: Path | None
    """The private key that a zoo is signed with where times are kept in it."""
    json: bool
    """Whether to print all figures as a list in JSON, in the form of the files beside the records."""


def benchmark_places(names: Sequence[str], options: Options) -> bool:
    """Time what ``names`` stand for, and print it; whether all could be timed.

    A name is that of an ONNX file, of a pipeline file, or of published units in ``options.zoo``, which may be
    a glob. Raises UsageError where one is wrong, before anything is timed; PipelineError where times cannot
    be kept; and Interrupted.
    """
    settings = _settings(options)
    signer = signer_with(options.key) if options.key else None
    stop = threading.Event()
    with interruptible(stop):
        built = RunEnvironments(stop=stop, say=say)
        tasks = [task for name in names for task in _tasks(name, options, settings, built, stop)]
        zoos: dict[str, Zoo] = {}
        problems: list[str] = []
        results: list[Benchmark] = []
        for task in tasks:
            try:
                measured = task.measure()
                results.append(measured)
                if not options.json:
                    print_benchmark(measured)
                if options.save and task.published:
                    _save(*task.published, measured)
                    zoos[task.published[0].store.place] = task.published[0]
            except PipelineError as error:
                problems.append(str(error))
                say(f"error: {error}")
        if options.json:
            print(json.dumps([asdict(measured) for measured in results], indent=1))
        for zoo in zoos.values():
            announce_zoo(zoo, signer, say)
    return not problems


@dataclass(frozen=True)
class _Task:
    """One file to be timed, and the published unit that it is, if it is one."""

    measure: Callable[[], Benchmark]
    published: tuple[Zoo, PublishedUnit] | None = None


def _settings(options: Options) -> Settings:
    if not options.batches or min(options.batches) < 1:
        raise UsageError("--batch: a batch has at least 1 picture.")
    if options.rounds < 1:
        raise UsageError(f"--rounds: {options.rounds} is too few; 1 is the least.")
    processors = processors_for(options.threads)
    return Settings(tuple(sorted(set(options.batches))), options.threads, tuple(processors), options.rounds)


def _tasks(
    name: str, options: Options, settings: Settings, built: RunEnvironments, stop: threading.Event
) -> list[_Task]:
    path = Path(name)
    if path.suffix in (".yaml", ".yml"):
        return _tasks_of_file(path, options, settings, built, stop)
    if path.suffix == ".onnx" or path.is_file():
        subject = _subject(path, options)
        return [_Task(lambda: _time_file(subject, settings))]
    origin_of = origin_by_record(built)
    zoo = zoo_at(options.zoo, Path())
    units = _units(zoo)
    fitting = [unit for unit in units.values() if matches(unit.record.name, name)]
    if not fitting:
        raise UsageError(_unknown(name, list(units), zoo.store.place))
    return [_task_of(zoo, unit, origin_of, settings) for unit in fitting]


def _tasks_of_file(
    path: Path, options: Options, settings: Settings, built: RunEnvironments, stop: threading.Event
) -> list[_Task]:
    plan = make_plan(read_checked(path), Selection())
    published = _units(plan.zoo)
    tasks = []
    for job in plan.jobs:
        origin_of = origin_in(job, plan.folder, built, stop)
        for unit in job.units:
            if unit.name in published:
                tasks.append(_task_of(plan.zoo, published[unit.name], origin_of, settings))
            else:
                say(f"{unit.name} is not published yet, and is left out")
    if not tasks:
        raise UsageError(f"{path}: nothing of it is published in {plan.zoo.store.place} yet; run it first.")
    return tasks


def _task_of(zoo: Zoo, unit: PublishedUnit, origin_of: OriginOf, settings: Settings) -> _Task:
    return _Task(lambda: time_unit(zoo, unit, origin_of, settings, say), (zoo, unit))


def _units(zoo: Zoo) -> dict[str, PublishedUnit]:
    try:
        stamps = zoo.store.stamps()
        zoo.require_ours(stamps)
        return zoo.units(stamps)
    except PublishError as error:
        raise UsageError(str(error)) from error


def _unknown(name: str, published: Sequence[str], place: str) -> str:
    if not published:
        return f"{name}: there is no such file, and nothing is published in {place}."
    return f"{name} is neither a file nor published in {place}.{near_published(name, published)}"


def _save(zoo: Zoo, unit: PublishedUnit, measured: Benchmark) -> None:
    from publishing.units import publish_benchmark

    try:
        publish_benchmark(zoo, unit, measured)
    except PublishError as error:
        raise PipelineError(str(error)) from error


def _time_file(subject: Subject, settings: Settings) -> Benchmark:
    with tempfile.TemporaryDirectory(prefix="pipeline-benchmark-") as folder:
        measured = benchmark(subject, settings, Path(folder))
    refuse_none(measured)
    return measured


def _subject(file: Path, options: Options) -> Subject:
    """Any ONNX file. Raises UsageError where it is none, or none that takes pictures."""
    if not file.is_file():
        raise UsageError(f"{file}: there is no such file.")
    from opsets import RetargetError, read_graph

    try:
        graph = read_graph(file).graph
    except RetargetError as error:
        raise UsageError(visible(str(error))) from error
    weights = {initializer.name for initializer in graph.initializer}
    inputs = [value for value in graph.input if value.name not in weights]
    if len(inputs) != 1:
        raise UsageError(f"{file}: it has {len(inputs)} inputs; a classifier of pictures has one.")
    tensor = inputs[0].type.tensor_type
    lengths = [axis.dim_value for axis in tensor.shape.dim]
    if tensor.elem_type not in _FLOATS or len(lengths) != 4 or lengths[1] < 1:
        raise UsageError(
            f"{visible(str(file))}: its input {visible(inputs[0].name)} is not of float32 or float16 "
            "pictures (N, C, H, W) with C given."
        )
    fixed = lengths[0]
    if fixed > 0 and set(options.batches) != {fixed}:
        raise UsageError(f"{file}: it takes batches of {fixed} alone; give --batch {fixed}.")
    _, channels, height, width = lengths
    return Subject(str(file), file, (channels, height or _OPEN_SIDE, width or _OPEN_SIDE), None)
