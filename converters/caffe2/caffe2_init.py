"""Init nets: the operators that fill a net's parameters, checked by name and run one at a time.

Caffe2 itself would hold the file, its message and two copies of every tensor at once. Here a
``GivenTensorFill`` goes from the file into the workspace in pieces, and no other operator may run
but those that fill a tensor out of nothing.
"""

from __future__ import annotations

import os
from typing import Any, BinaryIO, Dict, Iterator, Mapping, NamedTuple, Optional, Tuple

import numpy as np
from caffe2.proto import caffe2_pb2
from caffe2.python import workspace
from google.protobuf.message import DecodeError

from checkpoints import refuse_pointer
from protocol import WEIGHTS, TaskError

GIVEN = "GivenTensorFill"
FILLINGS = (
    GIVEN,
    "GivenTensorIntFill",
    "GivenTensorInt64Fill",
    "ConstantFill",
    "GaussianFill",
    "MSRAFill",
    "UniformFill",
    "XavierFill",
)
"""What may run in an init net: operators without inputs that reach nothing but their output."""

SEED = 1
"""Seeds the operators that draw random values; Caffe2 takes 0 for no seed."""
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""Wire types, see https://protobuf.dev/programming-guides/encoding/."""
OPERATORS_OF_NET, ARGUMENTS_OF_OPERATOR, FLOATS_OF_ARGUMENT = 2, 5, 5
"""Field numbers in caffe2.proto."""
UNPACKED = np.dtype([("tag", "u1"), ("value", "<f4")])
"""A value of a repeated field as Caffe2 writes it: each with its field's number and wire type."""
TAG = FLOATS_OF_ARGUMENT << 3 | FIXED32
VALUE_BYTES = 4
LARGEST_BYTES = 1 << 31
"""Of all parameters: an operator of a few bytes may ask for any size, and protobuf ends at this one."""
PIECE = 1 << 20
"""How many values are read at once."""


class Field(NamedTuple):
    """A field of a protobuf message in a file."""

    number: int
    wire_type: int
    begin: int
    """Of the field with its tag."""
    start: int
    """Of its content."""
    end: int


class Filling(NamedTuple):
    """One operator of an init net."""

    definition: Any
    """An OperatorDef, without its floats."""
    floats: Optional[Field]
    """The first of its floats in the file; the others follow up to ``end``."""

    @property
    def blob(self) -> str:
        return str(self.definition.output[0])

    def argument(self, name: str) -> Any:
        """The Argument called ``name``, or an empty one."""
        matches = [argument for argument in self.definition.arg if argument.name == name]
        return matches[-1] if matches else caffe2_pb2.Argument()

    @property
    def shape(self) -> Tuple[int, ...]:
        return tuple(self.argument("shape").ints)

    @property
    def size(self) -> int:
        """The number of values, which may be larger than any that numpy counts to."""
        size = 1
        for length in self.shape:
            size *= length
        return size


def _varint(stream: BinaryIO) -> int:
    value, shift = 0, 0
    while True:
        byte = stream.read(1)
        if not byte or shift > 63:
            raise ValueError("it ends in the middle of a number")
        value |= (byte[0] & 127) << shift
        if byte[0] < 128:
            return value
        shift += 7


def _fields(stream: BinaryIO, start: int, end: int) -> Iterator[Field]:
    """The fields between two offsets of a file. Raises ValueError where it is no message."""
    while start < end:
        stream.seek(start)
        tag = _varint(stream)
        number, wire_type = tag >> 3, tag & 7
        content = stream.tell()
        if wire_type == VARINT:
            _varint(stream)
            after = stream.tell()
        elif wire_type == BYTES:
            length = _varint(stream)
            content = stream.tell()
            after = content + length
        elif wire_type in (FIXED32, FIXED64):
            after = content + (4 if wire_type == FIXED32 else 8)
        else:
            raise ValueError(f"it has a field of the unknown wire type {wire_type}")
        if after > end or not number:
            raise ValueError(f"a field of it ends at byte {after}, and there are {end}")
        yield Field(number, wire_type, start, content, after)
        start = after


def _bytes(stream: BinaryIO, start: int, end: int) -> bytes:
    stream.seek(start)
    return stream.read(end - start)


def _read_operator(stream: BinaryIO, where: Field) -> Filling:
    """Read one operator but for its floats."""
    definition = caffe2_pb2.OperatorDef()
    floats: Optional[Field] = None
    for field in _fields(stream, where.start, where.end):
        if field.number != ARGUMENTS_OF_OPERATOR:
            definition.MergeFromString(_bytes(stream, field.begin, field.end))
            continue
        end = field.end
        for inner in _fields(stream, field.start, field.end):
            if inner.number == FLOATS_OF_ARGUMENT:
                floats, end = inner._replace(end=field.end), inner.begin
                break
        definition.arg.add().MergeFromString(_bytes(stream, field.start, end))
    return Filling(definition, floats)


