"""Pickles as someone writes them who means harm: opcode by opcode, with any names and sizes."""

from __future__ import annotations

import pickle
import struct
import zipfile
from pathlib import Path

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"
POINTED_AT = "it is a Git LFS pointer; fetch the file itself with `git lfs pull`"


def program(*parts: bytes, protocol: int = 2) -> bytes:
    """A pickle of ``parts``, which leave one object on its stack."""
    return b"\x80" + bytes([protocol]) + b"".join(parts) + b"."


def named(module: str, name: str) -> bytes:
    return b"c" + module.encode() + b"\n" + name.encode() + b"\n"


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def number(value: int) -> bytes:
    encoded = pickle.encode_long(value)
    return b"\x8a" + bytes([len(encoded)]) + encoded


def raw(value: bytes) -> bytes:
    return b"B" + struct.pack("<I", len(value)) + value


def many(*parts: bytes) -> bytes:
    """A tuple."""
    return b"(" + b"".join(parts) + b"t"


def call(function: bytes, *arguments: bytes) -> bytes:
    return function + many(*arguments) + b"R"


def build(callable_and_arguments: bytes, state: bytes) -> bytes:
    return callable_and_arguments + state + b"b"


def entry(name: str, value: bytes) -> bytes:
    """A dict of one entry."""
    return b"}" + text(name) + value + b"s"


def runs(marker: Path) -> bytes:
    """What makes the file ``marker`` when it is unpickled by a reader that calls what it is told to."""
    return call(named("os", "system"), text(f"touch {marker}"))


def new(kind: bytes, *arguments: bytes) -> bytes:
    """An object of a class, as protocol 2 makes it."""
    return kind + many(*arguments) + b"\x81"


def mapping(**values: bytes) -> bytes:
    return b"}" + b"".join(text(name) + value + b"s" for name, value in values.items())


def storage(count: int, kind: str = "FloatStorage", key: str = "0", view: bytes = b"") -> bytes:
    """What refers to the memory of a tensor; the format of old has a sixth member, ``view``."""
    return many(text("storage"), named("torch", kind), text(key), text("cpu"), number(count), view) + b"Q"


def tensor(count: int, kind: str = "FloatStorage", key: str = "0", view: bytes = b"") -> bytes:
    """A tensor with one axis, as ``Tensor.__reduce_ex__`` writes it."""
    hooks = call(named("collections", "OrderedDict"))
    arguments = (number(0), many(number(count)), many(number(1)), b"\x89", hooks)
    return call(named("torch._utils", "_rebuild_tensor_v2"), storage(count, kind, key, view), *arguments)


def archive_of(
    path: Path, pickled: bytes, *, compression: int = zipfile.ZIP_STORED, **records: bytes
) -> Path:
    """A file as torch.save writes it, with a pickle and its storages, each after an underscore."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("archive/data.pkl", pickled)
        for key, content in records.items():
            archive.writestr(f"archive/data/{key.lstrip('_')}", content)
    return path
