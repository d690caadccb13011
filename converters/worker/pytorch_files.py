"""What a file of ``torch.save`` holds, read without torch and without calling it. Standard library only.

The values stay in the file: what is read is where each tensor lies. A storage says how many numbers it has,
beside the bytes that it has; the two are compared here, so that no tensor is made of the bytes of another.
"""

from __future__ import annotations

import os
import re
import struct
import tarfile
import zipfile
from dataclasses import dataclass
from typing import Any, BinaryIO, Dict, Optional, Set

from checkpoints import largest_unpacked
from protocol import WEIGHTS, TaskError
from pytorch_pickles import STORAGES, Storage, Unpickler

ZIP = b"PK\x03\x04"
"""By which torch tells an archive from its format of old: five pickles, and the storages behind them.

The last pickles are what was saved, and the order of the storages, each with how many elements it has.
"""
MAGIC = 0x1950A86A20F9469CFC6C
"""What the first of these pickles holds; a version and what the machine is like are in the next two."""
COUNT = struct.Struct("<q")
LOCAL_HEADER = struct.Struct("<26xHH")
"""Of a member of an archive: behind it come its name and more, of these two lengths, then its bytes."""
LENGTH = struct.Struct("<Q")
"""How a safetensors file begins: with the length of the JSON that follows."""

NAMES = {
    "__builtin__.complex",
    "__builtin__.set",
    "_codecs.encode",
    "argparse.Namespace",  # in which training scripts keep their options beside the weights
    "builtins.complex",
    "builtins.set",
    "collections.Counter",
    "collections.OrderedDict",
    "torch.Size",
    "torch.Tensor",
    "torch._tensor._rebuild_from_type_v2",
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state",
    "torch._utils._rebuild_tensor",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_tensor_v3",
    "torch.device",
    "torch.nn.parameter.Parameter",
    "torch.serialization._get_layout",
    *(f"torch.{name}" for name in STORAGES),
    *(f"torch.cuda.{name}" for name in STORAGES),
    "torch.storage.UntypedStorage",
}
"""All that a file may name, beside the dtypes, which somebody else's reader is to take."""
DTYPES = re.compile(r"torch\.(bool|(bfloat|complex|float|int|uint)\d+\w*)")


@dataclass(frozen=True)
class Place:
    """Where the bytes of a storage are."""

    size: int
    offset: Optional[int]
    """From the beginning of the file; None where they are compressed."""
    member: str = ""
    """That of the archive which holds them."""


@dataclass(frozen=True)
class Contents:
    """What was saved, without the values of the tensors."""

    saved: Any
    """Plain containers, text and numbers, with StoredTensor and Record of ``pytorch_pickles`` in them."""
    places: Dict[str, Place]
    """Of the storages, by their keys."""
    names: Set[str]
    """The classes and functions that the file names."""
    big_endian: bool = False
    """Whether the most significant byte of a value comes first."""


def is_safetensors(path: str) -> bool:
    """Whether a file begins as safetensors do: with the length of a JSON object that it has room for."""
    with open(path, "rb") as stream:
        begin = stream.read(LENGTH.size + 1)
    if len(begin) <= LENGTH.size or begin[-1:] != b"{":
        return False
    return bool(LENGTH.unpack(begin[:-1])[0] <= os.path.getsize(path) - LENGTH.size)


def read(path: str) -> Contents:
    """Read a file of torch.save. Raises TaskError where it is damaged, or holds other than dense tensors."""
    name = os.path.basename(path)
    try:
        if _is_archive(path):
            with zipfile.ZipFile(path) as archive:
                return _read_archive(archive, path, name)
        return _read_pickles(path, name)
    except TaskError:
        raise
    except Exception as error:  # a damaged pickle raises anything
        raise unreadable(name, error) from error


def require_plain(path: str) -> None:
    """Raise TaskError where a file is damaged, or holds more than tensors of numbers and plain containers.

    It is for files that torch is going to read.
    """
    names = read(path).names
    strange = sorted(name for name in names if name not in NAMES and not DTYPES.fullmatch(name))
    if strange:
        raise TaskError(
            WEIGHTS,
            f"{os.path.basename(path)} holds {strange[0]}, which is neither a tensor of numbers nor a "
            "plain container, and loading it could run code: save the state_dict() alone, best as "
            ".safetensors",
        )


