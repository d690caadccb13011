"""The names of a classifier's classes, and the files that have them: a name a line, or JSON."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.errors import EvaluationError

LONGEST_NAME = 1000
"""Characters: what is longer is no name, but another kind of file."""
LARGEST = 16 * 2**20
"""Bytes of a file of names: those of ImageNet's 21,841 classes take less than one MiB."""
FORMS = 'a list of names, an object of index -> name, such as {"0": "cat"}, or of index -> [WordNet id, name]'
_NUMBERED = re.compile(r"(\d{1,7})[ \t]+(\S.*)")
_POINTER = "version https://git-lfs"


@dataclass(frozen=True)
class Labels:
    """The names of a classifier's classes, where somebody has said them."""

    names: tuple[str, ...]
    """In the order of the outputs; a name may stand for several classes."""
    origin: str
    """Who said so, such as ``the file labels.txt``."""
    sha256: str | None = None
    """Of the file that they were read from; None where a model brings them."""


def checked_names(names: Sequence[object]) -> tuple[str, ...]:
    """``names`` as the names of classes.

    Raises:
        EvaluationError: there are none, or one is empty, longer than :data:`LONGEST_NAME`, or no text.
    """
    if not names:
        raise EvaluationError("it names no class")
    for index, name in enumerate(names):
        if not isinstance(name, str) or not name.strip():
            raise EvaluationError(f"class {index} has no name; give it one")
        if len(name) > LONGEST_NAME:
            raise EvaluationError(
                f"the name of class {index} has {len(name)} characters, and may have {LONGEST_NAME}; is this "
                "a file of names?"
            )
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise EvaluationError(f"the name of class {index}, {name[:40]!a}, is no Unicode text") from error
    return tuple(str(name).strip() for name in names)


def why_unfit(labels: Labels, classes: int) -> str | None:
    """Why ``labels`` do not fit a classifier of ``classes``; None where they do."""
    if len(labels.names) == classes:
        return None
    return (
        f"{labels.origin} names {len(labels.names)} classes, and the model has {classes}. Give labels: FILE "
        "with a name for each class, in the order of the outputs"
    )


def read_label_file(path: Path) -> Labels:
    """Read the names of the classes, in the order of the outputs.

    A file that ends with ``.json`` holds a list of names, an object of index -> name, or the form in which
    Keras keeps ImageNet's, index -> [WordNet id, name]. Any other holds a name a line, which may all stand
    behind their indices, as in the ``class_id_map_file`` of PaddleClas. It is UTF-8, with or without a mark
    at the beginning; a name may stand for several classes, as "crane" does for two of ImageNet's.

    Raises:
        EvaluationError: the file cannot be read, is larger than :data:`LARGEST`, is of no such form, has no
            names, or a class without one.
    """
    data = _bytes_of(path)
    try:
        text = _text_of(data)
        names = _of_json(text) if path.suffix.lower() == ".json" else names_in_lines(text)
        return Labels(checked_names(names), f"the file {path.name}", hashlib.sha256(data).hexdigest())
    except EvaluationError as error:
        raise EvaluationError(f"{path}: {error}") from error


def _bytes_of(path: Path) -> bytes:
    if not path.is_file():
        raise EvaluationError(f"there is no file {path} with the names of the classes; correct its path")
    try:
        with path.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except OSError as error:
        raise EvaluationError(f"{path}: the names of the classes cannot be read: {error.strerror}") from error
    if len(data) > LARGEST:
        raise EvaluationError(
            f"{path} has more than the {LARGEST} bytes that names of classes may take; is it a file of names?"
        )
    return data


def _text_of(data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise EvaluationError(f"it is not UTF-8 (byte {error.start}); save it as UTF-8") from error
    if text.startswith(_POINTER):
        raise EvaluationError("it is a pointer of Git LFS, not the file itself; fetch that with git lfs pull")
    return text


def names_in_lines(text: str) -> list[str]:
    """The names in ``text``, a line for each, in the order of their indices where all lines have one.

    Empty lines at the end mean nothing; any other would shift all names behind it.

    Raises:
        EvaluationError: a line between others is empty.
    """
    lines = [line.strip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    for number, line in enumerate(lines, start=1):
        if not line:
            raise EvaluationError(
                f"line {number} is empty, and a class needs a name; remove or fill the line"
            )
    numbered = [match for line in lines if (match := _NUMBERED.fullmatch(line))]
    indices = [int(match[1]) for match in numbered]
    if len(numbered) == len(lines) and sorted(indices) == list(range(len(lines))):
        name_by_index = {int(match[1]): match[2] for match in numbered}
        return [name_by_index[index] for index in range(len(lines))]
    return lines


def _of_json(text: str) -> list[str]:
    try:
        value = json.loads(text, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError) as error:
        raise EvaluationError(f"it is no JSON: {error}") from error
    if isinstance(value, _Pairs):
        return _of_pairs(value)
    if isinstance(value, list):
        for index, name in enumerate(value):
            if not isinstance(name, str):
                raise EvaluationError(f"entry {index} is {_shown(name)}, and not a name; wanted is {FORMS}")
        return value
    raise EvaluationError(f"it holds {_shown(value)}; wanted is {FORMS}")


class _Pairs(list[tuple[str, Any]]):
    """The members of a JSON object, those of equal keys too."""


def _of_pairs(pairs: Sequence[tuple[str, Any]]) -> list[str]:
    names: dict[str, str] = {}
    for key, value in pairs:
        name = value[1] if _is_wordnet(value) else value
        if not key.isdecimal() or not isinstance(name, str):
            raise EvaluationError(f"it has {key[:40]!a}: {_shown(value)}; wanted is {FORMS}")
        if key in names:
            raise EvaluationError(f"it names class {key[:40]} twice; remove one")
        names[key] = name
    return _in_order(names)


def _in_order(names: Mapping[str, str]) -> list[str]:
    absent = [index for index in range(len(names)) if str(index) not in names]
    if absent:
        raise EvaluationError(
            f"it has {len(names)} names and none for class {absent[0]}; indices begin with 0, and none is "
            "left out"
        )
    return [names[str(index)] for index in range(len(names))]


def _is_wordnet(value: Any) -> bool:
    is_pair = isinstance(value, list) and not isinstance(value, _Pairs) and len(value) == 2
    return is_pair and all(isinstance(part, str) for part in value)


def _shown(value: Any) -> str:
    """A value as a message shows it: what it is, and the beginning of one that is short."""
    if isinstance(value, _Pairs):
        return "an object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return repr(value)[:40] if not isinstance(value, str) else ascii(value[:40])
