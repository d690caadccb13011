"""What a zoo says of itself: complete, true, the same bytes, and nothing lost between two runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from publishing import units
from publishing.announcement import announce, withhold
from publishing.benchmarks import Benchmark
from publishing.errors import PublishError
from publishing.manifest import CHECKSUMS, MANIFEST
from publishing.record import Record
from publishing.trust.signature import SIGNATURE
from publishing.units import publish, unpublish
from tests.publishing.zoos import (
    PICTURE,
    PICTURE_PATH,
    bytes_of,
    description,
    material,
    network,
    pages,
    publish_in,
    run_tool,
    seen,
    zoo_in,
)


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    return network(tmp_path / "work.onnx")


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    return tmp_path / "dist"


def _manifest(dist: Path) -> list[str]:
    return [entry["model"].removeprefix("timm/") for entry in json.loads((dist / MANIFEST).read_text())]


def _is_consistent(dist: Path) -> None:
    """Every file is listed, and every listed file is there with its digest."""
    run_tool("sha256sum", "--check", "--strict", CHECKSUMS, folder=dist)
    listed = {line.split("  ", 1)[1] for line in (dist / CHECKSUMS).read_text().splitlines()}
    assert listed | {CHECKSUMS} == bytes_of(dist).keys() - {SIGNATURE}


def test_what_is_published_is_announced_only_then(dist: Path, model_file: Path) -> None:
    zoo = zoo_in(dist)
    publish(zoo, material(model_file), description())
    assert _manifest(dist) == []
    assert announce(zoo, pages) == []
    assert _manifest(dist) == ["tiny"]
    assert (dist / "index.html").read_text() == "timm/tiny@9"
    _is_consistent(dist)


def test_another_run_adds_to_the_zoo(dist: Path, model_file: Path) -> None:
    publish_in(dist, model_file, description())
    before = bytes_of(dist)
    publish_in(dist, model_file, seen("other"))
    after = bytes_of(dist)
    assert _manifest(dist) == ["other", "tiny"]
    assert {path for path in before if after[path] != before[path]} == {MANIFEST, CHECKSUMS, "index.html"}
    _is_consistent(dist)


def test_announcing_again_writes_nothing(dist: Path, model_file: Path) -> None:
    publish_in(dist, model_file, seen())
    times = {file: file.stat().st_mtime_ns for file in dist.rglob("*") if not file.name.startswith(".")}
    announce(zoo_in(dist), pages)
    assert times == {file: file.stat().st_mtime_ns for file in times if file.suffix != ".lock"}


@pytest.mark.parametrize("path", ["index.html", "timm/small/tiny.html", MANIFEST, CHECKSUMS])
@pytest.mark.parametrize("damage", ["changed", "gone"])
def test_what_was_damaged_by_hand_is_made_again(dist: Path, model_file: Path, path: str, damage: str) -> None:
    publish_in(dist, model_file, description())
    before = bytes_of(dist)
    if damage == "gone":
        (dist / path).unlink()
    else:
        (dist / path).write_text("[]")
    lines = announce(zoo_in(dist), pages)
    assert bytes_of(dist) == before
    changed_manifest = (path == MANIFEST and damage == "changed") or path == CHECKSUMS
    assert [MANIFEST in line and "was not as it was written" in line for line in lines] == (
        [True] if changed_manifest else []
    )


def test_a_unit_that_changes_is_not_announced_meanwhile(dist: Path, model_file: Path, tmp_path: Path) -> None:
    publish_in(dist, model_file, description())
    publish_in(dist, model_file, description("other"))
    newer = network(tmp_path / "newer.onnx", 2.0)
    publish(zoo_in(dist), material(newer, 2.0), description(key="def"))
    assert _manifest(dist) == ["other"]
    announce(zoo_in(dist), pages)
    assert _manifest(dist) == ["other", "tiny"]
    _is_consistent(dist)


def test_a_unit_that_is_the_same_stays_announced(dist: Path, model_file: Path) -> None:
    publish_in(dist, model_file, seen())
    before = bytes_of(dist)
    publish(zoo_in(dist), material(model_file, pictures={PICTURE_PATH: PICTURE}), seen())
    assert bytes_of(dist) == before


def test_a_unit_that_moves_to_another_family_leaves_nothing(dist: Path, model_file: Path) -> None:
    publish_in(dist, model_file, description())
    publish_in(dist, model_file, description(family="large"))
    assert not (dist / "timm/small").exists()
    assert _manifest(dist) == ["tiny"]
    _is_consistent(dist)


def test_a_damaged_record_is_replaced_by_a_newer_one(dist: Path, model_file: Path, tmp_path: Path) -> None:
    publish_in(dist, model_file, seen())
    (dist / "timm/small/model/tiny-9.record.json").write_text("{")
    publish_in(dist, network(tmp_path / "newer.onnx", 2.0), seen(key="def"), 2.0)
    _is_consistent(dist)


def test_a_record_that_was_changed_by_hand_is_not_made_good(dist: Path, model_file: Path) -> None:
    publish_in(dist, model_file, description())
    record = dist / "timm/small/model/tiny-9.record.json"
    record.write_text(record.read_text().replace('"key": "abc"', '"key": "abd"'))
    before = bytes_of(dist)
    for _ in range(2):
        [line] = announce(zoo_in(dist), pages)
        assert line.startswith("timm/small/model/tiny-9.record.json was changed after it was published")
    assert bytes_of(dist) == before
    zoo = zoo_in(dist)
    assert not zoo.is_intact(zoo.units()["timm/tiny@9"], zoo.listed())


def test_a_unit_that_is_replaced_while_another_run_announces(
    dist: Path, model_file: Path, tmp_path: Path
) -> None:
    """The other run lists the older record once more, just before it is replaced."""
    publish_in(dist, model_file, description())
    ours, newer = zoo_in(dist), network(tmp_path / "newer.onnx", 2.0)
    withhold(ours, ours.units()["timm/tiny@9"].files)
    assert _manifest(dist) == []
    announce(zoo_in(dist), pages)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(units, "withhold", lambda zoo, paths: None)
        publish(ours, material(newer, 2.0), description(key="def"))
    assert announce(ours, pages) == []
    assert announce(zoo_in(dist), pages) == []
    _is_consistent(dist)


def test_a_unit_that_is_not_whole_can_be_unpublished(dist: Path, model_file: Path) -> None:
    publish_in(dist, model_file, description("other"))
    before = bytes_of(dist)
    publish_in(dist, model_file, description())
    (dist / "timm/small/model/tiny-9.onnx").unlink()
    zoo = zoo_in(dist)
    unpublish(zoo, ["timm/tiny@9"])
    announce(zoo, pages)
    assert bytes_of(dist) == before


def test_a_name_that_differs_in_case_alone_is_refused(dist: Path, model_file: Path) -> None:
    publish_in(dist, model_file, description("Tiny"))
    before = bytes_of(dist)
    with pytest.raises(PublishError, match=r"timm/Tiny@9 is published already.*differs in case alone"):
        publish(zoo_in(dist), material(model_file), description())
    assert bytes_of(dist) == before


def test_unpublish_takes_a_unit_and_nothing_else(dist: Path, model_file: Path) -> None:
    publish_in(dist, model_file, seen("other"))
    before = bytes_of(dist)
    publish_in(dist, model_file, seen())
    zoo = zoo_in(dist)
    unpublish(zoo, ["timm/tiny@9", "timm/absent@9"])
    assert _manifest(dist) == ["other"]
    announce(zoo, pages)
    assert bytes_of(dist) == before


def test_unpublishing_all_leaves_an_empty_zoo(dist: Path, model_file: Path) -> None:
    publish_in(dist, model_file, seen())
    zoo = zoo_in(dist)
    unpublish(zoo, ["timm/tiny@9"])
    announce(zoo, pages)
    assert bytes_of(dist).keys() == {MANIFEST, CHECKSUMS, "index.html"}
    _is_consistent(dist)


def test_two_runs_that_end_at_the_same_moment_lose_nothing(model_file: Path) -> None:
    """In a store without locks; the other run ends while this one makes its pages."""
    place = "memory://two-runs"
    ours, theirs = zoo_in(place), zoo_in(place)
    others = ["other", "third"]

    def slow_pages(records: Sequence[Record], benchmarks: Sequence[Benchmark]) -> Mapping[str, bytes]:
        contents = pages(records, benchmarks)
        if others:
            publish(theirs, material(model_file), description(others.pop()))
            announce(theirs, pages)
        return contents

    publish(ours, material(model_file), description())
    announce(ours, slow_pages)
    entries = json.loads(ours.store.read(MANIFEST) or b"")
    assert [entry["model"] for entry in entries] == ["timm/other", "timm/third", "timm/tiny"]
    assert ours.store.read("index.html") == b"timm/other@9\ntimm/third@9\ntimm/tiny@9"
    assert {"timm/small/other.html", "timm/small/third.html"} <= ours.store.stamps().keys()


def test_a_signature_is_over_every_file_and_goes_when_one_changes(dist: Path, model_file: Path) -> None:
    def sign(digests: Mapping[str, str], previous: bytes | None) -> bytes:
        return previous or json.dumps(sorted(digests)).encode()

    publish(zoo_in(dist), material(model_file), description())
    announce(zoo_in(dist), pages, sign)
    signed = json.loads((dist / SIGNATURE).read_text())
    assert signed == sorted(bytes_of(dist).keys() - {SIGNATURE})
    assert announce(zoo_in(dist), pages) == []
    assert (dist / SIGNATURE).exists()
    publish(zoo_in(dist), material(model_file), description("other"))
    [line] = announce(zoo_in(dist), pages)
    assert "its signature was removed; sign it again" in line
    assert not (dist / SIGNATURE).exists()


@pytest.mark.parametrize("name", ["notes.txt", "src/main.py", MANIFEST, CHECKSUMS])
def test_a_folder_that_is_not_ours_is_refused(dist: Path, name: str) -> None:
    (dist / name).parent.mkdir(parents=True)
    (dist / name).write_text(f"{'0' * 64}  notes.txt\n")
    what = "a model zoo of other making" if name == MANIFEST else "no zoo"
    with pytest.raises(PublishError, match=rf"is {what} \(it has {name.split('/', maxsplit=1)[0]}\)"):
        zoo_in(dist).require_ours()


def test_an_empty_folder_and_a_zoo_are_ours(dist: Path, model_file: Path) -> None:
    zoo_in(dist).require_ours()
    dist.mkdir()
    (dist / ".git").mkdir()
    zoo_in(dist).require_ours()
    publish_in(dist, model_file, description())
    zoo_in(dist).require_ours()
    (dist / CHECKSUMS).unlink()
    zoo_in(dist).require_ours()
