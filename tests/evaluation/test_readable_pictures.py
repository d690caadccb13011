"""Pictures that cannot be read are told apart, from their beginning or as a whole."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from evaluation.readable_pictures import summary, why_unreadable


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.jpg")
    return tmp_path / "noise.jpg"


def bomb(path: Path) -> Path:
    """A PNG of a few bytes that claims 60,000 by 60,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"")), chunk(b"IEND", b""))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    return path


def test_a_whole_picture_is_readable(photograph: Path) -> None:
    assert why_unreadable(photograph, decoded=False) == why_unreadable(photograph, decoded=True) == ""


def test_what_is_cut_off_is_found_by_decoding(photograph: Path) -> None:
    assert why_unreadable(photograph, decoded=True) == ""
    photograph.write_bytes(photograph.read_bytes()[:-1000])  # what was found of the file before is forgotten
    assert why_unreadable(photograph, decoded=False) == ""
    reason = why_unreadable(photograph, decoded=True)
    assert reason.startswith(f"{photograph}: the picture cannot be read (image file is truncated")


@pytest.mark.parametrize("content", [b"", b"words", b"\xff\xd8\xff\xe0", b"GIF89a", b"BM", b"II*\0"])
def test_what_is_no_picture_is_found_by_its_beginning(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "some.png"
    file.write_bytes(content)
    assert why_unreadable(file, decoded=False).startswith(f"{file}: ")


def test_a_picture_that_would_fill_the_memory_counts_as_broken(tmp_path: Path) -> None:
    assert "decompression bomb" in why_unreadable(bomb(tmp_path / "bomb.png"), decoded=False)


def test_pixels_without_a_range_and_missing_files_are_told(tmp_path: Path) -> None:
    Image.new("F", (4, 4)).save(tmp_path / "float.tif")
    assert "8 or 16 bits per channel" in why_unreadable(tmp_path / "float.tif", decoded=False)
    assert why_unreadable(tmp_path / "gone.png", decoded=True).endswith("gone.png: No such file or directory")


def test_a_few_are_named_and_all_are_counted() -> None:
    assert summary(["a: x", "b: y"], 9) == "2 of 9 pictures cannot be used: a: x; b: y"
    assert summary(["a", "b", "c", "d", "e"], 9) == "5 of 9 pictures cannot be used: a; b; c; and 2 more"
