"""What a zoo's lists and records say, damaged by hand in every way that we could think of."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from publishing.inspection.lists import NotAZooError, read_listing
from publishing.inspection.readers import AbsentError, FolderReader, UnreadableError, is_inside, reader_of
from publishing.manifest import CHECKSUMS, MANIFEST
from tests.publishing import verified_zoo

UNIT = "timm/small/model/tiny-7"


@pytest.fixture
def zoo(tmp_path: Path) -> Path:
    verified_zoo.make(tmp_path / "zoo", tmp_path)
    return tmp_path / "zoo"


def findings(zoo: Path) -> list[str]:
    return [str(finding) for finding in read_listing(FolderReader(zoo)).findings]


def test_a_zoo_as_published_has_nothing_wrong(zoo: Path) -> None:
    listing = read_listing(FolderReader(zoo))
    assert listing.findings == []
    assert not listing.signed
    files = {path.relative_to(zoo).as_posix() for path in zoo.rglob("*") if path.is_file()}
    assert set(listing.announced) == files - {CHECKSUMS, ".lock"}
    assert set(listing.records) == {UNIT, UNIT.replace("-7", "-12")}
    assert listing.announced[f"{UNIT}.onnx"].bytes == (zoo / f"{UNIT}.onnx").stat().st_size


def edit(entries: Any, change: Callable[[Any], Any]) -> str:
    changed = change(entries)
    return json.dumps(entries if changed is None else changed)


MANIFESTS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "object": (lambda e: {"models": e}, "is damaged: it is an object, and has to be a list of models"),
    "opset as string": (
        lambda e: e[0].update(opset_version="12"),
        "1 ('timm/small/model/tiny-12.onnx'): opset_version is a string, and onnx.hub needs a whole number",
    ),
    "opset as boolean": (lambda e: e[0].update(opset_version=True), "opset_version is true or false, and"),
    "no metadata": (
        lambda e: e[1].pop("metadata") and None,
        "('timm/small/model/tiny-7.onnx'): metadata is missing",
    ),
    "no digest": (lambda e: e[1]["metadata"].pop("model_sha") and None, "metadata.model_sha is missing"),
    "no path": (lambda e: e[0].pop("model_path") and None, "is damaged: entry 1: model_path is missing"),
    "an entry is text": (lambda e: [*e, "x"], "entry 3: it is a string, and has to be an object"),
    "gone": (lambda e: e[:1], f"has no entry for {UNIT}.onnx, which has a record"),
    "twice": (lambda e: [*e, e[1]], f"has two entries for '{UNIT}.onnx'"),
    "order": (lambda e: e[::-1], f"is not sorted by model_path: {UNIT}.onnx is the first in a wrong place"),
    "foreign": (
        lambda e: [*e, e[1] | {"model_path": "x/y-7.onnx"}],
        "has an entry for 'x/y-7.onnx', which has no record",
    ),
    "escaping": (
        lambda e: [e[0] | {"model_path": "../../etc/passwd"}, *e],
        "has an entry for '../../etc/passwd', which has no record",
    ),
    "size": (
        lambda e: e[1]["metadata"].update(model_bytes=5),
        f"entry {UNIT}.onnx: metadata.model_bytes is 5, and the record says ",
    ),
    "other opset": (lambda e: e[1].update(opset_version=8), "opset_version is 8, and the record says 7"),
    "port": (
        lambda e: e[1]["metadata"]["io_ports"]["inputs"][0].update(name="data"),
        "metadata.io_ports is ",
    ),
    "addition": (lambda e: e[1].update(note="hello"), 'note is "hello", and the record says null'),
}


@pytest.mark.parametrize("kind", MANIFESTS)
def test_a_manifest_damaged_by_hand_is_told(kind: str, zoo: Path) -> None:
    change, words = MANIFESTS[kind]
    (zoo / MANIFEST).write_text(edit(json.loads((zoo / MANIFEST).read_text()), change))
    lines = findings(zoo)
    assert all(line.startswith(f"{MANIFEST}: ") for line in lines)
    assert len(lines) == (2 if kind == "no path" else 1), lines
    assert any(words in line for line in lines), lines


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'[{"model": ', "is damaged: it is not JSON: Expecting value: line 1 column 12"),
        (b"", "is damaged: it is not JSON"),
        (b"[" * 100_000, "is damaged: it is not JSON"),
        (b"\xff\xfe[]", "is damaged: it is no text in UTF-8 from byte 0 on"),
        (b"null", "is damaged: it is null, and has to be a list of models"),
    ],
)
def test_a_manifest_that_is_no_json_is_told(content: bytes, words: str, zoo: Path) -> None:
    (zoo / MANIFEST).write_bytes(content)
    [only] = findings(zoo)
    assert only.startswith(f"{MANIFEST}: {words}")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.replace("  ", " "), "is damaged: line 1 is no sha256 and path: "),
        (lambda text: text.replace("\n", "\r\n"), "was edited: its lines are not those"),
        (lambda text: "".join(sorted(text.splitlines(True))), "was edited: its lines are not those"),
        (
            lambda text: text + 64 * "0" + "  ../../.ssh/key\n",
            "was made to harm: line 15 leads elsewhere: '../../.s",
        ),
        (lambda text: text + 64 * "0" + "  /etc/passwd\n", "was made to harm: line 15 leads elsewhere"),
        (lambda text: text + text.splitlines(True)[0], f"lists {MANIFEST} twice, the second time in line 15"),
    ],
)
def test_checksums_damaged_by_hand_are_told(change: Callable[[str], str], words: str, zoo: Path) -> None:
    (zoo / CHECKSUMS).write_text(change((zoo / CHECKSUMS).read_text()), newline="")
    listing = read_listing(FolderReader(zoo))
    assert any(str(finding).startswith(f"{CHECKSUMS}: {words}") for finding in listing.findings), (
        listing.findings
    )
    assert all(is_inside(path) for path in listing.announced)


@pytest.mark.parametrize("name", [MANIFEST, CHECKSUMS])
def test_a_list_that_is_missing_is_told_and_the_other_does(name: str, zoo: Path) -> None:
    before = read_listing(FolderReader(zoo))
    (zoo / name).unlink()
    listing = read_listing(FolderReader(zoo))
    assert f"{name}: is missing" in map(str, listing.findings)
    assert set(listing.records) == set(before.records)
    assert listing.announced[f"{UNIT}.tar.gz"].sha256 == before.announced[f"{UNIT}.tar.gz"].sha256


def rewrite_record(zoo: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change a record, and its checksum with it, as somebody would who wants it to go unnoticed."""
    path = zoo / f"{UNIT}.record.json"
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))
    sums = (zoo / CHECKSUMS).read_text()
    (zoo / CHECKSUMS).write_text(sums.replace(before, hashlib.sha256(path.read_bytes()).hexdigest()))


