"""The archive of a model with its test data: the same bytes on any day and in any time zone."""

from __future__ import annotations

import hashlib
import mmap
import struct
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from isal import isal_zlib

from publishing.deflated import CHUNK, LEVEL, RAW, DeflatedWeights, places_of_weights
from publishing.errors import PublishError
from publishing.graph_facts import Port, facts_of

if TYPE_CHECKING:
    import onnx

SUFFIX = ".tar.gz"

# Magic, deflate, no flags (so no file name), modification time 0, no extra flags, unknown system.
_GZIP_HEADER = b"\x1f\x8b\x08\x00" + struct.pack("<L", 0) + b"\x00\xff"


@dataclass(frozen=True)
class DataSet:
    """One ``test_data_set_<n>``: arrays in the order of the graph's inputs and outputs."""

    inputs: Sequence[npt.NDArray[np.generic]]
    outputs: Sequence[npt.NDArray[np.generic]]


def write_archive(
    model_file: Path,
    graph: onnx.ModelProto,
    data_sets: Sequence[DataSet],
    archive_file: Path,
    weights: DeflatedWeights,
) -> str:
    """Write ``<stem>.tar.gz``, one folder ``<stem>/`` with the model and its test data sets; its sha256.

    In hex. The stem is that of ``archive_file``; ``graph`` is that of the model file, which is streamed: it
    need not hold weights. What ``weights`` has deflated before is taken from there.

    Raises:
        PublishError: a data set has another number of arrays than the graph has inputs or outputs.
        OSError: a file cannot be read or written.
    """
    stem, facts = archive_file.name.removesuffix(SUFFIX), facts_of(graph)
    with archive_file.open("wb") as raw:
        stream = _GzipTar(raw)
        stream.folder(f"{stem}/")
        stream.model(f"{stem}/{stem}.onnx", model_file, places_of_weights(graph, model_file), weights)
        for number, data_set in enumerate(data_sets):
            folder = f"{stem}/test_data_set_{number}/"
            stream.folder(folder)
            for kind, ports, arrays in (
                ("input", facts.inputs, data_set.inputs),
                ("output", facts.outputs, data_set.outputs),
            ):
                for index, content in enumerate(_tensors(kind, ports, arrays)):
                    stream.file(f"{folder}{kind}_{index}.pb", content)
        return stream.finish()


def _entry(name: str, size: int) -> bytes:
    """What stands before a file, or a folder where the name ends with a slash: nothing but name and size."""
    entry = tarfile.TarInfo(name.rstrip("/"))
    entry.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
    entry.mode = 0o755 if name.endswith("/") else 0o644
    entry.size = size
    entry.mtime = entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry.tobuf(tarfile.PAX_FORMAT)


def _tensors(kind: str, ports: Sequence[Port], arrays: Sequence[npt.NDArray[np.generic]]) -> Iterator[bytes]:
    from onnx import numpy_helper

    if len(ports) != len(arrays):
        raise PublishError(f"the graph has {len(ports)} {kind}(s) and a data set has {len(arrays)}")
    for port, array in zip(ports, arrays, strict=True):
        yield numpy_helper.from_array(np.ascontiguousarray(array), port.name).SerializeToString()


class _GzipTar:
    """A tar in a gzip stream (RFC 1952), without times, names and systems, with weights spliced in."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._digest = hashlib.sha256()
        self._deflate = isal_zlib.compressobj(level=LEVEL, wbits=RAW)
        self._checksum = 0
        self._size = 0
        self._put(_GZIP_HEADER)

    def folder(self, name: str) -> None:
        self._write(_entry(name, 0))

    def file(self, name: str, content: bytes) -> None:
        self._write(_entry(name, len(content)) + content)
        self._fill(tarfile.BLOCKSIZE)

    def model(
        self, name: str, file: Path, places: Sequence[tuple[int, int]], weights: DeflatedWeights
    ) -> None:
        """Add ``file``; what lies at ``places``, start and end each, as ``weights`` has it."""
        with file.open("rb") as opened:
            # It ends with what refers to it. Where the disk is full, an error does so for a while, and a file
            # that somebody refers to cannot be closed.
            content = memoryview(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ))
        self._write(_entry(name, len(content)))
        position = 0
        for start, end in places:
            self._write(content[position:start])
            self._splice(content[start:end], weights)
            position = end
        self._write(content[position:])
        self._fill(tarfile.BLOCKSIZE)

    def finish(self) -> str:
        """End the archive; the sha256 of all of it in hex."""
        self._write(bytes(2 * tarfile.BLOCKSIZE))
        self._fill(tarfile.RECORDSIZE)
        self._put(self._deflate.flush())
        self._put(struct.pack("<LL", self._checksum, self._size & 0xFFFFFFFF))
        return self._digest.hexdigest()

    def _fill(self, block: int) -> None:
        self._write(bytes(-self._size % block))

    def _write(self, data: bytes | memoryview) -> None:
        for start in range(0, len(data), CHUNK):
            some = data[start : start + CHUNK]
            self._put(self._deflate.compress(some))
            self._checksum = isal_zlib.crc32(some, self._checksum)
        self._size += len(data)

    def _splice(self, content: memoryview, weights: DeflatedWeights) -> None:
        deflated = weights.of(content)
        self._put(self._deflate.flush(isal_zlib.Z_FULL_FLUSH))  # the blocks have to begin at a byte
        for some in weights.blocks(deflated):
            self._put(some)
        self._checksum = isal_zlib.crc32_combine(self._checksum, deflated.checksum, deflated.size)
        self._size += deflated.size

    def _put(self, data: bytes) -> None:
        self._raw.write(data)
        self._digest.update(data)
