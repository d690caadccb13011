"""Paddle's files of parameters without Paddle: only what it writes itself is believed."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FLOAT = b"\x08\x05"


@pytest.fixture(scope="module")
def parameters(worker_module: Callable[[str], Any]) -> Any:
    return worker_module("paddle_parameters")


def _record(description: bytes, values: bytes, levels: int = 0, length: int | None = None) -> bytes:
    declared = len(description) if length is None else length
    return struct.pack("<IQIi", 0, levels, 0, declared) + description + values


GOOD = _record(FLOAT + b"\x10\x02\x10\x03", bytes(24))


def test_the_tensors_of_a_file_are_found(parameters: Any, tmp_path: Path) -> None:
    path = tmp_path / "inference.pdiparams"
    path.write_bytes(GOOD + _record(FLOAT + b"\x10\x00", b"") + _record(FLOAT, bytes(4)))
    tensors = parameters.records([str(path)])
    assert [(record.dims, record.length) for record in tensors] == [((2, 3), 24), ((0,), 0), ((), 4)]


NEGATIVE = b"\x10" + b"\xff" * 9 + b"\x01"
HOSTILE = {
    "cut": GOOD[:-1],
    "cut in its head": GOOD + GOOD[:10],
    "a level of detail": _record(FLOAT, bytes(4), levels=1),
    "a description of no length": _record(b"", bytes(4), length=-1),
    "a description without end": _record(FLOAT, bytes(4), length=1 << 30),
    "sizes in another form, which Paddle reads as (2, 3)": _record(FLOAT + b"\x12\x02\x02\x03", bytes(24)),
    "a field of another number": _record(FLOAT + b"\x18\x02", bytes(4)),
    "two negative sizes": _record(FLOAT + NEGATIVE + NEGATIVE, bytes(4)),
    "no values of a negative size": _record(FLOAT + b"\x10\x00" + NEGATIVE, b""),
    "a size of 2**60": _record(FLOAT + b"\x10" + b"\x80" * 8 + b"\x10", bytes(4)),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_file_is_not_believed(parameters: Any, tmp_path: Path, case: str) -> None:
    path = tmp_path / "inference.pdiparams"
    path.write_bytes(HOSTILE[case])
    with pytest.raises(parameters.TaskError, match=r"inference\.pdiparams is damaged"):
        parameters.records([str(path)])