RECORDS: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "no key": (lambda r: r.pop("verdict"), ".record.json: is damaged: not a record of this version"),
    "failed": (
        lambda r: r.update(verdict={"status": "failed"}),
        "damaged: timm/tiny@7: the verdict is 'failed'",
    ),
    "depth": (
        lambda r: r.update(bounds=[None], figures=float("nan")),
        "the record holds what JSON cannot say",
    ),
    "type": (lambda r: r.update(opset="7"), "is damaged: its opset is of another kind than int"),
    "verdict": (lambda r: r.update(verdict=[]), "is damaged: its verdict is of another kind than dict"),
    "place": (
        lambda r: r.update(family="big"),
        "in the wrong place: it belongs to timm/big/model/tiny-7.",
    ),
    "escape": (lambda r: r.update(family="../.."), "the family '../..' cannot be the name of a folder"),
    "thumbnail": (
        lambda r: r["predictions"][0].update(thumbnail="../x.jpg"),
        "one of its predictions names no picture in the zoo",
    ),
    "picture": (
        lambda r: r["predictions"][0].update(thumbnail="pictures/dog.jpg"),
        f"does not list pictures/dog.jpg, which {UNIT}.record.json shows",
    ),
    "file": (
        lambda r: r["files"]["onnx"].update(path="/etc/passwd"),
        f"names the file '/etc/passwd', and it should be {UNIT}.onnx",
    ),
    "digest": (
        lambda r: r["files"]["onnx"].update(sha256=64 * "0"),
        f"gives the sha256 {64 * '0'} of {UNIT}.onnx, and {CHECKSUMS} says ",
    ),
}