class InitNet:
    """An init net on disk. Reading it checks all of it and runs nothing."""

    def __init__(self, path: str) -> None:
        """Raises TaskError where the file is damaged or holds any operator but :data:`FILLINGS`."""
        refuse_pointer(path)
        self.path, self.name = path, os.path.basename(path)
        try:
            with open(path, "rb") as stream:
                operators = [
                    _read_operator(stream, field)
                    for field in _fields(stream, 0, os.path.getsize(path))
                    if field.number == OPERATORS_OF_NET and field.wire_type == BYTES
                ]
        except (ValueError, DecodeError) as error:
            raise TaskError(
                WEIGHTS,
                f"{self.name} cannot be read as a Caffe2 NetDef: {error}. Is it whole, and binary rather "
                "than text? Save it again with SerializeToString()",
            ) from error
        for operator in operators:
            self._check(operator)
        if VALUE_BYTES * sum(operator.size for operator in operators) > LARGEST_BYTES:
            raise TaskError(WEIGHTS, f"{self.name} fills more parameters than an ONNX file can hold")
        self.fillings = {operator.blob: operator for operator in operators}
        if not self.fillings:
            raise TaskError(WEIGHTS, f"{self.name} fills no parameters: it holds no operators of a NetDef")

    def _check(self, operator: Filling) -> None:
        definition = operator.definition
        if definition.type not in FILLINGS:
            raise TaskError(
                WEIGHTS,
                f"{self.name} holds the operator {definition.type!r}, and only operators that fill "
                f"parameters are run: {', '.join(FILLINGS)}. Save the parameters' values instead, as "
                "caffe2.python.predictor.mobile_exporter does",
            )
        if definition.input or len(definition.output) != 1:
            raise TaskError(
                WEIGHTS,
                f"{self.name}: {definition.type} has {len(definition.input)} inputs and "
                f"{len(definition.output)} outputs, needed none and one",
            )
        if any(size < 0 for size in operator.shape) or VALUE_BYTES * operator.size > LARGEST_BYTES:
            raise TaskError(
                WEIGHTS,
                f"{self.name} gives {operator.blob} the shape {operator.shape}, which no parameter of an "
                "ONNX file can have: save the parameters again",
            )
        if definition.type == GIVEN and _count(operator.floats) != operator.size:
            raise TaskError(
                WEIGHTS,
                f"{self.name} gives {_count(operator.floats)} values for {operator.blob}, "
                f"which has the shape {operator.shape}: save the parameters again",
            )

    @property
    def shapes(self) -> Dict[str, Tuple[int, ...]]:
        """The shape of every blob that is filled, in the file's order."""
        return {name: filling.shape for name, filling in self.fillings.items()}

    def feed(self, names: Mapping[str, str]) -> None:
        """Put the blob ``names[ours]`` of the file into Caffe2's workspace as ``ours``, for all ``ours``."""
        with open(self.path, "rb") as stream:
            for ours, theirs in names.items():
                self._feed(stream, ours, self.fillings[theirs])

    def _feed(self, stream: BinaryIO, ours: str, filling: Filling) -> None:
        if filling.definition.type == GIVEN:
            workspace.FeedBlob(ours, self._values(stream, filling))
            return
        definition = caffe2_pb2.OperatorDef()
        definition.CopyFrom(filling.definition)
        definition.output[0] = ours
        definition.ClearField("engine")
        definition.device_option.Clear()
        definition.device_option.random_seed = filling.definition.device_option.random_seed or SEED
        try:
            workspace.RunOperatorOnce(definition)
        except RuntimeError as error:
            reason = str(error).split("(Error from operator", 1)[0].splitlines()[0]
            raise TaskError(
                WEIGHTS, f"{self.name}: {definition.type} cannot fill {filling.blob}: {reason}"
            ) from error

    def _values(self, stream: BinaryIO, filling: Filling) -> Any:
        """The float32 array that a GivenTensorFill has in the file."""
        array = np.empty(filling.shape, np.float32)
        flat, floats = array.reshape(-1), filling.floats
        if floats is None:
            return array
        packed = floats.wire_type == BYTES
        stream.seek(floats.start if packed else floats.begin)
        kind = np.dtype("<f4") if packed else UNPACKED
        for begin in range(0, flat.size, PIECE):
            count = min(PIECE, flat.size - begin)
            piece: Any = np.frombuffer(stream.read(count * kind.itemsize), kind)
            if not packed and (piece["tag"] != TAG).any():
                raise TaskError(WEIGHTS, f"{self.name} is damaged where it has the values of {filling.blob}")
            flat[begin : begin + count] = piece if packed else piece["value"]
        return array


def _count(floats: Optional[Field]) -> int:
    """How many floats a field and those that follow it hold."""
    if floats is None:
        return 0
    if floats.wire_type == BYTES:
        return (floats.end - floats.start) // 4
    return (floats.end - floats.begin) // UNPACKED.itemsize
