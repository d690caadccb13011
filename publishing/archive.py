"""The archive of a model with its test data: the same bytes on any day and in any time zone."""

from __future__ import annotations

import io
import struct
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import numpy as np
import numpy.typing as npt
from isal import isal_zlib

from publishing.errors import PublishError
from publishing.graph_facts import GraphFacts, Port

SUFFIX = ".tar.gz"

# Magic, deflate, no flags (so no file name), modification time 0, no extra flags, unknown system.
_GZIP_HEADER = b"\x1f\x8b\x08\x00" + struct.pack("<L", 0) + b"\x00\xff"
_RAW_DEFLATE = -15
_LEVEL = 1
"""Of ISA-L. Weights hardly compress, and its higher levels gain no more than a thousandth."""
_BLOCK = 1 << 20


@dataclass(frozen=True)
class DataSet:
    """One ``test_data_set_<n>``: arrays in the order of the graph's inputs and outputs."""

    inputs: Sequence[npt.NDArray[np.generic]]
    outputs: Sequence[npt.NDArray[np.generic]]


def write_archive(
    model_file: Path, facts: GraphFacts, data_sets: Sequence[DataSet], archive_file: Path
) -> None:
    """Write ``<stem>.tar.gz``: one folder ``<stem>/`` with the model and its test data sets.

    The stem is that of ``archive_file``; ``facts`` are those of the model file, which is streamed.

    Raises:
        PublishError: a data set has another number of arrays than the graph has inputs or outputs.
        OSError: a file cannot be read or written.
    """
    stem = archive_file.name.removesuffix(SUFFIX)
    with (
        archive_file.open("wb") as raw,
        _GzipWriter(raw) as stream,
        tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT, bufsize=_BLOCK) as archive,
    ):
        archive.addfile(_entry(f"{stem}/", 0))
        with model_file.open("rb") as model:
            archive.addfile(_entry(f"{stem}/{stem}.onnx", model_file.stat().st_size), model)
        for number, data_set in enumerate(data_sets):
            folder = f"{stem}/test_data_set_{number}/"
            archive.addfile(_entry(folder, 0))
            for kind, ports, arrays in (
                ("input", facts.inputs, data_set.inputs),
                ("output", facts.outputs, data_set.outputs),
            ):
                for index, content in enumerate(_tensors(kind, ports, arrays)):
                    entry = _entry(f"{folder}{kind}_{index}.pb", len(content))
                    archive.addfile(entry, io.BytesIO(content))


def _entry(name: str, size: int) -> tarfile.TarInfo:
    """Describe a file, or a folder where the name ends with a slash, by nothing but name and size."""
    entry = tarfile.TarInfo(name.rstrip("/"))
    entry.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
    entry.mode = 0o755 if name.endswith("/") else 0o644
    entry.size = size
    entry.mtime = entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def _tensors(kind: str, ports: Sequence[Port], arrays: Sequence[npt.NDArray[np.generic]]) -> Iterator[bytes]:
    from onnx import numpy_helper

    if len(ports) != len(arrays):
        raise PublishError(f"the graph has {len(ports)} {kind}(s) and a data set has {len(arrays)}")
    for port, array in zip(ports, arrays, strict=True):
        yield numpy_helper.from_array(np.ascontiguousarray(array), port.name).SerializeToString()


class _GzipWriter(io.RawIOBase):
    """A gzip stream with a header of our own: Python's and ISA-L's carry the time, a name or a system."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._deflate = isal_zlib.compressobj(level=_LEVEL, wbits=_RAW_DEFLATE)
        self._checksum = 0
        self._size = 0
        raw.write(_GZIP_HEADER)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._raw.write(self._deflate.flush())
            self._raw.write(struct.pack("<LL", self._checksum, self._size & 0xFFFFFFFF))
        self.close()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._raw.write(self._deflate.compress(data))
        self._checksum = isal_zlib.crc32(data, self._checksum)
        self._size += len(data)
        return len(data)
