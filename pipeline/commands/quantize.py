"""The command that brings an ONNX file to a lower precision."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.commands.retarget import refuse_wrong_places
from pipeline.config.schema import LOWEST_OPSETS, Quantization
from pipeline.errors import PipelineError, UsageError
from pipeline.system.interrupts import interruptible
from pipeline.workers.processes import Limits
from publishing.foreign_text import visible

if TYPE_CHECKING:
    import onnx

    from pipeline.workers.reduction import Reduced, Reduction


@dataclass(frozen=True)
class Wanted:
    """What the command line asks for."""

    model: Path
    images: Path
    output: Path | None
    form: str
    labels: Path | None
    preprocessing: Mapping[str, Any]
    """What replaces, field by field, what the file says of itself."""
    settings: Mapping[str, Any]
    """Of the pipeline file's ``quantization``."""

    @property
    def destination(self) -> Path:
        return self.output or self.model.with_name(f"{self.model.stem}-{self.form}.onnx")


def quantize(wanted: Wanted) -> str:
    """Write ``wanted.model`` in a lower precision, where the gate is passed; what was done, in lines.

    Raises UsageError where the files or the settings that are asked for are wrong, and PipelineError where
    the model cannot be said so, the gate is missed or the disk refuses; nothing is written then.
    """
    from pipeline.workers.reduction import reduce_file

    destination = wanted.destination
    refuse_wrong_places(wanted.model, destination)
    reduction, stop = _reduction(wanted), threading.Event()
    try:
        with interruptible(stop), tempfile.TemporaryDirectory(dir=destination.parent) as folder:
            reduced = reduce_file(reduction, Path(folder), Limits(), stop, f"quantising {wanted.model}")
            lines = list(_lines(reduced))
            if reduced.reason:
                tried = "\n".join(map(visible, lines))
                raise PipelineError(
                    f"the gate is missed: {reduced.reason}. Nothing was written.", *tried.splitlines()
                )
            reduced.model.replace(destination)
    except OSError as error:
        raise PipelineError(f"cannot write {destination}: {error.strerror or error}") from error
    before, after = wanted.model.stat().st_size, destination.stat().st_size
    lines.append(f"{destination}: {after / 1e6:.1f} MB, {after / before:.2f} of the size")
    return "\n".join(map(visible, lines))


def _reduction(wanted: Wanted) -> Reduction:
    from pipeline.workers.reduction import Reduction
    from quantization.errors import QuantizationError
    from quantization.graph import opset_of
    from quantization.pictures import choose, pictures_in

    graph, settings = _graph(wanted.model), Quantization(**wanted.settings)
    opset = opset_of(graph)
    lowest, highest = LOWEST_OPSETS[wanted.form], 12
    if not lowest <= opset <= highest:
        raise UsageError(
            f"{wanted.model} is of opset {opset}, and {wanted.form} is made at {lowest} to {highest}; "
            f"bring it there first: python -m pipeline retarget {wanted.model} --opset {highest}"
            if opset > highest
            else f"{wanted.model} is of opset {opset}, and the lowest possible for {wanted.form} is {lowest}"
        )
    if not wanted.images.is_dir():
        raise UsageError(f"--images: there is no folder {wanted.images}.")
    try:
        found = pictures_in(wanted.images)
        pictures = choose(found, settings.pictures, settings.gate_pictures, settings.seed)
    except QuantizationError as error:
        raise UsageError(f"--images: {wanted.images}: {error}.") from error
    labels = _labels(wanted, found, graph, list(pictures.gate))
    preprocessing = _preprocessing(wanted, graph)
    return Reduction(
        wanted.model, opset, wanted.form, preprocessing, pictures, settings.model_dump(mode="json"), labels
    )


def _graph(model: Path) -> onnx.ModelProto:
    from opsets import read_graph
    from opsets.errors import ModelFileError, RetargetError

    try:
        return read_graph(model)
    except (ModelFileError, RetargetError) as error:
        raise UsageError(str(error)) from error
    except OSError as error:
        raise UsageError(f"{model}: {error.strerror or error}") from error


def _preprocessing(wanted: Wanted, graph: onnx.ModelProto) -> dict[str, Any]:
    """How pictures are prepared: as the command line says, else as the file does, else squashed to 0..1."""
    from evaluation.errors import EvaluationError
    from evaluation.preprocessing import Preprocessing
    from publishing.metadata import preprocessing_in

    constants = {tensor.name for tensor in graph.graph.initializer}
    ports = [port for port in graph.graph.input if port.name not in constants]
    lengths = [dimension.dim_value for dimension in ports[0].type.tensor_type.shape.dim] if ports else []
    size = wanted.preprocessing.get("input_size") or tuple(lengths[1:])
    if len(size) != 3 or 0 in size:
        raise UsageError(
            f"{wanted.model} does not say how large its pictures are: its input has the shape {lengths}. "
            "Give --size CHANNELS,HEIGHT,WIDTH."
        )
    said = preprocessing_in({entry.key: entry.value for entry in graph.metadata_props})
    values = {
        "resize": min(size[1:]),
        "crop_mode": "squash",
        "interpolation": "bilinear",
        "mean": [0.0] * size[0],
        "std": [1.0] * size[0],
        "colour": "RGB",
        **said,
        **wanted.preprocessing,
        "input_size": list(size),
    }
    try:
        return Preprocessing.from_dict(values).to_dict()
    except EvaluationError as error:
        raise UsageError(str(error)) from error


def _labels(wanted: Wanted, found: list[Path], graph: onnx.ModelProto, gate: list[Path]) -> list[int] | None:
    """The classes of the pictures of the gate."""
    from evaluation.datasets import read_dataset
    from evaluation.errors import EvaluationError

    if wanted.labels is None:
        return None
    classes = graph.graph.output[0].type.tensor_type.shape.dim[-1].dim_value
    try:
        dataset = read_dataset(wanted.images, wanted.labels, classes)
    except EvaluationError as error:
        raise UsageError(f"--labels: {error}.") from error
    labels = {dataset.path(picture): picture.label for picture in dataset.pictures}
    return [labels[path] for path in gate]


def _lines(reduced: Reduced) -> Iterator[str]:
    """A line for each try, and one for each runtime."""
    for tried in reduced.report["tries"]:
        words = [str(tried[key]) for key in ("calibration", "weights") if key in tried]
        if "batch normalisation" in tried:
            words.append(f"batch normalisation {tried['batch normalisation']}")
        if tried["kept in float32"]:
            words.append(f"{len(tried['kept in float32'])} nodes in float32")
        yield f"{', '.join(words) or tried['form']}: {_measured(tried['gate'])}"
    for name, verdict in reduced.report.get("runtimes", {}).items():
        yield f"{name} {verdict['version']}: {_measured(verdict)}"


def _measured(verdict: Mapping[str, Any]) -> str:
    if verdict["cosine"] is None:
        return str(verdict["reason"])
    figures = f"same class on {verdict['agreement']:.1%}, cosine {verdict['cosine']:.4f}"
    if verdict["top1"] is not None:
        figures = f"top-1 {verdict['top1']:.1%} after {verdict['reference_top1']:.1%}, {figures}"
    return f"{figures}, {'passed' if verdict['passed'] else 'missed'}"
