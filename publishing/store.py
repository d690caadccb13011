"""Putting a unit into the publish folder so that nobody ever sees half of it.

Files are written into a staging folder in the same file system and renamed, the record last: a unit
counts as published when its record is there and its files are what the record says.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from publishing.archive import SUFFIX, DataSet, write_archive
from publishing.errors import PublishError
from publishing.graph import GraphFacts, facts_of
from publishing.manifest import CHECKSUMS, MANIFEST, checksums, manifest
from publishing.record import Description, PublishedFile, Record, check, from_json, parse_name, to_json

if TYPE_CHECKING:
    import onnx

_STAGING = ".staging"
_LOCK = ".lock"


def publish(
    folder: Path,
    model_file: Path,
    model: onnx.ModelProto,
    description: Description,
    data_sets: Sequence[DataSet],
) -> Record:
    """Publish a model file with its archive and record, and refresh manifest and checksums.

    ``model`` is that of ``model_file`` and need not hold the weights: the file is streamed.
    An older publication of the same unit is replaced. Parallel calls, in other processes too, lose
    nothing. Returns the record as it was written.

    Raises:
        PublishError: the verdict is not ``passed``, the name or the model is not fit, the disk is full or
            the folder cannot be written; what was published before is unharmed.
    """
    name, facts = check(description), facts_of(model)
    if facts.opset != name.opset:
        raise PublishError(f"{description.name}: the file is of opset {facts.opset}; convert it first")
    with _told(folder), _staging(folder) as staging:
        staged = staging / f"{name.stem}.onnx"
        shutil.copyfile(model_file, staged)
        write_archive(staged, facts, data_sets, staging / f"{name.stem}{SUFFIX}")
        record = _record(description, facts, name.folder, staging)
        (staging / f"{name.stem}.json").write_text(to_json(record), encoding="utf-8")
        target = folder / name.folder
        target.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / _LOCK):
            for ending in (".onnx", SUFFIX, ".json"):
                (staging / f"{name.stem}{ending}").replace(target / f"{name.stem}{ending}")
            _write_lists(folder, staging)
    return record


def published(folder: Path, name: str, *, digests: bool = True) -> Record | None:
    """Return the record of a unit that is published whole, or None.

    Sizes are checked, and the files' digests unless ``digests`` is false, which takes no time.

    Raises:
        PublishError: ``name`` is not a unit's name, or the folder cannot be read.
    """
    unit = parse_name(name)
    with _told(folder):
        return _read(folder, folder / unit.folder / f"{unit.stem}.json", digests=digests)


def refresh(folder: Path) -> None:
    """Write manifest and checksums again, after files were removed by hand.

    Raises:
        PublishError: the folder cannot be written.
    """
    with _told(folder), _staging(folder) as staging, FileLock(folder / _LOCK):
        _write_lists(folder, staging)


def _record(description: Description, facts: GraphFacts, folder: str, staging: Path) -> Record:
    stem = description.stem
    ports = {"inputs": facts.inputs, "outputs": facts.outputs}
    return Record(
        **{field.name: getattr(description, field.name) for field in fields(Description)},
        opset=facts.opset,
        onnx_version=facts.onnx_version,
        ir_version=facts.ir_version,
        io_ports={kind: [port.to_dict() for port in some] for kind, some in ports.items()},
        files={
            kind: _described(staging / f"{stem}.{kind}", f"{folder}/{stem}.{kind}")
            for kind in ("onnx", "tar.gz")
        },
    )


def _described(file: Path, path: str) -> PublishedFile:
    return PublishedFile(path, file.stat().st_size, _sha256(file))


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _read(folder: Path, record_file: Path, *, digests: bool) -> Record | None:
    """Read a record whose files are there and right."""
    try:
        record = from_json(record_file.read_text(encoding="utf-8"))
    except (FileNotFoundError, UnicodeDecodeError, PublishError):
        return None  # never published, or damaged: in both cases publishing again is the way out
    for kind, described in record.files.items():
        file = record_file.with_suffix(f".{kind}")
        if described.path != file.relative_to(folder).as_posix():
            return None
        if not file.is_file() or file.stat().st_size != described.bytes:
            return None
        if digests and _sha256(file) != described.sha256:
            return None
    return record


def _write_lists(folder: Path, staging: Path) -> None:
    """Write the lists of all whole units; the caller holds the lock."""
    found: dict[Path, Record] = {}
    for file in sorted(folder.glob("*/*/*.json")):
        record = _read(folder, file, digests=False)
        if record is not None:
            found[file] = record
    text = manifest(found.values())
    listed = {file.path: file.sha256 for record in found.values() for file in record.files.values()}
    listed |= {file.relative_to(folder).as_posix(): _sha256(file) for file in found}
    listed[MANIFEST] = hashlib.sha256(text.encode()).hexdigest()
    for name, content in ((MANIFEST, text), (CHECKSUMS, checksums(listed))):
        (staging / name).write_bytes(content.encode())
        (staging / name).replace(folder / name)


@contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """Make a folder beside the published files, and take away what a killed process left of its own."""
    above = folder / _STAGING
    above.mkdir(parents=True, exist_ok=True)
    here = f"{socket.gethostname()}-"
    for left in above.glob(f"{here}*"):
        process = left.name.removeprefix(here).partition("-")[0]
        if process.isdigit() and not _runs(int(process)):
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"{here}{os.getpid()}-", dir=above) as staging:
        yield Path(staging)


def _runs(process: int) -> bool:
    import psutil

    return bool(psutil.pid_exists(process))


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Say what an operating system's error means here."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        place = error.filename or folder
        raise PublishError(
            f"publishing into {folder} failed at {place}: {reason}; nothing that was published is harmed. "
            "Make room or name another folder, and run the same command again"
        ) from error
