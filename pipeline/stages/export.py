"""The part of a model's way that all its opsets share: its files, fixed inputs and native export."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converters.interface import export_call
from evaluation.errors import EvaluationError
from pipeline.environments import building
from pipeline.errors import WorkerError
from pipeline.planning import keys
from pipeline.stages.model_files import (
    LoadedWeights,
    model_folder_of,
    pictures_of,
    taken_of_file,
    weights_of,
)
from pipeline.stages.model_run import ModelRun, StageKind
from pipeline.stages.picture_preparation import preprocessing_of
from pipeline.stages.work_folder import folder_of_export, folder_of_inputs, make_stage
from pipeline.workers.sources import computing, run_worker
from publishing.addresses import without_secrets
from publishing.foreign_text import visible

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from evaluation.label_files import Labels
    from opsets import EmbeddedSteps

    Arrays = dict[str, npt.NDArray[np.float32]]

_WEIGHTS_FILE = "the weights file"
"""Who said how many classes a network has, where its entry says nothing and its framework another number."""


@dataclass(frozen=True)
class Export:
    """The native export of a model, and what it is verified against."""

    folder: Path
    """Holds model.onnx."""
    inputs: Path
    """The .npz file of the fixed inputs."""
    outputs: Path
    """The .npz file of the source framework's logits."""
    answer: dict[str, Any]
    """What the export script said: opset, exporter, parameters, weights."""
    weights: LoadedWeights
    preprocessing: dict[str, Any]
    pictures: list[tuple[str, Path]]
    """The name of each picture, and where its file is."""
    environment: building.Environment
    labels: Labels | None = None
    """The names of the classes, where somebody said them: see :mod:`pipeline.stages.class_names`."""
    batch: int | None = None
    """The number of pictures in every data set, where a file is to take no other; None where it is open."""
    steps: EmbeddedSteps | None = None
    """What every file has inside beside the network: see :mod:`pipeline.stages.embedding`."""
    embedded: Mapping[str, Any] = field(default_factory=dict)
    """The same as a record says it."""

    @property
    def model(self) -> Path:
        return self.folder / "model.onnx"

    @property
    def origin(self) -> str:
        """Where the weights came from, as files and records say it; a framework may say it with a URL."""
        origin = self.weights.origin or without_secrets(self.answer["weights"]["origin"])
        taken = self.answer["weights"].get("file", {})
        return f"{origin}, entry {taken['entry']}" if taken.get("other_entries") else origin

    @cached_property
    def thumbnails(self) -> list[tuple[str, bytes]]:
        """A small copy of each picture, with its path in the zoo."""
        from evaluation.thumbnails import thumbnail

        small = [(_plain(name), thumbnail(file)) for name, file in self.pictures]
        return [
            (f"pictures/{name}-{hashlib.sha256(data).hexdigest()[:12]}.jpg", data) for name, data in small
        ]

    @property
    def classes(self) -> int:
        """The number of the model's logits."""
        return int(next(iter(self.references().values())).shape[1])

    def references(self) -> Arrays:
        """The source framework's logits, float32 (N, classes) per data set."""
        return _read(self.outputs)

    def input_arrays(self) -> Arrays:
        """The fixed inputs, float32 (N, C, H, W) per data set."""
        return _read(self.inputs)

    def picture_places(self) -> list[tuple[str, int]]:
        """Where each picture is: the data set, and the row in it."""
        count = len(self.pictures)
        if self.batch is None:
            return [(f"pictures-{count}", row) for row in range(count)]
        return [
            (f"pictures-{self.batch}-{index // self.batch + 1}", index % self.batch) for index in range(count)
        ]


def _plain(name: str) -> str:
    """The name of a file without its ending, of characters that every store and every URL takes."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", Path(name).stem).strip("-") or "picture"


def _read(path: Path) -> Arrays:
    from evaluation.inputs import read_npz

    return read_npz(path)


@dataclass(frozen=True)
class Material:
    """What an export is made from: all that the framework's side is given."""

    inputs: Path
    """The .npz file of the fixed inputs."""
    weights: LoadedWeights
    preprocessing: dict[str, Any]
    pictures: list[tuple[str, Path]]
    environment: building.Environment


def make_material(run: ModelRun) -> Material:
    """Make, or find again, the fixed inputs of a job, and fetch the rest."""
    job = run.job
    environment = _environment(run)
    with run.stage(StageKind.FILES):
        model_folder_of(job, run.stop)
        weights = weights_of(job, run.plan.folder, run.stop)
        pictures = pictures_of(job.entry.images, run.plan.folder, run.stop)
    inputs = run.work / folder_of_inputs(job)
    with run.stage(StageKind.INPUTS) as stage:
        made, stage.reused = make_stage(
            inputs, job.inputs_key, lambda folder: _make_inputs(folder, run, environment, pictures)
        )
    return Material(inputs / "inputs.npz", weights, made["preprocessing"], pictures, environment)


