"""Files of MXNet's arrays without MXNet: what they hold, and what is refused before any array is made."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

VERSION_1, VERSION_2, VERSION_3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA
VALUES = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.fixture(scope="module")
def reader(worker_module: Callable[[str], Any]) -> Any:
    return worker_module("gluon_params")


def _shape(*sizes: int) -> bytes:
    return struct.pack(f"<i{len(sizes)}q", len(sizes), *sizes)


def _array(
    start: bytes = struct.pack("<Ii", VERSION_2, 0),
    shape: bytes = _shape(2, 3),
    kind: int = 0,
    values: bytes = VALUES.tobytes(),
) -> bytes:
    return start + shape + struct.pack("<iii", 1, 0, kind) + values


def _names(*names: bytes) -> bytes:
    return struct.pack("<Q", len(names)) + b"".join(struct.pack("<Q", len(name)) + name for name in names)


def _list(*arrays: bytes, names: bytes = _names(b"w"), count: int | None = None, magic: int = 0x112) -> bytes:
    return struct.pack("<QQQ", magic, 0, len(arrays) if count is None else count) + b"".join(arrays) + names


FORMS = {
    "of versions 2": _array(),
    "of numpy's semantics": _array(struct.pack("<Ii", VERSION_3, 0)),
    "of version 1": _array(struct.pack("<I", VERSION_1)),
    "of the first": _array(b"", struct.pack("<III", 2, 2, 3)),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_array_is_read(reader: Any, tmp_path: Path, form: str) -> None:
    path = tmp_path / "w.params"
    path.write_bytes(_list(FORMS[form], _array(kind=3, values=bytes(6)), names=_names(b"arg:w", b"v")))
    read = reader.read(str(path))
    assert list(read) == ["arg:w", "v"]
    np.testing.assert_array_equal(read["arg:w"], VALUES)
    assert read["v"].dtype == np.uint8
    path.write_bytes(_list(FORMS[form], names=_names()))
    np.testing.assert_array_equal(reader.read(str(path))["0"], VALUES)


HOSTILE = {
    "no list": (_list(_array(), magic=0x113), "it is no list of arrays as MXNet writes it"),
    "nothing": (b"", "it ends at byte 0"),
    "more arrays than there are": (_list(_array(), count=1 << 60), "it ends at byte"),
    "an array without axes": (_list(_array(shape=_shape())), "an array of 0 axes"),
    "axes without end": (
        _list(_array(shape=struct.pack("<i", (1 << 31) - 1))),
        "of 2147483647 axes",
    ),
    "fewer axes than none": (_list(_array(shape=struct.pack("<i", -1))), "an array of -1 axes"),
    "negative sizes": (_list(_array(shape=_shape(-2, -3))), "an array of the shape (-2, -3)"),
    "a size of 2**60": (
        _list(_array(shape=_shape(1 << 60))),
        "before an array of the shape (1152921",
    ),
    "sizes whose product is 0 in 64 bits": (
        _list(_array(shape=_shape(1 << 32, 1 << 32), values=b"")),
        "before an array of the shape (4294967296, 4294967296)",
    ),
    "no values of a size that numpy lacks": (_list(_array(shape=_shape(0, 1 << 62), values=b"")), "too big"),
    "an unknown type": (_list(_array(kind=99)), "an array of the unknown type 99"),
    "a negative type": (_list(_array(kind=-1)), "an array of the unknown type -1"),
    "a sparse array, whose indices lead anywhere": (
        _list(_array(struct.pack("<Ii", VERSION_2, 2) + _shape(3))),
        "it holds a sparse array, and only dense ones are read",
    ),
    "a name of 2**62 letters": (_list(_array(), names=struct.pack("<QQ", 1, 1 << 62)), "it ends at byte"),
    "a name that is no text": (_list(_array(), names=_names(b"\xff")), "can't decode byte"),
    "more names than arrays": (_list(_array(), names=_names(b"w", b"v")), "it holds 1 arrays and 2 names"),
    "one name for two": (_list(_array(), _array(), names=_names(b"w", b"w")), "two arrays of one name"),
    "cut": (_list(_array())[:80], "before an array of the shape (2, 3)"),
}
"""A file, and what is said of it."""


@pytest.mark.parametrize("case", HOSTILE)
def test_a_file_is_not_believed(reader: Any, tmp_path: Path, case: str) -> None:
    content, expected = HOSTILE[case]
    path = tmp_path / "w.params"
    path.write_bytes(content)
    with pytest.raises(reader.TaskError) as caught:
        reader.read(str(path))
    assert expected in str(caught.value)
    assert f"cannot read {path}" in str(caught.value)