def _is_archive(path: str) -> bool:
    """Whether torch takes the file for a zip archive."""
    with open(path, "rb") as stream:
        return stream.read(len(ZIP)) == ZIP


def _read_archive(archive: zipfile.ZipFile, path: str, name: str) -> Contents:
    members = {member.filename: member for member in archive.infolist()}
    # torch looks members up without regard to case, and takes the first.
    if len({member.lower() for member in members}) != len(archive.infolist()):
        raise ValueError("it has two members of one name")
    if any(member.endswith("/constants.pkl") for member in members):
        raise TaskError(
            WEIGHTS,
            f"{name} is a TorchScript archive (torch.jit.ScriptModule), which holds code: save the "
            "state_dict() of the network instead, best as .safetensors",
        )
    unpacked, bound = sum(member.file_size for member in members.values()), largest_unpacked(path)
    if unpacked > bound:
        raise TaskError(
            WEIGHTS,
            f"{name} would unpack to {unpacked} bytes, which is more than weights compress to: it was made "
            "to fill the memory",
        )
    folder = next(iter(members), "").split("/", 1)[0]
    with archive.open(f"{folder}/data.pkl") as stream:
        reader = Unpickler(stream, name)  # type: ignore[arg-type]
        saved = reader.load()
    places = {}
    with open(path, "rb") as stream:
        for key, storage in reader.storages.items():
            member = members[f"{folder}/data/{key}"]
            if member.file_size != storage.length * storage.width:
                raise _disagreeing(name, member.file_size, storage)
            places[key] = _place_of(member, stream)
    order = f"{folder}/byteorder"
    return Contents(saved, places, reader.names, order in members and archive.read(order) == b"big")


def _place_of(member: zipfile.ZipInfo, stream: BinaryIO) -> Place:
    """Where the bytes of a member of the archive ``stream`` are."""
    if member.compress_type != zipfile.ZIP_STORED:
        return Place(member.file_size, None, member.filename)
    stream.seek(member.header_offset)
    lengths = LOCAL_HEADER.unpack(stream.read(LOCAL_HEADER.size))
    offset = member.header_offset + LOCAL_HEADER.size + sum(lengths)
    if offset + member.file_size > os.fstat(stream.fileno()).st_size:
        raise ValueError(f"its member {member.filename} lies beyond its end")
    return Place(member.file_size, offset, member.filename)


def _read_pickles(path: str, name: str) -> Contents:
    """Read a file in the format of old, or say which other kind of file it is."""
    if tarfile.is_tarfile(path):
        raise _tar_archive(path, name)
    places = {}
    with open(path, "rb") as stream:
        magic, _, _ = (Unpickler(stream, name).load() for _ in range(3))
        if magic != MAGIC:
            raise ValueError("it does not begin with torch's magic number")
        reader = Unpickler(stream, name)
        saved = reader.load()
        for key in Unpickler(stream, name).load():
            storage = reader.storages[key]
            (held,) = COUNT.unpack(stream.read(COUNT.size))
            left, size = os.path.getsize(path) - stream.tell(), storage.length * storage.width
            if held != storage.length or left < size:
                raise _disagreeing(name, left if held == storage.length else held * storage.width, storage)
            places[key] = Place(size, stream.tell())
            stream.seek(size, os.SEEK_CUR)
    missing = reader.storages.keys() - places.keys()
    if missing:
        raise ValueError(f"it has no values for {len(missing)} of its storages")
    return Contents(saved, places, reader.names)


def _tar_archive(path: str, name: str) -> TaskError:
    """The error of a tar archive: torch's own of 2016 is in that before the format of old."""
    with tarfile.open(path) as archive:
        own = "tensors" in archive.getnames()
    advice = "as torch wrote them in 2016: save it again" if own else "unpack it, and name the file in it"
    return TaskError(WEIGHTS, f"{name} is a tar archive{',' if own else ':'} {advice}")


def _disagreeing(name: str, held: int, storage: Storage) -> TaskError:
    needed = storage.length * storage.width
    return TaskError(
        WEIGHTS,
        f"{name} is damaged: it declares tensors of {needed} bytes and has {held}; fetch it again",
    )


def unreadable(name: str, error: Exception) -> TaskError:
    """The error of a file that is none of torch's, or not whole."""
    reason = f"{type(error).__name__}: {error}".splitlines()[0].split(". ")[0]
    return TaskError(
        WEIGHTS, f"{name} cannot be read: it is damaged, or was not written by torch.save ({reason})"
    )
