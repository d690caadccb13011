"""How many bytes the tensors of models have, asked of their frameworks and kept beside the environment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from converters.interface import AS_IT_IS, NetworkOptions, Source, sizes_call
from pipeline.config.schema import FileWeights
from pipeline.environments import building
from pipeline.environments.building import Environment
from pipeline.errors import EnvironmentBuildError, WorkerError
from pipeline.planning.jobs import FolderModel, ModelJob, NamedModel
from pipeline.system.files import digest_of, read_json, write_json
from pipeline.system.locks import locked
from pipeline.workers.processes import Limits
from pipeline.workers.sources import run_worker

_LIMITS = Limits(seconds=900)


@dataclass(frozen=True)
class _Asked:
    """A model of a framework, and what it is built with beside its name."""

    model: str
    options: NetworkOptions

    @property
    def key(self) -> str:
        """Under which its size is kept."""
        if self.options == AS_IT_IS:
            return self.model
        return f"{self.model} {digest_of(asdict(self.options))}"


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
        environment = _without_building(source, stop, say)
        asked: dict[str, _Asked] = {}
        if environment:
            asked = {
                job.name: _Asked(job.model.name, job.network_options(environment.catalogue))
                for job in ours
                if isinstance(job.model, NamedModel)
            }
        sizes_by_key = _framework_sizes(environment, list(asked.values()), stop, say) if environment else {}
        for job in ours:
            of_framework = sizes_by_key.get(asked[job.name].key) if job.name in asked else None
            size = of_framework or _size_on_disk(job, folder)
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
        return (folder / weights.file).stat().st_size
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
    environment: Environment, models: Sequence[_Asked], stop: threading.Event, say: Callable[[str], None]
) -> dict[str, int]:
    """The bytes of each model that the framework can build by its key, asked before or now."""
    kept = environment.sizes_file
    wanted = {model.key: model for model in models}
    sizes = _read(kept)
    if wanted.keys() <= sizes.keys():
        return _sizes(sizes, wanted)
    source = environment.description.source
    with locked(environment.description.folder, stop):
        sizes = _read(kept)
        missing = [model for key, model in wanted.items() if key not in sizes]
        if missing:
            say(f"asking {source.name} for the size of {len(missing)} model{'s' * (len(missing) > 1)} (once)")
            sizes |= _ask(source, environment, missing, stop)
            write_json(kept, sizes)
    return _sizes(sizes, wanted)


def _ask(
    source: Source, environment: Environment, models: Sequence[_Asked], stop: threading.Event
) -> dict[str, int | None]:
    """By the keys of the models. None stands for one that cannot be built: it is not asked for again."""
    try:
        answer = run_worker(
            sizes_call(source, [(model.model, model.options) for model in models]),
            python=environment.python,
            variables=environment.description.variables,
            what=f"asking {source.name} for sizes",
            folder=environment.description.folder / "sizes",
            limits=_LIMITS,
            stop=stop,
        )["bytes"]
    except WorkerError:
        answer = [None] * len(models)  # its log stays; that a size is unknown is no reason not to go on
    return {model.key: size for model, size in zip(models, answer, strict=True)}


def _read(file: Path) -> dict[str, Any]:
    content = read_json(file)
    return content if isinstance(content, dict) else {}


def _sizes(sizes: dict[str, Any], keys: Iterable[str]) -> dict[str, int]:
    return {key: size for key in keys if isinstance(size := sizes.get(key), int)}
