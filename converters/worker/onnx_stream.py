"""ONNX files written weight by weight, so that a large model is in memory once: in its framework.

Protobuf builds a message in memory, serialises it there and hands out a copy: three times the weights
beside the network itself. Here a model comes without weights, which are inputs of its graph instead, and
their bytes go from where they are into the file. Standard library only; any version of onnx will do.
"""

from __future__ import annotations

import os
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Tuple

from protocol import EXPORT, TaskError

LARGEST_FILE = 2**31 - 1
"""Bytes of the largest message that protobuf reads."""
PIECE = 1 << 24
"""Bytes that are read at once where a weight lies in a file."""
FIRST_WITHOUT_DEFAULTS = 4
"""The IR version from which on an initialiser need not be an input as well."""


class Weight(NamedTuple):
    """The values of one tensor, still to be fetched."""

    length: int
    """How many bytes they are."""
    pieces: Callable[[], Iterable[Any]]
    """The bytes in one or more buffers, little-endian and in C order; called once."""


def region(path: str, offset: int, length: int) -> Weight:
    """The ``length`` bytes of the file ``path`` from ``offset`` on."""

    def pieces() -> Iterator[bytes]:
        with open(path, "rb") as stream:
            stream.seek(offset)
            for start in range(0, length, PIECE):
                yield stream.read(min(PIECE, length - start))

    return Weight(length, pieces)


def write(model: Any, weights: Mapping[str, Weight], path: str) -> None:
    """Write ``model``, an onnx.ModelProto, to ``path`` with ``weights`` as initialisers.

    Each weight replaces the graph input of its name, from which it takes type and shape. The file has the
    bytes that serialising the whole model would give. Raises TaskError where it would be larger than
    2 GiB, which no ONNX file in one piece can be, and where a weight is not as long as it says.
    """
    graph = type(model.graph)()
    graph.CopyFrom(model.graph)
    inputs = [value for value in graph.input if value.name in weights]
    tensors = [_tensor(value, weights[value.name], graph) for value in inputs]
    if model.ir_version >= FIRST_WITHOUT_DEFAULTS:
        del graph.input[:]
        graph.input.extend(value for value in model.graph.input if value.name not in weights)
    outside = type(model)()
    outside.CopyFrom(model)
    outside.ClearField("graph")
    before, after = _cut(outside, _number(model, "graph"))
    first, last = _cut(graph, _number(graph, "initializer"))
    length = len(first) + sum(len(start) + weight.length for start, weight in tensors) + len(last)
    before += _header(_number(model, "graph"), length)
    total = len(before) + length + len(after)
    if total > LARGEST_FILE:
        raise TaskError(
            EXPORT,
            f"the model needs {total} bytes, and an ONNX file in one piece holds {LARGEST_FILE} at most: "
            "take a smaller variant of it",
        )
    with open(path + ".part", "wb") as stream:
        stream.write(before + first)
        for start, weight in tensors:
            stream.write(start)
            _copy(weight, stream)
        stream.write(last + after)
    os.replace(path + ".part", path)


def _tensor(value: Any, weight: Weight, graph: Any) -> Tuple[bytes, Weight]:
    """What stands in ``graph`` before the bytes of the weight that replaces ``value``, and the weight."""
    kind = value.type.tensor_type
    dims = [dimension.dim_value for dimension in kind.shape.dim]
    tensor = type(graph)().initializer.add(name=value.name, data_type=kind.elem_type, dims=dims)
    number = _number(tensor, "raw_data")
    start = bytes(tensor.SerializeToString()) + _header(number, weight.length)
    return _header(_number(graph, "initializer"), len(start) + weight.length) + start, weight


def _copy(weight: Weight, stream: Any) -> None:
    pieces = weight.pieces() if weight.length else ()  # a buffer of no elements has no bytes to look at
    written = sum(stream.write(memoryview(piece).cast("B")) for piece in pieces)
    if written != weight.length:
        raise TaskError(EXPORT, f"a weight has {written} bytes, and {weight.length} were expected")


def _cut(message: Any, number: int) -> Tuple[bytes, bytes]:
    """The fields of ``message`` up to ``number``, and those behind, serialised."""
    parts: List[bytes] = []
    fields: Dict[str, int] = {field.name: field.number for field, _ in message.ListFields()}
    for first in (True, False):
        part = type(message)()
        part.CopyFrom(message)
        for name, field_number in fields.items():
            if (field_number <= number) != first:
                part.ClearField(name)
        parts.append(bytes(part.SerializeToString()))
    return parts[0], parts[1]


def _number(message: Any, name: str) -> int:
    return int(message.DESCRIPTOR.fields_by_name[name].number)


def _header(number: int, length: int) -> bytes:
    """What stands in front of the ``length`` bytes of field ``number``: protobuf's wire type 2."""
    return varint(number << 3 | 2) + varint(length)


def varint(value: int) -> bytes:
    """``value`` as protobuf writes a number."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
