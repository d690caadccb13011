"""Weights as archives have them: deflated once for all files of a model, which hold the same ones.

Each is a run of blocks of its own. It begins at a byte and ends with a full flush, behind which nothing
refers to what came before (RFC 1951, 3.2; Z_FULL_FLUSH in zlib's manual), so it can stand in any stream. What
it consists of follows from the bytes of the tensor alone: an archive is the same whether or not another was
made before.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from isal import isal_zlib

if TYPE_CHECKING:
    import onnx

SMALLEST = 1 << 16
"""The bytes of a tensor that is deflated by itself: of a smaller one there is too little to save."""
LEVEL = 1
"""Of ISA-L. Weights hardly compress, and its higher levels gain no more than a thousandth."""
RAW = -15
"""The window of a stream without a header, as zlib's functions take it."""
CHUNK = 1 << 20
"""What is deflated at a time, on which its bytes depend."""
COPIED = 1 << 18
"""What is copied at a time: few enough bytes to be in a processor's cache when they are hashed."""


@dataclass(frozen=True)
class Deflated:
    """Where the blocks of a tensor lie, and what they are of."""

    start: int
    end: int
    checksum: int
    """CRC-32 of the tensor's bytes."""
    size: int
    """The number of these."""


class DeflatedWeights:
    """The blocks of each tensor that was asked for, in a file without a name: it is gone with its owner.

    It takes as much room in ``folder`` as an archive without test data.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - closed by __exit__
        self.bytes = 0
        """All that was deflated."""
        self._known: dict[bytes, Deflated] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def of(self, content: memoryview) -> Deflated:
        """The blocks of ``content``, made unless they were before. Raises OSError where no room is left."""
        digest = hashlib.sha256(content).digest()
        if digest not in self._known:
            self._known[digest] = self._made(content)
        return self._known[digest]

    def _made(self, content: memoryview) -> Deflated:
        deflate = isal_zlib.compressobj(level=LEVEL, wbits=RAW)
        start, checksum = self.bytes, 0
        for begin in range(0, len(content), CHUNK):
            some = content[begin : begin + CHUNK]
            checksum = isal_zlib.crc32(some, checksum)
            self._write(deflate.compress(some))
        self._write(deflate.flush(isal_zlib.Z_FULL_FLUSH))
        return Deflated(start, self.bytes, checksum, len(content))

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            written = os.pwrite(self._file.fileno(), rest, self.bytes)
            self.bytes += written
            rest = rest[written:]

    def blocks(self, deflated: Deflated) -> Iterator[bytes]:
        """The bytes of the blocks, some at a time."""
        position = deflated.start
        while position < deflated.end:
            some = os.pread(self._file.fileno(), min(COPIED, deflated.end - position), position)
            position += len(some)
            yield some


def places_of_weights(graph: onnx.ModelProto, file: Path) -> Sequence[tuple[int, int]]:
    """Where the bytes of large tensors lie in ``file``, from start to end each, in their order.

    They are those that ``graph``, the model of that file, refers to there instead of holding them.
    """
    places, own = [], str(file.resolve())
    for tensor in graph.graph.initializer:
        place = {entry.key: entry.value for entry in tensor.external_data}
        if place.keys() >= {"location", "offset", "length"} and str(Path(place["location"]).resolve()) == own:
            start, length = int(place["offset"]), int(place["length"])
            if length >= SMALLEST:
                places.append((start, start + length))
    return sorted(places)
