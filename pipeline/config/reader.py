"""Reads a pipeline file, and says what is wrong with it in the words of the file, line by line."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from pipeline.config.schema import (
    WEIGHTS_KEYS,
    WEIGHTS_WORDS,
    Defaults,
    FileWeights,
    Images,
    ModelEntry,
    Parity,
    PipelineFile,
    PreprocessingChanges,
    ProcessLimits,
    Quantization,
    RandomWeights,
    UrlWeights,
    WheelFolder,
    WheelWeights,
)
from pipeline.config.yaml_lines import LinedDocument, Location, read_yaml
from pipeline.errors import UsageError


def read_pipeline_file(path: Path) -> tuple[PipelineFile, LinedDocument]:
    """Read and check a pipeline file. Raises UsageError with one line for every mistake in it."""
    document = read_yaml(path)
    if not isinstance(document.value, dict):
        raise document.error((), "a pipeline file is a mapping with publish, opsets and models.")
    try:
        parsed = PipelineFile.model_validate(_with_defaults(document.value))
    except ValidationError as error:
        raise UsageError(*messages(error, document, _known_keys)) from error
    return parsed, document


def _with_defaults(value: dict[Any, Any]) -> dict[Any, Any]:
    """Give every model entry what ``defaults`` says and it does not say itself."""
    defaults, models = value.get("defaults"), value.get("models")
    if not isinstance(defaults, dict) or not isinstance(models, list):
        return value
    return {**value, "models": [defaults | entry if isinstance(entry, dict) else entry for entry in models]}


def messages(
    error: ValidationError, document: LinedDocument, known_keys: Callable[[Location], list[str]]
) -> list[str]:
    """One line per mistake, in the order of the file.

    ``known_keys`` answers with the keys that are known where a place has an unknown one.
    """
    numbered: set[tuple[int, str]] = set()
    for detail in error.errors():
        if detail["type"] == "too_short" and detail["input"]:
            continue  # the list is not empty: its items are wrong, and have errors of their own
        place = _in_document(detail["loc"], document)
        message = document.error(place, _message(detail["type"], place, dict(detail), known_keys))
        numbered.add((document.line_of(place), str(message)))
    return [message for _, message in sorted(numbered)]


def _in_document(location: Location, document: LinedDocument) -> Location:
    """``location`` without the parts that name a branch of a union, and not a key of the file."""
    place: Location = ()
    for index, part in enumerate(location):
        last = index == len(location) - 1
        if (*place, part) in document.lines or last:
            place = (*place, part)
    return place


def _message(
    kind: str, place: Location, detail: dict[str, Any], known_keys: Callable[[Location], list[str]]
) -> str:
    key, value = str(place[-1]) if place else "", detail.get("input")
    if kind == "extra_forbidden":
        keys = known_keys(place)
        near = get_close_matches(key, keys, n=1, cutoff=0.5)
        hint = f" Did you mean {near[0]!r}?" if near else f" Known here: {', '.join(keys)}."
        return f"unknown key {key!r}.{hint}"
    if kind == "missing":
        return f"the key {key!r} is missing."
    if kind == "weights_kind":
        words = [value] if isinstance(value, str) else list(value) if isinstance(value, dict) else []
        near = [n for w in words for n in get_close_matches(str(w), (*WEIGHTS_WORDS, *WEIGHTS_KEYS), n=1)]
        hint = f" Did you mean {near[0]!r}?" if near else ""
        return f"unknown kind of weights: {value!r}.{hint} {detail['msg']}."
    if kind == "string_pattern_mismatch":
        return f"{key}: {value!r} does not fit. {_PATTERNS.get(key, detail['msg'])}"
    text = detail["msg"].removeprefix("Value error, ")
    return f"{key}: {text[0].lower()}{text[1:]} (given: {value!r})."


_PATTERNS = {
    "wheel": "A wheel is given as name==version.",
    "sha256": "A sha256 is 64 lower-case hexadecimal digits.",
    "url": "A URL begins with http:// or https://.",
    "folder": "A folder inside a wheel is given as folder/below/folder.",
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
        "model": [WheelFolder],
        "images": [Images],
        "preprocessing": [PreprocessingChanges],
        "parity": [Parity],
        "limits": [ProcessLimits],
        "quantization": [Quantization],
    }
    models = tables.get(shape[-1] if shape else "", [PipelineFile])
    return sorted({name for model in models for name in model.model_fields})
