"""Model files read and written without their weights: these stay on disk, and are copied from there.

In a model that :func:`read_graph` gives, every tensor of a kilobyte or more is a reference: external data
whose location is an absolute path, often that of the model file itself.
"""

from __future__ import annotations

import errno
import mmap
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError, EncodeError

from opsets.errors import ModelFileError, RetargetError
from opsets.files.external import TENSOR, WAYS, DataFiles, Region, is_external, refer, region_of, tensors
from opsets.files.wire import BYTES, Buffer, WireError, fields, header

SMALLEST_REFERENCE = 1024
"""Bytes from which on a tensor is left on disk; smaller ones are not worth a look."""
LARGEST_FILE = 2**31 - 1
"""Bytes of the largest message that protobuf reads."""
DEEPEST = 100
"""Messages inside messages, as protobuf bounds them."""

MODEL = onnx.ModelProto.DESCRIPTOR.full_name
RAW_DATA = onnx.TensorProto.DESCRIPTOR.fields_by_name["raw_data"].number
PAGE = 4096
CHUNK = 1 << 18
"""What is copied at a time: few enough bytes to be in a processor's cache when they are written."""

Part = bytes | Region
"""A stretch of a file to write: the bytes themselves, or where they are to be copied from."""

NO_MODELS = {
    b"\x1f\x8b": "it is a gzip archive; unpack it first",
    b"PK\x03\x04": "it is a zip archive, as PyTorch saves its own models; export it to ONNX first",
    b"version https://git-lfs": "it is a Git LFS pointer; fetch the file itself with `git lfs pull`",
}


def read_graph(path: Path) -> onnx.ModelProto:
    """All of the model in the file ``path`` but the bytes of its large tensors.

    These are references: external data, at an absolute path, in the file itself or in those beside it.
    The files have to stay as they are for as long as the model is used. Raises :class:`ModelFileError`
    for what is no ONNX model, is cut off, or wants data from outside its folder.
    """
    try:
        model, files = _without_weights(path), DataFiles(path)
        for tensor in tensors(model):
            if is_external(tensor):
                _take_in(tensor, files.checked(region_of(tensor), tensor.name))
    except OSError as error:
        raise ModelFileError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeEncodeError as error:
        reason = "an ONNX reference holds UTF-8 only, and the path is something else; move the file"
        raise ModelFileError(f"cannot read {path}: {reason}") from error
    except RetargetError as error:
        raise ModelFileError(f"cannot read {path}: {error}") from error
    return model


def _take_in(tensor: onnx.TensorProto, region: Region) -> None:
    """Let the external ``tensor`` refer to ``region``, or hold its bytes where it is a small one.

    Shapes, axes and scales are among the small ones: whoever infers or checks has to see them.
    """
    if region.length >= SMALLEST_REFERENCE:
        refer(tensor, region)
        return
    tensor.ClearField("external_data")
    tensor.ClearField("data_location")
    tensor.raw_data = b"".join(_chunks(region))


def _without_weights(path: Path) -> onnx.ModelProto:
    """The model of ``path``; its large tensors are external data in the file ``path`` itself."""
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        raise RetargetError("it is a folder" if stat.S_ISDIR(mode) else "it is not a regular file")
    with path.open("rb") as stream:
        if not stream.read(1):
            raise RetargetError("the file is empty")
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            reason = next((text for start, text in NO_MODELS.items() if data[: len(start)] == start), None)
            try:
                skeleton = _skeleton(data, MODEL, 0, len(data), path.name)
                model: onnx.ModelProto = onnx.ModelProto.FromString(skeleton)
            except (WireError, DecodeError) as error:
                reason = reason or f"it is not an ONNX model, or is cut off: {error}"
                raise RetargetError(reason) from error
    if not (model.HasField("graph") and model.opset_import):
        reason = reason or "it is not an ONNX model, or is cut off: it holds no graph with an opset"
        raise RetargetError(reason)
    return model


def _skeleton(data: Buffer, kind: str, start: int, end: int, location: str, depth: int = 0) -> bytes:
    """The message between ``start`` and ``end``, each large ``raw_data`` a reference to ``location``."""
    if depth > DEEPEST:
        raise WireError(f"more than {DEEPEST} messages stand inside each other")
    if kind == TENSOR:
        return _tensor_skeleton(data, start, end, location)
    parts = []
    for field in fields(data, start, end):
        inner = WAYS[kind].get(field.number) if field.wire_type == BYTES else None
        if inner is None or field.end - field.start < SMALLEST_REFERENCE:
            parts.append(data[field.tag : field.end])
        else:
            content = _skeleton(data, inner, field.start, field.end, location, depth + 1)
            parts += [header(field.number, len(content)), content]
    return b"".join(parts)


