"""What a published file says about itself: opset, versions, inputs and outputs, without its weights."""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from publishing.errors import PublishError

_Fields = dict[int, "_Fields | None"]
"""Numbers of fields to keep: whole (None), or those of their own fields that are named."""


@dataclass(frozen=True)
class Port:
    """An input or output of a graph; a dimension is a length, or a name where it is dynamic."""

    name: str
    shape: tuple[int | str, ...]
    type: str
    """As the manifest spells it: ``tensor(float)``."""

    def to_dict(self) -> dict[str, Any]:
        """Return the manifest's form of a port."""
        return {"name": self.name, "shape": list(self.shape), "type": self.type}


@dataclass(frozen=True)
class GraphFacts:
    """The facts of a file that the manifest and the archive need."""

    opset: int
    onnx_version: str
    """The first ONNX release that has the opset."""
    ir_version: int
    inputs: tuple[Port, ...]
    """Without those that are initialisers, which IR 3 lists among them."""
    outputs: tuple[Port, ...]


def read_facts(model_file: Path) -> GraphFacts:
    """Read the facts of an ONNX file.

    Raises:
        PublishError: it is not an ONNX file of the standard operators.
        OSError: it cannot be read.
    """
    from google.protobuf.message import DecodeError

    try:
        model = _without_weights(model_file)
    except (DecodeError, ValueError) as error:
        raise PublishError(f"{model_file} is not an ONNX file; convert the model again") from error
    opsets = [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    if not opsets:
        raise PublishError(
            f"{model_file} imports no opset of the standard operators; convert the model again"
        )
    weights = {tensor.name for tensor in model.graph.initializer}
    return GraphFacts(
        opset=opsets[0],
        onnx_version=onnx_version(opsets[0]),
        ir_version=model.ir_version,
        inputs=tuple(_port(value) for value in model.graph.input if value.name not in weights),
        outputs=tuple(_port(value) for value in model.graph.output),
    )


_KEPT: _Fields = {1: None, 8: None, 7: {5: {8: None}, 11: None, 12: None}}
"""What is read of a model: IR version, opsets, and of its graph inputs, outputs and initialisers' names."""


def _without_weights(model_file: Path) -> Any:
    """Read what is :data:`_KEPT`, so that the weights stay on disk. Raises ValueError and DecodeError."""
    import onnx

    with model_file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return onnx.ModelProto.FromString(_kept(data, 0, len(data), _KEPT))


def _kept(data: mmap.mmap, position: int, end: int, wanted: _Fields) -> bytes:
    """The ``wanted`` fields of the message between ``position`` and ``end``, whole or with some of theirs.

    Source: https://protobuf.dev/programming-guides/encoding/.
    """
    parts = []
    while position < end:
        tag = position
        key, begin = _varint(data, tag, end)
        number, wire_type = key >> 3, key & 7
        length = {0: 0, 1: 8, 2: 0, 5: 4}.get(wire_type)
        if length is None:
            raise ValueError(f"byte {tag} begins no field")
        if wire_type in (0, 2):
            value, begin = _varint(data, begin, end)
            length = value if wire_type == 2 else 0
        position = begin + length
        if position > end:
            raise ValueError(f"the field at byte {tag} is cut off")
        if number in wanted:
            inner = wanted[number]
            content = data[begin:position] if inner is None else _kept(data, begin, position, inner)
            head = data[tag:begin] if inner is None else bytes([number << 3 | 2, *_varint_of(len(content))])
            parts += [head, content]
    return b"".join(parts)


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


def onnx_version(opset: int) -> str:
    """Return the first ONNX release that has ``opset``: ``1.7`` for 12.

    Raises:
        PublishError: no release has it.
    """
    from onnx.helper import VERSION_TABLE

    for release, _, newest, *_ in VERSION_TABLE:
        if newest >= opset:
            return str(release).removesuffix(".0") if str(release).count(".") == 2 else str(release)
    raise PublishError(
        f"opset {opset} belongs to no ONNX release that is known here; update the onnx package"
    )


def _port(value: Any) -> Port:
    import onnx

    tensor = value.type.tensor_type
    shape = tuple(_dimension(dimension, index) for index, dimension in enumerate(tensor.shape.dim))
    element = onnx.TensorProto.DataType.Name(tensor.elem_type).lower()
    return Port(value.name, shape, f"tensor({element})")


def _dimension(dimension: Any, index: int) -> int | str:
    kind = dimension.WhichOneof("value")
    if kind == "dim_value":
        return int(dimension.dim_value)
    return dimension.dim_param or f"dimension_{index}"
