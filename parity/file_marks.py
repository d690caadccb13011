"""What a file may hold, found without loading it.

Every runtime imports this, in whatever interpreter it runs: it needs the standard library of Python 3.9.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from pathlib import Path

QUANTIZED_OPERATORS = (b"uantizeLinear", b"QLinear", b"Integer")
"""Each operator of ``parity.quantized`` has one of them in its name."""

NAMED_TYPE = b'\n\x02to"'
"""Where Cast names the type that it makes, as it did below opset 6: the attribute ``to``, and a string.

These are field 1 and field 4 of AttributeProto, which are written in their order.
"""


_GRAPH, _INITIALIZER = 7, 5
"""The fields of ModelProto and GraphProto that hold them."""
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
"""Wire types, https://protobuf.dev/programming-guides/encoding/; no other is in an ONNX file."""


def may_hold(model: Path, marks: Sequence[bytes]) -> bool:
    """Whether one of ``marks`` is among the bytes of a file that are not those of an initializer.

    To be asked before a model is loaded for its nodes alone: the weights of a large one would come along.
    What is no model is searched whole.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is empty.
    """
    with model.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return any(
            data.find(mark, start, end) >= 0 for start, end in _beside_initializers(data) for mark in marks
        )


def _beside_initializers(data: mmap.mmap) -> Iterator[tuple[int, int]]:
    """Where the initializers of the main graph are not, from start to end each."""
    begin = 0
    for number, _, start, end in _fields(data, 0, len(data)):
        if number == _GRAPH:
            for inner, tag, _, stop in _fields(data, start, end):
                if inner == _INITIALIZER:
                    if begin < tag:
                        yield begin, tag
                    begin = stop
    yield begin, len(data)


def _fields(data: mmap.mmap, position: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Number, tag, start and end of each field up to ``end``, or up to what is none."""
    while position < end:
        try:
            key, start = _varint(data, position)
            if key & 7 == _VARINT:
                stop = _varint(data, start)[1]
            elif key & 7 == _BYTES:
                length, start = _varint(data, start)
                stop = start + length
            else:
                stop = start + {_FIXED64: 8, _FIXED32: 4}[key & 7]
        except LookupError:
            return
        if stop > end:
            return
        yield key >> 3, position, start, stop
        position = stop


def _varint(data: mmap.mmap, position: int) -> tuple[int, int]:
    """The number at ``position``, and where it ends; raises LookupError where there is none."""
    value = 0
    for index in range(10):
        byte = data[position + index]
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, position + index + 1
    raise LookupError(position)
