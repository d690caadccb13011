"""Paddle's files of parameters (``.pdiparams``), and such files with marks in the place of large tensors.

paddle2onnx has every weight in memory several times over and looks at the shapes of the large ones only.
So it is given a file in which each large tensor is one number, a mark that says which tensor it stands
for. Marks are found again in its graph, and the bytes then go from file to file.

One record of such a file is, little-endian: a version (4 bytes), the number of levels of detail (8), a
version (4), the length of a description (4), the description, a protobuf message of type (field 1) and
sizes (field 2), and the values in C order.
"""

from __future__ import annotations

import os
import struct
from typing import Any, BinaryIO, Iterator, List, NamedTuple, Optional, Tuple

from onnx_stream import varint
from protocol import EXPORT, WEIGHTS, TaskError

HEAD = struct.Struct("<IQIi")
FLOAT, ONNX_FLOAT = 5, 1
WIDTHS = {0: 1, 1: 2, 2: 4, 3: 8, 4: 2, FLOAT: 4, 6: 8, 20: 1, 21: 1, 22: 2}
"""Bytes of an element by the number of its type in ``paddle.base.core.VarDesc.VarType``."""
LARGEST_SIZE = (1 << 31) - 1
"""Of one axis of a tensor."""
SMALLEST_MARKED = 1 << 20
"""Bytes of the smallest tensor that is marked: the values of small ones may matter to the conversion."""
MARK = 0x7FD
"""The first 12 bits of a float32 that is no number, as no weight is; the others are a tensor's position."""


class Record(NamedTuple):
    """A tensor in a file."""

    path: str
    kind: int
    dims: Tuple[int, ...]
    offset: int
    """Where its values begin."""
    length: int


def records(paths: List[str]) -> List[Record]:
    """The tensors of ``paths``, of which each holds one or several. Raises TaskError for a damaged file."""
    tensors = []
    for path in paths:
        size = os.path.getsize(path)
        with open(path, "rb") as stream:
            while stream.tell() < size:
                record = _read(stream, path)
                if record.offset + record.length > size:
                    raise _damaged(path)
                tensors.append(record)
                stream.seek(record.length, os.SEEK_CUR)
    return tensors


def write_marked(tensors: List[Record], path: str) -> None:
    """Write a file of parameters with ``tensors``, the large ones being marks of as many axes."""
    with open(path, "wb") as stream:
        for position, tensor in enumerate(tensors):
            if tensor.kind == FLOAT and tensor.length >= SMALLEST_MARKED:
                stream.write(_start(tensor.kind, (1,) * len(tensor.dims)))
                stream.write(struct.pack("<I", MARK << 20 | position))
            else:
                stream.write(_start(tensor.kind, tensor.dims))
                with open(tensor.path, "rb") as source:
                    source.seek(tensor.offset)
                    stream.write(source.read(tensor.length))


def marked(tensor: Any) -> Optional[int]:
    """The position of the tensor that ``tensor``, an onnx.TensorProto, is the mark of; None if it is none."""
    if tensor.data_type != ONNX_FLOAT or len(tensor.raw_data) != 4:
        return None
    (bits,) = struct.unpack("<I", tensor.raw_data)
    return bits & 0xFFFFF if bits >> 20 == MARK else None


def _read(stream: BinaryIO, path: str) -> Record:
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size:
        raise _damaged(path)
    first, levels, second, length = HEAD.unpack(head)
    if first or levels or second or not 0 < length < 1 << 16:
        raise _damaged(path)
    description = stream.read(length)
    numbers = list(_description(description))
    kinds = [value for field, value in numbers if field == 1]
    dims = tuple(value for field, value in numbers if field == 2)
    if len(kinds) != 1 or kinds[0] not in WIDTHS:
        raise TaskError(EXPORT, f"{os.path.basename(path)} holds a tensor of an unknown type: {kinds}")
    # Paddle may read another form in another way, and a negative size as the largest that there are.
    if description != _start(kinds[0], dims)[HEAD.size :] or max(dims, default=0) > LARGEST_SIZE:
        raise _damaged(path)
    count = WIDTHS[kinds[0]]
    for size in dims:
        count *= size
    return Record(path, kinds[0], dims, stream.tell(), count)


def _description(message: bytes) -> Iterator[Tuple[int, int]]:
    """The numbers of a message whose fields are all varints, each with the number of its field."""
    value = shift = 0
    field: Optional[int] = None
    for byte in message:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            if field is None:
                field = value >> 3
            else:
                yield field, value
                field = None
            value = shift = 0


def _start(kind: int, dims: Tuple[int, ...]) -> bytes:
    description = b"\x08" + varint(kind) + b"".join(b"\x10" + varint(size) for size in dims)
    return HEAD.pack(0, 0, 0, len(description)) + description


def _damaged(path: str) -> TaskError:
    return TaskError(
        WEIGHTS, f"{os.path.basename(path)} is damaged, or no file of parameters as paddle.jit.save writes it"
    )
