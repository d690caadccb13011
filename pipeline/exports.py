"""The part of a model's way that all its opsets share: its files, fixed inputs and native export."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converters.interface import export_call
from pipeline import cache, environments, keys
from pipeline.errors import VerdictError, WorkerError
from pipeline.materials import LoadedWeights, pictures_of, weights_of
from pipeline.verification import tolerance_of
from pipeline.workers import run_worker

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from pipeline.stages import ModelRun

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
    pictures: list[str]
    environment: environments.Environment

    @property
    def model(self) -> Path:
        return self.folder / "model.onnx"

    def references(self) -> Arrays:
        """The source framework's logits, float32 (N, classes) per data set."""
        return _read(self.folder / "outputs.npz")

    def input_arrays(self) -> Arrays:
        """The fixed inputs, float32 (N, C, H, W) per data set."""
        return _read(self.inputs)


def _read(path: Path) -> Arrays:
    from evaluation.inputs import read_npz

    return read_npz(path)


def make_export(run: ModelRun) -> Export:
    """Make, or find again, the native export of a job.

    Raises VerdictError where the reference outputs are such that no comparison could prove anything.
    """
    job = run.job
    environment = _environment(run)
    with run.stage("files"):
        weights = weights_of(job, run.plan.folder, run.stop)
        pictures = pictures_of(job.entry.images, run.plan.folder, run.stop)
    preprocessing = _preprocessing(run, environment)
    inputs = run.work / f"inputs-{job.inputs_key[:12]}"
    with run.stage("inputs") as stage:
        _, stage.reused = cache.make_stage(
            inputs, job.inputs_key, lambda folder: _make_inputs(folder, run, preprocessing, pictures)
        )
    folder = run.work / f"export-{job.export_key[:12]}"
    with run.stage("export") as stage:
        answer, stage.reused = cache.make_stage(
            folder,
            job.export_key,
            lambda staging: _run_export(staging, inputs / "inputs.npz", run, weights, environment),
        )
    names = [name for name, _ in pictures]
    export = Export(folder, inputs / "inputs.npz", answer, weights, preprocessing, names, environment)
    _require_lively(export, run)
    return export


def _environment(run: ModelRun) -> environments.Environment:
    source = run.job.source
    with run.stage("environment") as stage:
        found = environments.existing(source)
        stage.reused = found is not None
        say = lambda message: run.progress.say(run.job.name, message)  # noqa: E731
        return found or environments.ensure(source, stop=run.stop, say=say)


def _preprocessing(run: ModelRun, environment: environments.Environment) -> dict[str, Any]:
    """The framework's own preprocessing, with the fields that the pipeline file replaces.

    A model given as a folder has none of its own: its pictures are squashed to the input size and
    scaled to 0..1, where the pipeline file does not say otherwise.
    """
    from evaluation.preprocessing import Preprocessing

    said = run.job.entry.preprocessing.model_dump(exclude_none=True)
    own = environment.catalogue.get(run.job.model)
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
    folder: Path, run: ModelRun, preprocessing: dict[str, Any], pictures: list[tuple[str, Path]]
) -> dict[str, Any]:
    from evaluation.inputs import fixed_inputs, write_npz
    from evaluation.preprocessing import Preprocessing

    wanted, files = Preprocessing.from_dict(preprocessing), [path for _, path in pictures]
    arrays = fixed_inputs(wanted, files, seed=keys.SEED, batch=run.job.entry.batch)
    write_npz(folder / "inputs.npz", arrays)
    return {}


def _run_export(
    folder: Path,
    inputs: Path,
    run: ModelRun,
    weights: LoadedWeights,
    environment: environments.Environment,
) -> dict[str, Any]:
    job = run.job
    call = export_call(
        job.source,
        model=job.model,
        weights=weights.request,
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
        limits=run.limits,
        stop=run.stop,
    )
    expected, found = set(_read(inputs)), set(_read(folder / "outputs.npz"))
    if expected != found:
        raise WorkerError(f"exporting {job.name}: outputs for {sorted(found)}, not for {sorted(expected)}")
    return answer


def _require_lively(export: Export, run: ModelRun) -> None:
    from parity.liveliness import lifeless

    reason = lifeless(export.references(), tolerance_of(run.job.entry.parity))
    if reason:
        raise VerdictError(
            f"the framework's own outputs prove nothing: {reason}. Not published; "
            f"the outputs are in {export.folder}"
        )
