"""Where the bytes of a tensor lie that a model does not hold itself, and whether they may be taken there."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path, PurePosixPath

import onnx
from google.protobuf.message import Message

from opsets.errors import RetargetError

TENSOR = onnx.TensorProto.DESCRIPTOR.full_name


def _ways_to_tensors() -> dict[str, dict[int, str]]:
    """For each kind of message in a model: the fields that a tensor may stand in, however deep, by number."""
    kinds, waiting = {}, [onnx.ModelProto.DESCRIPTOR]
    while waiting:
        kind = waiting.pop()
        inner = {field.number: field.message_type for field in kind.fields if field.message_type}
        kinds[kind.full_name] = {number: message.full_name for number, message in inner.items()}
        waiting += [message for message in inner.values() if message.full_name not in kinds]
    holding = {TENSOR}
    while more := {name for name, inner in kinds.items() if holding & set(inner.values())} - holding:
        holding |= more
    return {
        name: {number: inner for number, inner in kinds[name].items() if inner in holding} for name in holding
    }


WAYS = _ways_to_tensors()


@dataclass(frozen=True)
class Region:
    """``length`` bytes of the file ``path``, from ``offset`` on."""

    path: str
    offset: int
    length: int


def tensors(message: Message) -> Iterator[onnx.TensorProto]:
    """Every tensor in ``message``: of graphs, their nodes, subgraphs and functions."""
    if isinstance(message, onnx.TensorProto):
        yield message
        return
    for field, value in message.ListFields():
        if field.number in WAYS[message.DESCRIPTOR.full_name]:
            for inner in value if field.is_repeated else (value,):
                yield from tensors(inner)


def is_external(tensor: onnx.TensorProto) -> bool:
    return bool(tensor.data_location == onnx.TensorProto.EXTERNAL)


def refer(tensor: onnx.TensorProto, region: Region) -> None:
    """Let ``tensor`` have its bytes from ``region``."""
    tensor.ClearField("external_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", region.path), ("offset", region.offset), ("length", region.length)):
        tensor.external_data.add(key=key, value=str(value))


def region_of(tensor: onnx.TensorProto) -> Region:
    """Where the bytes of an external ``tensor`` lie; its path is as it is written there.

    A length that is not given is the one that shape and type ask for. Raises :class:`RetargetError`
    for what is no such place, or not one of the right length.
    """
    entries = {entry.key: entry.value for entry in tensor.external_data}
    wanted = _byte_count(tensor)
    try:
        offset, length = int(entries.get("offset", 0)), int(entries.get("length", wanted))
    except ValueError as error:
        raise RetargetError(f"the place of the tensor {tensor.name!r} is not a number: {error}") from error
    if length != wanted:
        raise RetargetError(
            f"the tensor {tensor.name!r} has {length} bytes, but its shape and type ask for {wanted}"
        )
    if offset < 0:
        raise RetargetError(f"the tensor {tensor.name!r} begins at the negative offset {offset}")
    return Region(entries.get("location", ""), offset, length)


def _byte_count(tensor: onnx.TensorProto) -> int:
    import onnx_ir as ir  # it takes its time, and few files have such data

    try:
        bits = ir.DataType(tensor.data_type).bitwidth
    except (ValueError, TypeError) as error:
        raise RetargetError(
            f"the tensor {tensor.name!r} has the type {tensor.data_type}, which has no raw bytes"
        ) from error
    return int((prod(tensor.dims) * bits + 7) // 8)


class DataFiles:
    """The files that the data of the model file ``model`` may lie in: it and those in its folder."""

    def __init__(self, model: Path) -> None:
        self._model = model
        self._known: dict[str, tuple[Path, int]] = {}

    def checked(self, region: Region, tensor: str) -> Region:
        """``region`` with an absolute path, once it is sure that the data of ``tensor`` may be read there.

        Raises :class:`RetargetError` for an absolute path, one with ``..``, one through a symbolic link,
        what is not a regular file, and for one that is missing, cannot be read or is too short.
        """
        where = f"the data of the tensor {tensor!r} in {region.path!r}"
        if region.path not in self._known:
            self._known[region.path] = self._found(region.path, where)
        path, size = self._known[region.path]
        end = region.offset + region.length
        if size < end:
            raise RetargetError(f"{where} is cut off: the file has {size} bytes, and {end} are needed")
        return Region(str(path), region.offset, region.length)

    def _found(self, location: str, where: str) -> tuple[Path, int]:
        model = self._model
        try:
            path = model.resolve() if location == model.name else _beside(model, location, where)
            with path.open("rb") as stream:
                return path, stream.seek(0, 2)
        except FileNotFoundError as error:
            raise RetargetError(f"{where} is missing; put this file beside the model") from error
        except (OSError, ValueError) as error:
            raise RetargetError(f"{where} cannot be read: {error}") from error


def _beside(model: Path, location: str, where: str) -> Path:
    """The regular file at ``location``, looked up in the folder of ``model`` without following a link."""
    parts = PurePosixPath(location).parts
    if not parts or parts[0] == "/" or ".." in parts:
        raise RetargetError(f"{where} is not inside the folder of the model, and is not read")
    path = model.parent.resolve()
    for part in parts:
        path = path / part
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            raise RetargetError(f"{where} is reached through the symbolic link {path}, and is not read")
    if not stat.S_ISREG(mode):
        raise RetargetError(f"{where} is not a regular file")
    return path