@pytest.mark.parametrize("kind", RECORDS)
def test_a_record_that_does_not_fit_is_told(kind: str, zoo: Path) -> None:
    change, words = RECORDS[kind]
    rewrite_record(zoo, change)
    assert any(words in line for line in findings(zoo)), findings(zoo)


def test_extra_files_are_told_and_hidden_ones_are_the_stores(zoo: Path) -> None:
    (zoo / "timm" / "notes.txt").write_text("mine")
    (zoo / ".cache").mkdir()
    (zoo / ".cache" / "x").write_text("a client's own")
    assert findings(zoo) == [f"timm/notes.txt: is extra: {CHECKSUMS} does not list it"]


def test_a_record_that_no_list_knows_is_extra(zoo: Path) -> None:
    record = (zoo / f"{UNIT}.record.json").read_text().replace("tiny", "copy")
    (zoo / f"{UNIT.replace('tiny', 'copy')}.record.json").write_text(record)
    lines = findings(zoo)
    assert f"{UNIT.replace('tiny', 'copy')}.record.json: is extra: {CHECKSUMS} does not list it" in lines


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "is empty"),
        (
            {MANIFEST: "<html>", CHECKSUMS: "<html>"},
            f"what it has as {MANIFEST} and {CHECKSUMS} is something",
        ),
        ({"holiday.jpg": "x"}, f"is no published folder: it has neither {MANIFEST} nor {CHECKSUMS}"),
        (
            {MANIFEST: "[]", "vision/x-7.onnx": "x"},
            "is another's zoo: it has ONNX_HUB_MANIFEST.json",
        ),
    ],
)
def test_a_folder_that_is_not_ours_is_told(files: dict[str, str], words: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content)
    with pytest.raises(NotAZooError, match=words):
        read_listing(FolderReader(folder))


def test_a_list_of_something_else_is_told_in_short(zoo: Path) -> None:
    (zoo / CHECKSUMS).write_text(1000 * "x\n")
    lines = [line for line in findings(zoo) if line.startswith(f"{CHECKSUMS}: is damaged")]
    assert len(lines) == 6
    assert lines[-1] == f"{CHECKSUMS}: is damaged: 995 more lines are no better"


def test_what_is_no_regular_file_is_not_opened(zoo: Path) -> None:
    (zoo / MANIFEST).unlink()
    os.mkfifo(zoo / MANIFEST)  # whoever opens it waits for ever
    os.mkfifo(zoo / "pipe")
    assert findings(zoo) == [
        f"{MANIFEST}: cannot be read: it is no regular file",
        f"pipe: is extra: {CHECKSUMS} does not list it",
    ]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(AbsentError, match="there is no such folder"):
        read_listing(FolderReader(tmp_path / "absent"))


def test_a_server_that_does_not_answer_is_told() -> None:
    with pytest.raises(UnreadableError, match="Connection refused"):
        read_listing(reader_of("http://127.0.0.1:9/zoo"))


def test_paths_that_lead_elsewhere_are_known() -> None:
    assert is_inside("timm/vgg/model/vgg16-7.onnx")
    for path in ("", "/x", "../x", "a/../x", "a//b", "./x", "C:x", "a\\b", "a\nb", "a/"):
        assert not is_inside(path), path
