"""Notes that later runs take at their word: what is not as it was written says nothing."""

from __future__ import annotations

from pathlib import Path

from pipeline.system.files import read_note, write_note

VALUE = {"interpolation": "bilinear", "mean": [0.485, 0.456], "classes": 1000, "output": None}


def test_a_flipped_bit_never_makes_another_value(tmp_path: Path) -> None:
    file = tmp_path / "note.json"
    write_note(file, VALUE)
    whole = file.read_bytes()
    read = []
    for position in range(len(whole)):
        for bit in range(8):
            flipped = bytearray(whole)
            flipped[position] ^= 1 << bit
            file.write_bytes(flipped)
            read.append(read_note(file))
    assert all(value in (None, VALUE) for value in read)
    assert read.count(None) > 7 / 8 * len(read)


def test_a_note_that_is_cut_says_nothing(tmp_path: Path) -> None:
    file = tmp_path / "note.json"
    write_note(file, VALUE)
    whole = file.read_bytes()
    assert read_note(file) == VALUE
    for length in range(len(whole) - 2):
        file.write_bytes(whole[:length])
        assert read_note(file) is None


def test_what_is_no_note_says_nothing(tmp_path: Path) -> None:
    file = tmp_path / "note.json"
    assert read_note(file) is None
    for text in ("[]", "{}", '{"value": 1}', '{"sha256": "0", "value": 1}'):
        file.write_text(text)
        assert read_note(file) is None