def make_export(run: ModelRun) -> Export:
    """Make, or find again, the native export of a job."""
    job, made_from = run.job, make_material(run)
    folder = run.work / folder_of_export(job)
    with run.stage(StageKind.EXPORT) as stage:
        answer, stage.reused = make_stage(
            folder,
            job.export_key,
            lambda staging: _run_export(staging, run, made_from),
        )
    if "file" in answer["weights"]:
        run.progress.note(job.name, taken_of_file(answer["weights"]["file"]))
    if answer["head"]["from"] == _WEIGHTS_FILE:
        run.progress.note(job.name, f"{answer['head']['classes']} classes, as the weights file has them")
    if "output" in answer:
        run.progress.note(job.name, _told_of(answer["output"]))
    return Export(
        folder,
        made_from.inputs,
        folder / "outputs.npz",
        answer,
        made_from.weights,
        made_from.preprocessing,
        made_from.pictures,
        made_from.environment,
    )


def _told_of(output: Mapping[str, Any]) -> str:
    """Which of several outputs was taken."""
    name = f": {visible(output['name'])}" if output["name"] else ""
    return f"of its {output['of']} outputs the one at position {output['index']}, counted from 0{name}"


def _environment(run: ModelRun) -> building.Environment:
    """The environment of a job.

    Raises WorkerError for code that nobody trusts: what it requires may run whenever the interpreter of that
    environment starts.
    """
    if run.job.untrusted:
        raise WorkerError(run.job.untrusted)
    with run.stage(StageKind.ENVIRONMENT) as stage:
        source, requirements = run.job.source, run.job.entry.requirements
        stage.reused = building.existing(source, requirements) is not None
        return run.environments.ensure(source, requirements)


def _make_inputs(
    folder: Path, run: ModelRun, environment: building.Environment, pictures: list[tuple[str, Path]]
) -> dict[str, Any]:
    from evaluation.inputs import fixed_inputs, write_npz
    from evaluation.preprocessing import Preprocessing

    preprocessing = preprocessing_of(run, environment, folder)
    wanted, files = Preprocessing.from_dict(preprocessing), [path for _, path in pictures]
    arrays = fixed_inputs(wanted, files, seed=keys.SEED, batch=run.job.entry.batch)
    write_npz(folder / "inputs.npz", arrays)
    return {"preprocessing": preprocessing}


def _run_export(folder: Path, run: ModelRun, made_from: Material) -> dict[str, Any]:
    job, environment = run.job, made_from.environment
    call = export_call(
        job.source,
        model=job.model.argument,
        options=job.network_options,
        weights=made_from.weights.request,
        reparameterise=job.entry.reparameterise,
        inputs=made_from.inputs,
        output_folder=folder,
        opset=job.native_opset,
    )
    answer = run_worker(
        call,
        python=environment.python,
        variables=computing(environment.description.variables),
        what=f"exporting {job.name}",
        folder=folder,
        limits=run.limits,
        stop=run.stop,
    )
    _check_written(folder, answer["opset"], made_from.inputs, f"exporting {job.name} failed")
    return answer


def _check_written(folder: Path, opset: int, inputs: Path, failed: str) -> None:
    """Raise WorkerError where what a worker has written is not what was asked of it: else it would be kept.

    ``failed`` is what the message begins with.
    """
    from opsets import RetargetError, read_graph

    try:
        model = read_graph(folder / "model.onnx")
        outputs, asked = _read(folder / "outputs.npz"), _read(inputs)
    except (RetargetError, EvaluationError) as error:
        raise WorkerError(f"{failed}: {error}") from error
    found = [each.version for each in model.opset_import if each.domain in ("", "ai.onnx")]
    if found != [opset]:
        raise WorkerError(f"{failed}: the file is of opset {', '.join(map(str, found))}, not of {opset}")
    if set(outputs) != set(asked):
        raise WorkerError(f"{failed}: there are outputs for {sorted(outputs)}, not for {sorted(asked)}")
    for name, output in outputs.items():
        if output.ndim != 2 or output.dtype != "float32" or len(output) != len(asked[name]):
            told = f"{name} is {output.dtype} {list(output.shape)}"
            raise WorkerError(f"{failed}: outputs are float32, a row for each picture, and {told}")
