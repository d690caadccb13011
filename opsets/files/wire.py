"""The protobuf wire format, as far as it takes to find weights in a file and to put them back.

Source: https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass

Buffer = bytes | mmap.mmap

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""Wire types; groups (3 and 4) are in no ONNX message."""


class WireError(Exception):
    """The bytes are no protobuf message, or only the beginning of one."""


@dataclass(frozen=True)
class Field:
    """One field of a message: its tag is at ``tag``, its value from ``start`` up to ``end``."""

    number: int
    wire_type: int
    tag: int
    start: int
    end: int


def fields(data: Buffer, start: int, end: int) -> Iterator[Field]:
    """The fields of the message between ``start`` and ``end``; raises :class:`WireError`."""
    position = start
    while position < end:
        tag = position
        key, position = _varint(data, position, end)
        number, wire_type = key >> 3, key & 7
        if not 0 < number < 1 << 29:
            raise WireError(f"byte {tag} begins no field")
        if wire_type == VARINT:
            value, (_, stop) = position, _varint(data, position, end)
        elif wire_type == BYTES:
            length, value = _varint(data, position, end)
            stop = value + length
        elif wire_type in (FIXED32, FIXED64):
            value, stop = position, position + (4 if wire_type == FIXED32 else 8)
        else:
            raise WireError(f"byte {tag} begins no field")
        if stop > end:
            raise WireError(f"the field at byte {tag} needs {stop - end} bytes more than there are")
        yield Field(number, wire_type, tag, value, stop)
        position = stop


def header(number: int, length: int) -> bytes:
    """What stands in front of the ``length`` bytes of field ``number``."""
    return _encoded(number << 3 | BYTES) + _encoded(length)


def _varint(data: Buffer, position: int, end: int) -> tuple[int, int]:
    """The number at ``position``, and the position behind it."""
    value = 0
    for index, shift in enumerate(range(0, 70, 7), position):
        if index >= end:
            raise WireError(f"the number at byte {position} is cut off")
        byte = data[index]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, index + 1
    raise WireError(f"the number at byte {position} is longer than ten bytes")


def _encoded(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
