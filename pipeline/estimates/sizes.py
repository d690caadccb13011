"""How many bytes the tensors of models have, asked of their frameworks and kept beside the environment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from converters.interface import Source, sizes_call
from pipeline.config.schema import FileWeights
from pipeline.environments import building
from pipeline.environments.building import Environment
from pipeline.errors import EnvironmentBuildError, WorkerError
from pipeline.planning.jobs import FolderModel, ModelJob, NamedModel
from pipeline.system.files import read_json, write_json
from pipeline.system.locks import locked
from pipeline.system.weight_shards import is_index, shards_of
from pipeline.workers.processes import Limits
from pipeline.workers.sources import run_worker

_LIMITS = Limits(seconds=900)


def sizes_of(
    jobs: Sequence[ModelJob], folder: Path, stop: threading.Event, say: Callable[[str], None]
) -> dict[str, int]:
    """The bytes of the tensors of models by the jobs' names, as far as they can be known.

    ``folder`` is that of the pipeline file. A framework is asked once for a model, and only where its
    environment has been built; ``say`` gets a line then.
    """
    sizes = {}
    for source in dict.fromkeys(job.source for job in jobs):
        ours = [job for job in jobs if job.source == source]
        named = [job.model.name for job in ours if isinstance(job.model, NamedModel)]
        environment = _without_building(source, stop, say)
        bytes_by_model = _framework_sizes(environment, named, stop, say) if environment and named else {}
        for job in ours:
            size = bytes_by_model.get(job.model.argument) or _size_on_disk(job, folder)
            if size:
                sizes[job.name] = size
    return sizes


def _without_building(
    source: Source, stop: threading.Event, say: Callable[[str], None]
) -> Environment | None:
    """The environment of ``source`` where it has been built, its models listed if they have not been."""
    if not building.is_built(source):
        return None
    try:
        return building.ensure(source, stop=stop, say=say)
    except EnvironmentBuildError:
        return None  # a run says why


def _size_on_disk(job: ModelJob, folder: Path) -> int | None:
    """The bytes of a model's folder, or of the file with its weights."""
    model, weights = job.model, job.entry.weights
    if isinstance(model, FolderModel):
        return bytes_below(model.folder) or None
    if isinstance(weights, FileWeights) and (folder / weights.file).is_file():
        path = folder / weights.file
        return sum(file.stat().st_size for file in (shards_of(path) if is_index(path) else [path]))
    return None


def bytes_below(folder: Path) -> int:
    """The bytes of all files below ``folder``, which need not exist."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size if path.is_file() else 0
        except OSError:
            continue  # another run has just removed it
    return total


def _framework_sizes(
    environment: Environment, models: Sequence[str], stop: threading.Event, say: Callable[[str], None]
) -> dict[str, int]:
    """The bytes of each model that the framework can build, from what it was asked before or now."""
    kept = environment.sizes_file
    sizes = _read(kept)
    if set(models) <= set(sizes):
        return _sizes(sizes, models)
    source = environment.description.source
    with locked(environment.description.folder, stop):
        sizes = _read(kept)
        missing = [model for model in models if model not in sizes]
        if missing:
            say(f"asking {source.name} for the size of {len(missing)} model{'s' * (len(missing) > 1)} (once)")
            sizes |= _ask(source, environment, missing, stop)
            write_json(kept, sizes)
    return _sizes(sizes, models)


def _ask(
    source: Source, environment: Environment, models: Sequence[str], stop: threading.Event
) -> dict[str, int | None]:
    """None stands for a model that cannot be built: it is not asked for again."""
    try:
        answer = run_worker(
            sizes_call(source, models),
            python=environment.python,
            variables=environment.description.variables,
            what=f"asking {source.name} for sizes",
            folder=environment.description.folder / "sizes",
            limits=_LIMITS,
            stop=stop,
        )["bytes"]
    except WorkerError:
        answer = {}  # its log stays; that a size is unknown is no reason not to go on
    return {model: answer.get(model) for model in models}


def _read(file: Path) -> dict[str, Any]:
    content = read_json(file)
    return content if isinstance(content, dict) else {}


def _sizes(sizes: dict[str, Any], models: Iterable[str]) -> dict[str, int]:
    return {model: size for model in models if isinstance(size := sizes.get(model), int)}
