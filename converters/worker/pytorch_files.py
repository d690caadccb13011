"""What a file of ``torch.save`` holds, looked at before torch makes anything of it. Standard library only.

``torch.load(weights_only=True)`` calls no functions but those of a list, which is made for all that torch can
save: tensors that are sparse, quantised or nested, storage of any size that is never written, and bytes. The
weights of a network are none of these, so the names in a file are held against a shorter list here.

A storage says how many numbers it has, beside the bytes that it has. torch compares the two, but not where it
maps a file, when more than there are become bytes of the next tensor. So they are compared here.
"""

from __future__ import annotations

import os
import pickle
import re
import struct
import tarfile
import zipfile
from typing import Any, BinaryIO, Dict, Tuple

from checkpoints import largest_unpacked
from protocol import WEIGHTS, TaskError

ZIP = b"PK\x03\x04"
"""By which torch tells an archive from its format of old: five pickles, and the storages behind them.

The last pickles are what was saved, and the order of the storages, each with how many elements it has.
"""
PICKLES_BEFORE = 3
COUNT = struct.Struct("<q")

WIDTHS = {
    "BFloat16Storage": 2,
    "BoolStorage": 1,
    "ByteStorage": 1,
    "CharStorage": 1,
    "ComplexDoubleStorage": 16,
    "ComplexFloatStorage": 8,
    "DoubleStorage": 8,
    "FloatStorage": 4,
    "HalfStorage": 2,
    "IntStorage": 4,
    "LongStorage": 8,
    "ShortStorage": 2,
    "UntypedStorage": 1,
}
"""Bytes of an element by the class of its storage."""
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
    *(f"torch.{name}" for name in WIDTHS),
    *(f"torch.cuda.{name}" for name in WIDTHS),
    "torch.storage.UntypedStorage",
}
"""All that a file may name, beside the dtypes."""
DTYPES = re.compile(r"torch\.(bool|(bfloat|complex|float|int|uint)\d+\w*)")
STRANGE = {
    "torch._utils._rebuild_meta_tensor_no_storage": "a tensor without values",
    "torch._utils._rebuild_nested_tensor": "a nested tensor",
    "torch._utils._rebuild_qtensor": "a quantised tensor",
    "torch._utils._rebuild_sparse_tensor": "a sparse tensor",
    "torch._utils._rebuild_wrapper_subclass": "a tensor of another class than torch's own",
}
"""What some others are, in words."""


class _Inert:
    """Stands for whatever a file names, and for what that would have made; it does nothing."""

    __slots__ = ()

    def __init__(self, *_: Any) -> None:
        """Take any arguments."""

    def __setstate__(self, state: Any) -> None:
        """Take any state."""

    def __setitem__(self, key: Any, value: Any) -> None:
        """Take any item."""


class _Reader(pickle._Unpickler):
    """Reads a pickle, makes nothing but plain containers, and notes the storages that it asks for."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        super().__init__(stream, encoding="latin1")
        self.name = name
        self.storages: Dict[str, Tuple[int, int]] = {}
        """How many elements each should have, and their width in bytes, by its key."""

    def find_class(self, module: str, name: str) -> Any:
        full = f"{module}.{name}"
        if full not in NAMES and not DTYPES.fullmatch(full):
            raise TaskError(
                WEIGHTS,
                f"{self.name} holds {STRANGE.get(full, full)}, which is neither a tensor of numbers nor a "
                "plain container, and loading it could run code: save the state_dict() alone, best as "
                ".safetensors",
            )
        return type(full, (_Inert,), {"__slots__": ()})

    def persistent_load(self, pid: Any) -> Any:
        if not (isinstance(pid, tuple) and len(pid) >= 5 and pid[0] == "storage"):
            raise pickle.UnpicklingError("it refers to something else than the storage of a tensor")
        _, kind, key, _, count = pid[:5]
        width = WIDTHS.get(getattr(kind, "__name__", "").rsplit(".", 1)[-1])
        if width is None or type(count) is not int or count < 0 or not isinstance(key, str):
            raise pickle.UnpicklingError("it refers to a storage of an unknown kind or size")
        if self.storages.setdefault(key, (count, width)) != (count, width):
            raise pickle.UnpicklingError("it refers to a storage twice, and to another kind or size")
        return _Inert()


def is_archive(path: str) -> bool:
    """Whether torch takes the file for a zip archive."""
    with open(path, "rb") as stream:
        return stream.read(len(ZIP)) == ZIP


def can_be_mapped(path: str) -> bool:
    """Whether the tensors lie in the file as they are: not in torch.save's format of old, nor compressed."""
    if not is_archive(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return all(member.compress_type == zipfile.ZIP_STORED for member in archive.infolist())


def require_plain(path: str) -> None:
    """Raise TaskError where a file is damaged, or holds more than tensors of numbers and plain containers."""
    name = os.path.basename(path)
    try:
        if is_archive(path):
            with zipfile.ZipFile(path) as archive:
                _check_archive(archive, path, name)
        else:
            _check_pickles(path, name)
    except TaskError:
        raise
    except Exception as error:  # a damaged pickle raises anything
        raise unreadable(name, error) from error


def _check_archive(archive: zipfile.ZipFile, path: str, name: str) -> None:
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
        reader = _Reader(stream, name)  # type: ignore[arg-type]
        reader.load()
    for key, (count, width) in reader.storages.items():
        held = members[f"{folder}/data/{key}"].file_size
        if held != count * width:
            raise _disagreeing(name, held, count * width)


def _check_pickles(path: str, name: str) -> None:
    """Check a file in the format of old; a tar archive is in that before, which torch does not read so."""
    if tarfile.is_tarfile(path):
        raise TaskError(WEIGHTS, f"{name} is a tar archive, as torch wrote them in 2016: save it again")
    with open(path, "rb") as stream:
        for _ in range(PICKLES_BEFORE):
            _Reader(stream, name).load()
        reader = _Reader(stream, name)
        reader.load()
        for key in _Reader(stream, name).load():
            count, width = reader.storages[key]
            (held,) = COUNT.unpack(stream.read(COUNT.size))
            left = os.path.getsize(path) - stream.tell()
            if held != count or left < count * width:
                raise _disagreeing(name, left if held == count else held * width, count * width)
            stream.seek(count * width, os.SEEK_CUR)


def _disagreeing(name: str, held: int, needed: int) -> TaskError:
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
