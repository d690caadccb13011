"""What a zoo shows while a run goes on: announced, but not for ever, and honest where that fails."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest

from pipeline.errors import PipelineError, UsageError
from pipeline.results import Result
from pipeline.stages.zoo_announcement import LABELS, Announcer, announce_zoo, signer_with, zoo_pages
from publishing.record import Description
from publishing.stores.known import Known
from publishing.units import publish
from publishing.zoo import Zoo
from tests.publishing.pages.card_records import record
from tests.publishing.trust.signing import make_key
from tests.publishing.zoos import material, network, zoo_in


@pytest.fixture
def zoo(tmp_path: Path) -> Zoo:
    """A zoo with one unit, which nobody has announced."""
    empty = zoo_in(tmp_path / "dist")
    published = record("timm/tiny@9", predictions=[])
    described = Description(**{field.name: getattr(published, field.name) for field in fields(Description)})
    publish(empty, material(network(tmp_path / "tiny.onnx")), described)
    return empty


def _announced(zoo: Zoo) -> list[str]:
    text = zoo.store.read("ONNX_HUB_MANIFEST.json")
    return [entry["model"] for entry in json.loads(text)] if text else []


PUBLISHED, FAILED = Result("timm/tiny@9", "published"), Result("timm/tiny@7", "failed", reason="of another")


def test_an_announcement_has_pages_and_lists(zoo: Zoo) -> None:
    lines: list[str] = []
    announce_zoo(zoo, None, lines.append)
    assert _announced(zoo) == ["timm/tiny"]
    assert lines == []
    files = zoo.store.stamps()
    assert {"README.md", "index.html", LABELS, "SHA256SUMS"} <= set(files)


def test_nothing_is_announced_where_nothing_was_published(zoo: Zoo) -> None:
    assert Announcer(zoo, None, print).after_model([FAILED]) == [FAILED]
    assert _announced(zoo) == []


def test_what_was_announced_just_now_is_not_announced_again(zoo: Zoo) -> None:
    announcer = Announcer(zoo, None, print)
    announcer.after_model([PUBLISHED])
    assert _announced(zoo) == ["timm/tiny"]
    zoo.store.commit({}, ["ONNX_HUB_MANIFEST.json"])
    announcer.after_model([PUBLISHED])
    assert _announced(zoo) == []
    announcer.announce()
    assert _announced(zoo) == ["timm/tiny"]


def test_what_is_as_it_was_announced_is_not_announced_again(zoo: Zoo, tmp_path: Path) -> None:
    def again() -> list[str]:
        """Announce the folder as another run finds it; what that tells."""
        known = Known(tmp_path / "known.jsonl")
        announce_zoo(Zoo(zoo.store, known), None, (lines := list[str]()).append)
        return lines

    index, manifest = tmp_path / "dist/index.html", tmp_path / "dist/ONNX_HUB_MANIFEST.json"
    assert again() == []
    page = index.read_bytes()
    status = tmp_path.joinpath("dist").stat()
    assert again() == []
    assert tmp_path.joinpath("dist").stat().st_mtime_ns == status.st_mtime_ns  # nothing was written
    index.unlink()
    assert again() == []
    assert index.read_bytes() == page
    manifest.write_text("[]")
    assert len(again()) == 1
    assert _announced(zoo) == ["timm/tiny"]
    next(tmp_path.rglob("tiny-9.onnx")).unlink()
    for _ in range(2):  # as long as it is so
        assert ["is not announced" in line for line in again()] == [True]


def test_what_cannot_be_announced_has_failed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    announcer = Announcer(zoo_in(tmp_path / "file"), None, print)
    first, second = announcer.after_model([PUBLISHED, FAILED])
    assert first.status == "failed"
    assert first.reason.startswith("published, and not announced: ")
    assert second == FAILED
    with pytest.raises(PipelineError):
        announcer.announce()


def test_a_key_that_cannot_sign_is_told_before_anything_is_done(tmp_path: Path) -> None:
    key, public = make_key(tmp_path)
    assert signer_with(key)({"a": 64 * "0"}, None)
    with pytest.raises(UsageError, match=r"zoo\.pub"):
        signer_with(public)


def test_the_names_of_the_classes_are_published() -> None:
    lines = zoo_pages([], [])[LABELS].decode().splitlines()
    assert (len(lines), lines[282]) == (1000, "tiger cat")
