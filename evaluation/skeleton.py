"""An ONNX file without its weights: what a look at the graph needs, in a thousandth of the memory."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from google.protobuf.message import DecodeError
from onnx import helper, numpy_helper

from evaluation.errors import EvaluationError

LARGEST_INSIDE = 1024
"""Bytes of a tensor that is read with the graph: shapes, axes and single values are smaller."""

_CHUNK = 1 << 16
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_RAW_DATA = onnx.TensorProto.DESCRIPTOR.fields_by_name["raw_data"].number
_TENSOR = onnx.TensorProto.DESCRIPTOR
_INSIDE = {
    onnx.ModelProto.DESCRIPTOR: ("graph",),
    onnx.GraphProto.DESCRIPTOR: ("node", "initializer"),
    onnx.NodeProto.DESCRIPTOR: ("attribute",),
    onnx.AttributeProto.DESCRIPTOR: ("t", "g"),
}
"""The fields by which tensors are reached."""


def read_skeleton(path: Path) -> onnx.ModelProto:
    """Read the model of ``path``, its large tensors as external data in the file itself.

    Raises:
        EvaluationError: it is not an ONNX file.
        OSError: it cannot be read.
    """
    try:
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            skeleton = _message(data, onnx.ModelProto.DESCRIPTOR, 0, len(data), path.name)
            model: onnx.ModelProto = onnx.ModelProto.FromString(skeleton)
    except (DecodeError, ValueError) as error:
        raise EvaluationError(f"{path} is not an ONNX file: {error}; convert the model again") from error
    return model


def is_uniform(tensor: onnx.TensorProto, folder: Path) -> bool:
    """Whether all elements of ``tensor`` are equal; ``folder`` is that of its file.

    Reads no more than it has to: of weights, the first few thousand.

    Raises:
        OSError: the file cannot be read.
    """
    first = next(_chunks(tensor, folder), np.zeros(0))[:1]
    return all(bool((chunk == first).all()) for chunk in _chunks(tensor, folder))


def _chunks(tensor: onnx.TensorProto, folder: Path) -> Iterator[npt.NDArray[np.generic]]:
    """The elements of ``tensor``, a few thousand at a time."""
    if tensor.data_location != onnx.TensorProto.EXTERNAL:
        yield np.asarray(numpy_helper.to_array(tensor)).reshape(-1)
        return
    said = {entry.key: entry.value for entry in tensor.external_data}
    kind = helper.tensor_dtype_to_np_dtype(tensor.data_type)
    left = int(np.prod(tensor.dims, dtype=np.int64)) * kind.itemsize
    with (folder / said["location"]).open("rb") as stream:
        stream.seek(int(said.get("offset", 0)))
        while left and (content := stream.read(min(left, _CHUNK))):
            left -= len(content)
            yield np.frombuffer(content, kind)


def _message(data: mmap.mmap, kind: object, start: int, end: int, location: str) -> bytes:
    """The message between ``start`` and ``end``, of the type ``kind``, without large ``raw_data``."""
    if kind is _TENSOR:
        return _tensor(data, start, end, location)
    inner = {kind.fields_by_name[name].number: kind.fields_by_name[name] for name in _INSIDE[kind]}  # type: ignore
    parts = []
    for number, tag, begin, stop in _fields(data, start, end):
        if number not in inner or stop - begin <= LARGEST_INSIDE:
            parts.append(data[tag:stop])
        else:
            content = _message(data, inner[number].message_type, begin, stop, location)
            parts += [_varint_of(number << 3 | _BYTES), _varint_of(len(content)), content]
    return b"".join(parts)


def _tensor(data: mmap.mmap, start: int, end: int, location: str) -> bytes:
    rest, raw = [], None
    for number, tag, begin, stop in _fields(data, start, end):
        if number == _RAW_DATA and stop - begin > LARGEST_INSIDE:
            raw = begin, stop - begin
        else:
            rest.append(data[tag:stop])
    tensor = onnx.TensorProto.FromString(b"".join(rest))
    if raw:
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in (("location", location), ("offset", raw[0]), ("length", raw[1])):
            tensor.external_data.add(key=key, value=str(value))
    return bytes(tensor.SerializeToString())


def _fields(data: mmap.mmap, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Number, begin of the tag, begin and end of the value of every field of a message.

    Source: https://protobuf.dev/programming-guides/encoding/.
    """
    position = start
    while position < end:
        tag = position
        key, position = _varint(data, position, end)
        wire_type, begin = key & 7, position
        if wire_type == _VARINT:
            _, position = _varint(data, position, end)
        elif wire_type == _BYTES:
            length, begin = _varint(data, position, end)
            position = begin + length
        elif wire_type in (_FIXED32, _FIXED64):
            position += 4 if wire_type == _FIXED32 else 8
        else:
            raise ValueError(f"byte {tag} begins no field")
        if position > end:
            raise ValueError(f"the field at byte {tag} is cut off")
        yield key >> 3, tag, begin, position


def _varint(data: mmap.mmap, position: int, end: int) -> tuple[int, int]:
    """The number at ``position``, and the position behind it."""
    value = 0
    for index in range(position, min(end, position + 10)):
        value |= (data[index] & 0x7F) << 7 * (index - position)
        if data[index] < 0x80:
            return value, index + 1
    raise ValueError(f"the number at byte {position} is cut off")


def _varint_of(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])
