"""Digests and whole-file writes, for everything that the pipeline keeps on disk."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.errors import PipelineError

CACHE_NAME = "onnx-zoo-pipeline"


def cache_folder() -> Path:
    """The folder of environments and downloads: the user's cache folder."""
    import platformdirs

    return Path(platformdirs.user_cache_dir(CACHE_NAME))


def sha256_of_file(path: Path) -> str:
    """The sha256 of a file's bytes, as lower-case hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digest_of(value: Any) -> str:
    """The sha256 of a JSON value in its one canonical spelling (sorted keys, no spaces)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def digest_of_code(places: Iterable[Path]) -> str:
    """The sha256 of source files: of each file named, and of every .py file below each folder."""
    files: list[Path] = []
    for place in places:
        files += sorted(place.rglob("*.py")) if place.is_dir() else [place]
    return digest_of([[file.name, sha256_of_file(file)] for file in files])


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` beside ``path`` and rename it, so that a reader never sees half a file."""
    with whole_file(path) as part:
        part.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def write_note(path: Path, value: Any) -> None:
    """Write a JSON value that later runs take at its word, with its digest: see :func:`read_note`."""
    write_json(path, {"sha256": digest_of(value), "value": value})


def read_note(path: Path) -> Any:
    """The value of a note; None where there is none, or a bit of it is not as it was written."""
    note = read_json(path)
    if not isinstance(note, dict) or note.keys() != {"sha256", "value"}:
        return None
    return note["value"] if digest_of(note["value"]) == note["sha256"] else None


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A path beside ``path`` to write to; it becomes ``path`` when all went well, and is gone else."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    except OSError as error:
        raise PipelineError(
            f"cannot write to {path.parent}: {error.strerror}. Is it yours to write?"
        ) from error
    os.close(handle)
    part = Path(name)
    try:
        yield part
        part.chmod(0o644)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def read_json(path: Path) -> Any:
    """The JSON value in ``path``, or None where there is no file or it is not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
