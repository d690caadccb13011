"""A downloaded zoo verified: all is well, or each file that is wrong, missing or extra has its message."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from publishing.manifest import CHECKSUMS, MANIFEST
from tests.pipeline.verify.verifying import FOLDER, UNIT, Verify, bomb, make_zoo
from tests.publishing import verified_zoo

pytestmark = pytest.mark.slow


def test_all_is_well(verified: Verify, tmp_path: Path) -> None:
    zoo = make_zoo(tmp_path, 3, 7, 12)
    before = {path: path.stat().st_mtime_ns for path in zoo.rglob("*")}
    well, lines = verified(zoo)
    assert well
    assert lines[0].startswith(f"{zoo}: 19 files, ")
    assert lines[0].endswith(" kB, 3 models looked into")
    assert lines[1].startswith("  the test data of 3 models came out right in onnxruntime 1.")
    assert ", openvino 2026." in lines[1]
    assert lines[2:] == ["  note: it is not signed", "All is well."]
    assert {path: path.stat().st_mtime_ns for path in zoo.rglob("*")} == before


KINDS = (
    *(f"{UNIT}.{kind}" for kind in ("onnx", "tar.gz", "record.json", "cdx.json", "intoto.json")),
    *("README.md", "timm/small/README.md", *verified_zoo.pictures(), MANIFEST),
)


@pytest.mark.parametrize("file", KINDS)
def test_one_bit_is_noticed(file: str, verified: Verify, tmp_path: Path) -> None:
    zoo = make_zoo(tmp_path)
    content = bytearray((zoo / file).read_bytes())
    content[len(content) // 2] ^= 1
    (zoo / file).write_bytes(content)
    well, lines = verified(zoo, digests_only=True)
    assert not well
    assert any(line.startswith(f"{file}: was changed: its sha256 is ") for line in lines)
    assert {line.split(":")[0] for line in lines[1:-1] if not line.startswith("  note")} == {file}
    assert lines[-1] == "1 file is not as published."


def test_a_changed_digest_is_noticed(verified: Verify, tmp_path: Path) -> None:
    zoo = make_zoo(tmp_path)
    sums = (zoo / CHECKSUMS).read_text()
    line = next(line for line in sums.splitlines() if line.endswith("tiny-12.onnx"))
    (zoo / CHECKSUMS).write_text(sums.replace(line, line[::-1][-64:] + line[64:]))
    well, lines = verified(zoo, digests_only=True)
    assert not well
    assert any(line.startswith(f"{UNIT}.record.json: gives the sha256 ") for line in lines)
    assert any(line.startswith(f"{UNIT}.onnx: was changed") for line in lines)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda data: data[:500], "is cut short: 500 of "),
        (lambda data: b"", "is cut short: 0 of "),
        (lambda data: data + b"x", "has more than the "),
    ],
)
def test_an_archive_of_another_length_is_told(
    damage: Callable[[bytes], bytes], words: str, verified: Verify, tmp_path: Path
) -> None:
    zoo = make_zoo(tmp_path)
    file = zoo / f"{UNIT}.tar.gz"
    file.write_bytes(damage(file.read_bytes()))
    well, lines = verified(zoo)
    assert not well
    assert lines[-2].startswith(f"{UNIT}.tar.gz: {words}")


def test_every_missing_and_extra_file_is_named(verified: Verify, tmp_path: Path) -> None:
    zoo = make_zoo(tmp_path, 7, 12)
    for file in (f"{UNIT}.tar.gz", f"{UNIT}.cdx.json", f"{FOLDER}/tiny-7.record.json", "README.md"):
        (zoo / file).unlink()
    (zoo / FOLDER / "tiny-9.onnx").write_bytes(b"x")
    (zoo / "empty").write_bytes(b"")
    well, lines = verified(zoo)
    assert not well
    assert lines[lines.index("  note: it is not signed") + 1 :] == [
        "README.md: is missing",
        f"empty: is extra: {CHECKSUMS} does not list it",
        f"{UNIT}.cdx.json: is missing",
        f"{UNIT}.tar.gz: is missing",
        f"{FOLDER}/tiny-7.record.json: is missing",
        f"{FOLDER}/tiny-9.onnx: is extra: {CHECKSUMS} does not list it",
        "6 files are not as published.",
    ]


def link_in_archive(file: Path) -> None:
    with gzip.open(file) as stream:
        tar = io.BytesIO(stream.read())
    with tarfile.open(fileobj=tar, mode="a") as archive:
        link = tarfile.TarInfo("tiny-12/test_data_set_0/input_1.pb")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    file.write_bytes(gzip.compress(tar.getvalue()))


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (link_in_archive, "was made to harm: 'tiny-12/test_data_set_0/input_1.pb' is a symbolic link"),
        (bomb, "was made to fill the disk: it unpacks to more than 67,108,864 bytes"),
        (lambda file: file.write_bytes(file.read_bytes()[:900]), "is cut short: the gzip stream stops"),
    ],
)
def test_an_archive_made_to_harm_is_refused_though_the_lists_agree(
    harm: Callable[[Path], object], words: str, verified: Verify, tmp_path: Path
) -> None:
    zoo = make_zoo(tmp_path)
    harm(zoo / f"{UNIT}.tar.gz")
    verified_zoo.list_again(zoo, 12)
    well, lines = verified(zoo)
    assert not well
    assert lines[-2].startswith(f"{UNIT}.tar.gz: {words}")
    assert lines[-1] == "1 file is not as published."
