"""The command that brings an ONNX file to a lower precision."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.commands.retarget import refuse_wrong_places
from pipeline.config.schema import Quantization
from pipeline.config.versions import LAST_OPSET, LOWEST_OPSETS
from pipeline.errors import PipelineError, UsageError
from pipeline.system.interrupts import interruptible
from pipeline.workers.processes import Limits
from publishing.foreign_text import visible

if TYPE_CHECKING:
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
    stop = threading.Event()
    with interruptible(stop):
        reduction = _reduction(wanted, stop)
    try:
        with interruptible(stop), tempfile.TemporaryDirectory(dir=destination.parent) as folder:
            reduced = reduce_file(
                reduction, Path(folder).absolute(), Limits(), stop, f"quantising {wanted.model}"
            )
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


def _reduction(wanted: Wanted, stop: threading.Event) -> Reduction:
    from evaluation.picture_files import pictures_below
    from pipeline.evaluations.targets import file_target
    from pipeline.stages.gate_pictures import labels_of_pictures, require_readable
    from pipeline.workers.reduction import Reduction
    from quantization.errors import QuantizationError
    from quantization.pictures import choose

    settings, target = Quantization(**wanted.settings), file_target(wanted.model, None, wanted.preprocessing)
    _require_opset(wanted, target.opset)
    if not wanted.images.is_dir():
        raise UsageError(f"--images: there is no folder {wanted.images}.")
    try:
        found = [wanted.images / name for name in pictures_below(wanted.images)]
        pictures = choose(found, settings.pictures, settings.gate_pictures, settings.seed)
    except QuantizationError as error:
        raise UsageError(f"--images: {wanted.images}: {error}.") from error
    try:
        require_readable(pictures, str(wanted.images), stop)
    except PipelineError as error:
        raise UsageError(f"--images: {error}.") from error
    labels = None
    if wanted.labels:
        try:
            labels = labels_of_pictures(wanted.images, wanted.labels, pictures.gate, target.classes)
        except PipelineError as error:
            raise UsageError(f"--labels: {error}") from error
    return Reduction(
        wanted.model,
        target.opset,
        wanted.form,
        target.preprocessing.to_dict(),
        pictures,
        settings.model_dump(mode="json"),
        labels,
    )


def _require_opset(wanted: Wanted, opset: int) -> None:
    """Raise UsageError where the form that is asked for cannot be said at the opset of the model."""
    lowest = LOWEST_OPSETS[wanted.form]
    if opset < lowest:
        raise UsageError(
            f"{wanted.model} is of opset {opset}, and the lowest possible for {wanted.form} is {lowest}."
        )
    if opset > LAST_OPSET:
        raise UsageError(
            f"{wanted.model} is of opset {opset}, and {wanted.form} is made at {lowest} to {LAST_OPSET}. "
            f"Bring it there first: python -m pipeline retarget {wanted.model} --opset {LAST_OPSET}"
        )


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
