"""What is to be evaluated: published units by name or from a pipeline file, or an ONNX file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluation.errors import EvaluationError
from evaluation.preprocessing import Preprocessing
from parity.runtimes.registry import RUNTIMES
from pipeline.errors import PipelineError, UsageError
from pipeline.planning.selection import matches, near_published
from pipeline.system.files import sha256_of_file
from publishing.errors import PublishError
from publishing.graph_facts import GraphFacts, facts_of
from publishing.metadata import names_in, preprocessing_in
from publishing.stores.folder import FolderStore

if TYPE_CHECKING:
    import onnx

    from publishing.zoo import PublishedUnit, Zoo

DEFAULT_RUNTIME, OLD_RUNTIME = "onnxruntime", "openvino"
"""What runs files where nothing else is asked for: the second one those that the first cannot run."""

_TYPES = ("float32", "float16")
"""Of inputs."""


@dataclass(frozen=True)
class Target:
    """One file to evaluate."""

    name: str
    """The unit's, such as ``timm/vgg16@12``, or the path of the file."""
    model: Path
    sha256: str
    runtime: str
    opset: int
    classes: int
    input_name: str
    input_type: str
    """``float32`` or ``float16``, in which the file takes its pictures."""
    batch: int | None
    """The number of pictures that the file takes at a time; None where any will do."""
    preprocessing: Preprocessing
    class_names: tuple[str, ...] = ()
    """Those in the file's metadata, where they are as many as its classes."""
    unit: PublishedUnit | None = None

    @property
    def title(self) -> str:
        """The model without its opset: all units of it get the same bits."""
        return self.name.partition("@")[0] if self.unit else self.name


def units_in(zoo: Zoo, pattern: str) -> list[PublishedUnit]:
    """The published units of ``zoo`` that fit a glob such as ``timm/*@{9..12}``. Raises UsageError."""
    try:
        zoo.require_ours()
        published = zoo.units()
    except PublishError as error:
        raise UsageError(str(error)) from error
    if not published:
        raise UsageError(f"nothing is published in {zoo.store.place}. Name the folder of a zoo with --zoo")
    units = [unit for name, unit in published.items() if matches(name, pattern)]
    if not units:
        hint = near_published(pattern, published)
        raise UsageError(f"{pattern} is not published in {zoo.store.place}.{hint}")
    return units


def unit_target(zoo: Zoo, unit: PublishedUnit, runtime: str | None, changes: Mapping[str, Any]) -> Target:
    """A published unit as a target. Raises UsageError where the zoo is no folder, or the file was changed."""
    if not isinstance(zoo.store, FolderStore):
        raise UsageError(f"{zoo.store.place}: models are evaluated from a folder; download the zoo first")
    record = unit.record
    file = record.files["onnx"]
    path = zoo.store.folder / file.path
    if sha256_of_file(path) != file.sha256:
        raise PipelineError(f"{path} is not as it was published; publish {record.name} again")
    preprocessing = _preprocessing(record.name, {**record.preprocessing, **changes})
    return replace(file_target(path, runtime, preprocessing.to_dict()), name=record.name, unit=unit)


def file_target(path: Path, runtime: str | None, changes: Mapping[str, Any]) -> Target:
    """An ONNX file as a target; what ``changes`` leave open of its preprocessing, its metadata has to say.

    Raises UsageError where it is no classifier of pictures, or its preprocessing is not known.
    """
    model = _read(path)
    try:
        facts = facts_of(model)
    except PublishError as error:
        raise UsageError(f"{path}: {error}.") from error
    size, batch, classes = _shapes(path, facts)
    properties = {entry.key: entry.value for entry in model.metadata_props}
    known, names = preprocessing_in(properties), names_in(properties) or []
    preprocessing = _preprocessing(str(path), {"input_size": size, **known, **changes})
    if preprocessing.input_size != tuple(size):
        raise UsageError(
            f"{path}: its input is {size} (channels, height, width), and not "
            f"{list(preprocessing.input_size)} as the preprocessing has it."
        )
    return Target(
        str(path),
        path.absolute(),
        sha256_of_file(path),
        _runtime(str(path), facts.opset, runtime),
        facts.opset,
        classes,
        facts.inputs[0].name,
        facts.inputs[0].numpy_type,
        batch,
        preprocessing,
        tuple(names) if len(names) == classes else (),
    )


def _read(path: Path) -> onnx.ModelProto:
    from opsets import RetargetError, read_graph

    try:
        return read_graph(path)
    except (OSError, RetargetError) as error:
        raise UsageError(f"{path}: no ONNX file that can be read: {error}") from error


def _shapes(path: Path, facts: GraphFacts) -> tuple[list[int], int | None, int]:
    """Channels, height and width of the input; the fixed batch; the number of classes."""
    if len(facts.inputs) != 1 or len(facts.outputs) != 1:
        raise UsageError(
            f"{path}: {len(facts.inputs)} inputs and {len(facts.outputs)} outputs; a classifier of pictures "
            "has one of each."
        )
    port, answer = facts.inputs[0], facts.outputs[0]
    first, size, scores = port.shape[:1], port.shape[1:], answer.shape[1:]
    if port.numpy_type not in _TYPES or len(size) != 3 or not all(isinstance(length, int) for length in size):
        raise UsageError(
            f"{path}: its input {port.name} is {port.type} of shape {list(port.shape)}; float32 or float16 "
            "pictures (batch, channels, height, width) are wanted, with a fixed size."
        )
    classes = 1
    for length in scores:
        if not isinstance(length, int):
            raise UsageError(f"{path}: its output {answer.name} does not say how many classes there are.")
        classes *= length
    if not scores or classes < 2:
        raise UsageError(
            f"{path}: its output has the shape {list(answer.shape)}; logits (batch, classes) are wanted."
        )
    [batch] = first
    return [int(length) for length in size], batch if isinstance(batch, int) else None, classes


def _preprocessing(name: str, values: Mapping[str, Any]) -> Preprocessing:
    try:
        return Preprocessing.from_dict(values)
    except EvaluationError as error:
        raise UsageError(
            f"{name}: {error}. Say it with --preprocessing, such as "
            "'{resize: 256, crop_mode: center, interpolation: bilinear}'."
        ) from error


def _runtime(name: str, opset: int, asked: str | None) -> str:
    if asked is None:
        return DEFAULT_RUNTIME if opset >= RUNTIMES[DEFAULT_RUNTIME].OPSETS.start else OLD_RUNTIME
    usable = [key for key, runtime in RUNTIMES.items() if runtime.ENVIRONMENT is None]
    if asked not in usable:
        raise UsageError(f"--runtime: {asked!r} is not one of {', '.join(usable)}.")
    runtime = RUNTIMES[asked]
    if opset < runtime.OPSETS.start:
        raise UsageError(f"{name}: {asked} does not run opset {opset}.")
    return asked
