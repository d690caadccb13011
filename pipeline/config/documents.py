"""What documents say of models: the file that ``figures`` names in a pipeline file, typed and frozen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from converters.registry import SOURCES
from pipeline.config.reader import messages
from pipeline.config.yaml_lines import LinedDocument, Location, read_yaml
from pipeline.errors import UsageError

Percent = Annotated[float, Field(ge=0, le=100)]
Positive = Annotated[float, Field(gt=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Counts(_Strict):
    """How many operations a document counts for one multiply-add, by kind."""

    convolutions: Annotated[int, Field(ge=0, le=2)] = 1
    fully_connected: Annotated[int, Field(ge=0, le=2)] = 1
    matrix_products: Annotated[int, Field(ge=0, le=2)] = 1


class Explanations(_Strict):
    """Why a figure of ours is not the document's, where it is not."""

    input_size: str | None = None
    parameters: str | None = None
    operations: str | None = None


class ReportedFile(_Strict):
    """One row of a zoo's table; sizes in the document's megabytes, accuracies in percent."""

    opset: Annotated[int, Field(ge=1)]
    onnx_version: str
    onnx: Positive
    tar_gz: Positive | None = None
    top1: Percent | None = None
    top5: Percent | None = None


class ReportedModel(_Strict):
    """What a document says of one model. All accuracies are in percent, and none was measured here."""

    input_size: Annotated[int, Field(gt=0, description="height of the picture, in pixels")] | None = None
    parameters: Annotated[float, Field(gt=0, description="in millions")] | None = None
    operations: Annotated[float, Field(gt=0, description="for one picture, in billions")] | None = None
    top1: Percent | None = None
    top5: Percent | None = None
    files: Annotated[tuple[ReportedFile, ...], Field(strict=False)] = ()
    explanations: Explanations = Explanations()


class Document(_Strict):
    """A document, how it counts, and what it says of which model."""

    title: Annotated[str, Field(min_length=1)]
    counts: Counts = Counts()
    decimals: Annotated[
        int, Field(ge=0, le=9, description="digits behind the point that it rounds or cuts its figures to")
    ] = 9
    megabyte: Annotated[int, Field(gt=0, description="bytes in what it calls a MB")] = 1_000_000
    models: Annotated[dict[str, ReportedModel], Field(min_length=1)]


class FiguresFile(_Strict):
    """A whole file of figures."""

    documents: Annotated[tuple[Document, ...], Field(strict=False, min_length=1)]

    def of(self, model: str) -> tuple[Document, ...]:
        """The documents that say something of ``model`` (``source/name``), with nothing of other models."""
        return tuple(
            document.model_copy(update={"models": {model: document.models[model]}})
            for document in self.documents
            if model in document.models
        )


def read_figures(path: Path) -> FiguresFile:
    """Read and check a file of figures. Raises UsageError with one line for every mistake in it."""
    document = read_yaml(path)
    if not isinstance(document.value, dict):
        raise document.error((), "a file of figures is a mapping with documents.")
    try:
        file = FiguresFile.model_validate(document.value)
    except ValidationError as error:
        raise UsageError(*messages(error, document, _known_keys)) from error
    if mistakes := list(_misnamed(file, document)):
        raise UsageError(*mistakes)
    return file


def _misnamed(file: FiguresFile, document: LinedDocument) -> Iterator[str]:
    for index, listed in enumerate(file.documents):
        for model in listed.models:
            source, slash, name = model.partition("/")
            if source not in SOURCES or not (slash and name) or "@" in name:
                sources = ", ".join(SOURCES)
                message = f"{model!r} names no model. It is SOURCE/NAME, where SOURCE is one of {sources}."
                yield str(document.error(("documents", index, "models", model), message))


def _known_keys(place: Location) -> list[str]:
    """The keys that are known where ``place`` is an unknown one."""
    shape = [part for part in place[:-1] if isinstance(part, str)]
    match shape:
        case []:
            model: type[BaseModel] = FiguresFile
        case [_]:
            model = Document
        case [_, "counts"]:
            model = Counts
        case [*_, "files"]:
            model = ReportedFile
        case [*_, "explanations"]:
            model = Explanations
        case _:
            model = ReportedModel
    return sorted(model.model_fields)
