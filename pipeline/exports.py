"""The part of a model's way that all its opsets share: its files, fixed inputs and native export."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converters.interface import export_call
from pipeline import cache, environments, keys
from pipeline.context import ModelContext
from pipeline.errors import VerdictError, WorkerError
from pipeline.jobs import ModelJob
from pipeline.leftovers import folder_of_export, folder_of_inputs
from pipeline.materials import LoadedWeights, model_folder_of, pictures_of, weights_of
from pipeline.verification import tolerance_of
from pipeline.workers import run_worker

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Arrays = dict[str, npt.NDArray[np.float32]]

_THREADS = "2"
"""Fixed, not taken from the machine: sums in another order have other last bits."""


@dataclass(frozen=True)
class Export:
    """The native export of a model, and what it is verified against."""

    folder: Path
    """Holds model.onnx and outputs.npz."""
    inputs: Path
    """The .npz file of the fixed inputs."""
    answer: dict[str, Any]
    """What the export script said: opset, exporter, parameters, weights."""
    weights: LoadedWeights
    preprocessing: dict[str, Any]
    pictures: list[tuple[str, Path]]
    """The name of each picture, and where its file is."""
    family: str
    """The models that this one shares a folder and a card with."""
    environment: environments.Environment

    @property
    def model(self) -> Path:
        return self.folder / "model.onnx"

    @cached_property
    def thumbnails(self) -> list[tuple[str, bytes]]:
        """A small copy of each picture, with its path in the zoo."""
        from evaluation.thumbnails import thumbnail

        small = [(_plain(name), thumbnail(file)) for name, file in self.pictures]
        return [
            (f"pictures/{name}-{hashlib.sha256(data).hexdigest()[:12]}.jpg", data) for name, data in small
        ]

    def references(self) -> Arrays:
        """The source framework's logits, float32 (N, classes) per data set."""
        return _read(self.folder / "outputs.npz")

    def input_arrays(self) -> Arrays:
        """The fixed inputs, float32 (N, C, H, W) per data set."""
        return _read(self.inputs)


def _plain(name: str) -> str:
    """The name of a file without its ending, of characters that every store and every URL takes."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", Path(name).stem).strip("-") or "picture"


def _read(path: Path) -> Arrays:
    from evaluation.inputs import read_npz

    return read_npz(path)


def make_export(context: ModelContext) -> Export:
    """Make, or find again, the native export of a job.

    Raises VerdictError where the reference outputs are such that no comparison could prove anything.
    """
    job = context.job
    environment = _environment(context)
    with context.stage("files"):
        model_folder_of(job, context.stop)
        weights = weights_of(job, context.plan.folder, context.stop)
        pictures = pictures_of(job.entry.images, context.plan.folder, context.stop)
    preprocessing = _preprocessing(context, environment)
    inputs = context.work / folder_of_inputs(job)
    with context.stage("inputs") as stage:
        _, stage.reused = cache.make_stage(
            inputs, job.inputs_key, lambda folder: _make_inputs(folder, context, preprocessing, pictures)
        )
    folder = context.work / folder_of_export(job)
    with context.stage("export") as stage:
        answer, stage.reused = cache.make_stage(
            folder,
            job.export_key,
            lambda staging: _run_export(staging, inputs / "inputs.npz", context, weights, environment),
        )
    family = family_of(job, environment)
    export = Export(
        folder, inputs / "inputs.npz", answer, weights, preprocessing, pictures, family, environment
    )
    _require_lively(export, context)
    return export


def family_of(job: ModelJob, environment: environments.Environment) -> str:
    """The family of a job's model: as the pipeline file says, or the framework, or the model's own name."""
    known = environment.catalogue.get(job.model, {})
    return str(job.entry.family or known.get("family") or job.name.split("/", 1)[1])


def _environment(context: ModelContext) -> environments.Environment:
    with context.stage("environment") as stage:
        stage.reused = environments.existing(context.job.source) is not None
        return context.environments.ensure(context.job.source)


def _preprocessing(context: ModelContext, environment: environments.Environment) -> dict[str, Any]:
    """The framework's own preprocessing, with the fields that the pipeline file replaces.

    A model given as a folder has none of its own: its pictures are squashed to the input size and
    scaled to 0..1, where the pipeline file does not say otherwise.
    """
    from evaluation.preprocessing import Preprocessing

    said = context.job.entry.preprocessing.model_dump(exclude_none=True)
    listed = environment.catalogue.get(context.job.model)
    own = listed["preprocessing"] if listed else None
    if own is None:
        channels, height, width = said["input_size"]
        own = {
            "resize": min(height, width),
            "crop_mode": "squash",
            "interpolation": "bilinear",
            "mean": [0.0] * channels,
            "std": [1.0] * channels,
            "colour": "RGB",
        }
    elif "input_size" in said and "resize" not in said:
        # Another size, and the same share of the picture in the crop.
        own = own | {"resize": round(own["resize"] * said["input_size"][1] / own["input_size"][1])}
    return Preprocessing.from_dict(own | said).to_dict()


def _make_inputs(
    folder: Path, context: ModelContext, preprocessing: dict[str, Any], pictures: list[tuple[str, Path]]
) -> dict[str, Any]:
    from evaluation.inputs import fixed_inputs, write_npz
    from evaluation.preprocessing import Preprocessing

    wanted, files = Preprocessing.from_dict(preprocessing), [path for _, path in pictures]
    arrays = fixed_inputs(wanted, files, seed=keys.SEED, batch=context.job.entry.batch)
    write_npz(folder / "inputs.npz", arrays)
    return {}


def _run_export(
    folder: Path,
    inputs: Path,
    context: ModelContext,
    weights: LoadedWeights,
    environment: environments.Environment,
) -> dict[str, Any]:
    job = context.job
    call = export_call(
        job.source,
        model=job.model,
        weights=weights.request,
        reparameterise=job.entry.reparameterise,
        inputs=inputs,
        output_folder=folder,
        opset=keys.NATIVE_OPSET,
    )
    answer = run_worker(
        call,
        python=environment.python,
        variables={"OMP_NUM_THREADS": _THREADS, **environment.description.variables},
        what=f"exporting {job.name}",
        folder=folder,
        limits=context.limits,
        stop=context.stop,
    )
    expected, found = set(_read(inputs)), set(_read(folder / "outputs.npz"))
    if expected != found:
        raise WorkerError(f"exporting {job.name}: outputs for {sorted(found)}, not for {sorted(expected)}")
    return answer


def _require_lively(export: Export, context: ModelContext) -> None:
    from parity.liveliness import lifeless

    reason = lifeless(export.references(), tolerance_of(context.job.entry.parity))
    if reason:
        raise VerdictError(
            f"the framework's own outputs prove nothing: {reason}. Not published; "
            f"the outputs are in {export.folder}"
        )