def _tensor_skeleton(data: Buffer, start: int, end: int, location: str) -> bytes:
    found = list(fields(data, start, end))
    raw = [field for field in found if field.number == RAW_DATA and field.wire_type == BYTES]
    if not raw or raw[-1].end - raw[-1].start < SMALLEST_REFERENCE:
        return data[start:end]
    rest = b"".join(data[field.tag : field.end] for field in found if field not in raw)
    tensor = onnx.TensorProto.FromString(rest)
    if is_external(tensor):
        raise RetargetError(f"the tensor {tensor.name!r} has its data both in the model and beside it")
    refer(tensor, Region(location, raw[-1].start, raw[-1].end - raw[-1].start))
    return bytes(tensor.SerializeToString(deterministic=True))


def write(model: onnx.ModelProto, destination: Path, largest: int = LARGEST_FILE) -> tuple[Path, ...]:
    """Write ``model`` to ``destination``, with the bytes that its references lead to; the files.

    It is one file, equal to that of the model with all data in it. Only where that has more than
    ``largest`` bytes do the tensors stand beside it, in ``<destination>.data``. ``destination``
    appears complete or not at all. Raises OSError where it cannot be written and
    :class:`RetargetError` where a reference cannot be read any more.
    """
    if destination.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(destination))
    parts = _parts(_serialized(model))
    beside = destination.with_name(f"{destination.name}.data")
    files = [(destination, parts)]
    if _size(parts) > largest:
        files = [
            (beside, _data_parts(model)),
            (destination, [_serialized(_with_data_in(model, beside.name))]),
        ]
    with tempfile.TemporaryDirectory(prefix=f".{destination.name}.", dir=destination.parent) as folder:
        for path, content in files:
            _copy(content, Path(folder) / path.name)
        for path, _ in files:
            (Path(folder) / path.name).replace(path)
    return tuple(path for path, _ in reversed(files))


def _serialized(model: onnx.ModelProto) -> bytes:
    try:
        return bytes(model.SerializeToString(deterministic=True))
    except (EncodeError, ValueError) as error:
        raise RetargetError(f"the graph cannot be written, even without its weights: {error}") from error


def _parts(skeleton: bytes) -> list[Part]:
    """The file that ``skeleton``, a model with references, becomes with its data in it."""
    return _message_parts(skeleton, MODEL, 0, len(skeleton))


def _message_parts(skeleton: bytes, kind: str, start: int, end: int) -> list[Part]:
    if kind == TENSOR:
        return _tensor_parts(onnx.TensorProto.FromString(skeleton[start:end]))
    parts: list[Part] = []
    for field in fields(skeleton, start, end):
        inner = WAYS[kind].get(field.number) if field.wire_type == BYTES else None
        # Every reference has a location: a message without this word has none.
        if inner is None or skeleton.find(b"location", field.start, field.end) < 0:
            parts.append(skeleton[field.tag : field.end])
        else:
            content = _message_parts(skeleton, inner, field.start, field.end)
            parts += [header(field.number, _size(content)), *content]
    return parts


def _tensor_parts(tensor: onnx.TensorProto) -> list[Part]:
    if not is_external(tensor):
        return [tensor.SerializeToString(deterministic=True)]
    region = region_of(tensor)
    tensor.ClearField("external_data")
    tensor.ClearField("data_location")
    tensor.raw_data = b""  # keeps the place in the order of the fields
    whole = tensor.SerializeToString(deterministic=True)
    [empty] = [field for field in fields(whole, 0, len(whole)) if field.number == RAW_DATA]
    return [whole[: empty.tag] + header(RAW_DATA, region.length), region, whole[empty.end :]]


def _size(parts: Iterable[Part]) -> int:
    return sum(part.length if isinstance(part, Region) else len(part) for part in parts)


def _references(model: onnx.ModelProto) -> list[onnx.TensorProto]:
    return [tensor for tensor in tensors(model) if is_external(tensor)]


def _data_parts(model: onnx.ModelProto) -> list[Part]:
    """The data of all references behind each other; each begins with a page, so that it can be mapped."""
    parts: list[Part] = []
    for tensor in _references(model):
        region = region_of(tensor)
        parts += [region, bytes(-region.length % PAGE)]
    return parts


def _with_data_in(model: onnx.ModelProto, location: str) -> onnx.ModelProto:
    """``model`` with its references to the file ``location`` beside it, as :func:`_data_parts` fills it."""
    copy, offset = onnx.ModelProto(), 0
    copy.CopyFrom(model)
    for tensor in _references(copy):
        length = region_of(tensor).length
        refer(tensor, Region(location, offset, length))
        offset += length + -length % PAGE
    return copy


def _copy(parts: Iterable[Part], path: Path) -> None:
    with path.open("wb") as stream:
        for part in parts:
            for chunk in (part,) if isinstance(part, bytes) else _chunks(part):
                stream.write(chunk)


def _chunks(region: Region) -> Iterator[bytes]:
    left = region.length
    try:
        with Path(region.path).open("rb", buffering=0) as source:
            source.seek(region.offset)
            while left and (chunk := source.read(min(left, CHUNK))):
                left -= len(chunk)
                yield chunk
    except OSError as error:
        raise RetargetError(f"cannot read {region.path} any more: {error.strerror}") from error
    if left:
        raise RetargetError(f"{region.path} has become shorter while it was copied")
