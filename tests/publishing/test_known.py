"""What a machine keeps of a zoo: nothing is read twice, and nothing that was changed goes unseen."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path

from publishing.stores.folder import FolderStore
from publishing.stores.interface import content_of
from publishing.stores.known import Known

RIGHT, WRONG = b"right", b"wrong"


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def store_in(tmp_path: Path) -> FolderStore:
    """The folder as another run finds it."""
    return FolderStore(tmp_path / "zoo", Known(tmp_path / "known.jsonl"))


def claim_another(kept: Path) -> None:
    """Let it say another digest of each file."""
    known = Known(kept)
    for line in kept.read_text().splitlines():
        _, path, mark, _, _ = json.loads(line)
        known.note_sha256(path, mark, "00" * 32)


def test_a_line_with_another_bit_is_passed_over(tmp_path: Path) -> None:
    store_in(tmp_path).commit({"a": content_of(RIGHT)})
    kept = tmp_path / "known.jsonl"
    whole = kept.read_bytes()
    for position in range(len(whole)):
        flipped = bytearray(whole)
        flipped[position] ^= 1 << position % 8
        kept.write_bytes(flipped)
        assert store_in(tmp_path).sha256("a") == digest(RIGHT)


def test_a_file_is_read_once(tmp_path: Path) -> None:
    store_in(tmp_path).commit({"a/b.bin": content_of(RIGHT)})
    kept = tmp_path / "known.jsonl"
    claim_another(kept)
    assert store_in(tmp_path).sha256("a/b.bin") == "00" * 32  # what was kept, as the file is as it was
    kept.unlink()
    assert store_in(tmp_path).sha256("a/b.bin") == digest(RIGHT)
    claim_another(kept)
    assert store_in(tmp_path).sha256("a/b.bin") == "00" * 32
    assert FolderStore(tmp_path / "zoo").sha256("a/b.bin") == digest(RIGHT)


def test_a_changed_file_is_seen_whatever_its_times_say(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.commit({"in-place": content_of(RIGHT), "replaced": content_of(RIGHT), "set": content_of(RIGHT)})
    folder = tmp_path / "zoo"
    times = {name: (folder / name).stat() for name in ("in-place", "replaced", "set")}
    (folder / "in-place").write_bytes(WRONG)
    (folder / "other").write_bytes(WRONG)
    (folder / "other").replace(folder / "replaced")
    with (folder / "set").open("r+b") as stream:
        stream.write(WRONG)
    for name, status in times.items():
        os.utime(folder / name, ns=(status.st_atime_ns, status.st_mtime_ns))
    for again in (store, store_in(tmp_path)):
        assert [again.sha256(name) for name in times] == [digest(WRONG)] * 3


def test_what_was_cut_or_is_rubbish_is_passed_over(tmp_path: Path) -> None:
    store_in(tmp_path).commit({"a": content_of(RIGHT), "b": content_of(RIGHT)})
    kept = tmp_path / "known.jsonl"
    for broken in (kept.read_bytes()[:-20], b"\xff\x00", b"[1]\n{}\nnull\n", b""):
        kept.write_bytes(broken)
        assert [store_in(tmp_path).sha256(name) for name in "ab"] == [digest(RIGHT)] * 2
    kept.unlink()
    kept.mkdir()  # it cannot be kept, which costs nothing but time
    assert store_in(tmp_path).sha256("a") == digest(RIGHT)


def test_it_grows_with_the_zoo_and_not_with_the_runs(tmp_path: Path) -> None:
    for number in range(30):
        store_in(tmp_path).commit({"a": content_of(str(number).encode())})
    kept = (tmp_path / "known.jsonl").read_text()
    assert len(re.findall('"a"', kept)) <= 4
    assert store_in(tmp_path).sha256("a") == digest(b"29")
