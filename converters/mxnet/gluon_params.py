"""MXNet's files of parameters (``.params``) as numpy arrays on the file itself, each found to lie within it.

MXNet's own reader believes what a file says: of the indices of a sparse array, for one, it writes wherever
they lead. Here nothing is read but dense arrays. Standard library and numpy only.

A file is, little-endian: the number 0x112 (8 bytes), nothing (8), the number of arrays (8), the arrays, the
number of names (8; as many, or none), and the names, each with its length (8) in front. An array has a
number that says its version (4), from version 2 on how it is stored (4; 0 is dense), its shape, a device
(8), its type (4) and the values in C order. A shape is the number of axes (4) and their sizes (8 each; 4
before version 1, when the number of axes is in the version's place). The format is in ``NDArray::Save`` and
``NDArray::LegacyLoad`` of MXNet 1.9, src/ndarray/ndarray.cc.
"""

from __future__ import annotations

import os
import struct
from typing import Any, BinaryIO, Dict, List, NamedTuple, Tuple

import numpy as np

from protocol import WEIGHTS, TaskError

LIST = 0x112
VERSION_1, VERSION_2, VERSION_3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA
DENSE = 0
KINDS = ("<f4", "<f8", "<f2", "u1", "<i4", "i1", "<i8", "?")
"""By the number of the type, as ``mshadow::TypeFlag`` has it."""
MOST_AXES = 32
DEVICE = 8


class _DamagedError(Exception):
    """What is wrong with a file."""


class _Record(NamedTuple):
    """An array in a file."""

    kind: Any
    shape: Tuple[int, ...]
    offset: int


class _Reader:
    """The numbers of a file, none of which is believed before it was found to fit."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self.stream, self.size = stream, size

    def bytes(self, count: int) -> bytes:
        if count > self.size - self.stream.tell():
            raise _DamagedError(f"it ends at byte {self.size}, where more is to follow")
        return self.stream.read(count)

    def numbers(self, form: str) -> Tuple[int, ...]:
        return struct.unpack("<" + form, self.bytes(struct.calcsize("<" + form)))

    def array(self) -> _Record:
        """Read what is said of an array, and pass over its values."""
        (version,) = self.numbers("I")
        if version in (VERSION_2, VERSION_3):
            (storage,) = self.numbers("i")
            if storage != DENSE:
                raise _DamagedError("it holds a sparse array, and only dense ones are read")
        (axes,) = self.numbers("i") if version >= VERSION_1 else (version,)
        if not 0 <= axes <= MOST_AXES or (axes == 0 and version != VERSION_3):
            raise _DamagedError(f"it holds an array of {axes} axes")
        shape = self.numbers(f"{axes}{'q' if version >= VERSION_1 else 'I'}")
        if any(size < 0 for size in shape):
            raise _DamagedError(f"it holds an array of the shape {shape}")
        self.bytes(DEVICE)
        (kind,) = self.numbers("i")
        if not 0 <= kind < len(KINDS):
            raise _DamagedError(f"it holds an array of the unknown type {kind}")
        record = _Record(np.dtype(KINDS[kind]), shape, self.stream.tell())
        length = record.kind.itemsize
        for size in shape:
            length *= size
        if length > self.size - record.offset:
            raise _DamagedError(f"it ends at byte {self.size}, before an array of the shape {shape}")
        self.stream.seek(length, os.SEEK_CUR)
        return record

    def list(self) -> Tuple[List[str], List[_Record]]:
        """Read the names, as numbers where there are none, and what is said of each array."""
        if self.numbers("QQ") != (LIST, 0):
            raise _DamagedError("it is no list of arrays as MXNet writes it")
        (count,) = self.numbers("Q")
        records = [self.array() for _ in range(count)]
        (named,) = self.numbers("Q")
        if named not in (0, count):
            raise _DamagedError(f"it holds {count} arrays and {named} names")
        names = [self.bytes(self.numbers("Q")[0]).decode() for _ in range(named)]
        if len(set(names)) != len(names):
            raise _DamagedError("it holds two arrays of one name")
        return names or [str(position) for position in range(count)], records


def read(path: str) -> Dict[str, Any]:
    """The arrays of the file ``path`` by name, or by position, in its order; they cannot be written to.

    Raises TaskError where it is damaged, or holds anything but dense arrays.
    """
    try:
        with open(path, "rb") as stream:
            names, records = _Reader(stream, os.path.getsize(path)).list()
        content = np.memmap(path, np.uint8, "r")
        arrays = [np.ndarray(record.shape, record.kind, content, record.offset) for record in records]
    except (_DamagedError, ValueError) as error:  # as are names that are no text
        raise TaskError(
            WEIGHTS,
            f"cannot read {path}: {error}; it may be truncated or not a weights file: fetch it again",
        ) from error
    return dict(zip(names, arrays))
