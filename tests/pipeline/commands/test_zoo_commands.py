"""A zoo as its keeper meets it: models published, merged, withdrawn, signed, damaged and shown."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
import httpx2
import pytest

from publishing.stores import open_store
from publishing.units import unpublish
from publishing.zoo import Zoo
from tests.pipeline.disks import mounted
from tests.pipeline.fake_source import FakeSource, fake_source
from tests.publishing.buckets import SECRET, s3_bucket
from tests.publishing.trust.signing import make_key
from tests.publishing.zoos import bytes_of

pytestmark = pytest.mark.slow
BOTH = "{publish: dist, opsets: [6, 12], models: [{source: tiny, models: [net, third]}]}"
UNIT = "tiny/third/model/third-12"


@dataclass(frozen=True)
class Keeper:
    """Whoever runs commands in a folder."""

    tiny: FakeSource
    folder: Path

    @property
    def dist(self) -> Path:
        return self.folder / "dist"

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        return self.tiny.start(*arguments, before=(), folder=self.folder, **variables)

    def run(self, *arguments: str, code: int = 0, **variables: str) -> str:
        """All that the command prints; it has to end with ``code``."""
        done = self.tiny.command(*arguments, before=(), folder=self.folder, **variables)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keeper]:
    """A folder with pipeline files, and a zoo of two models that was published in one run."""
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        fake_source(tmp_path_factory.mktemp("tiny"), monkeypatch) as tiny,
    ):
        keeper = Keeper(tiny, tiny.folder)
        (tiny.folder / "both.yaml").write_text(BOTH)
        for name, model in (("first", "net"), ("second", "third")):
            (tiny.folder / f"{name}.yaml").write_text(BOTH.replace("net, third", model))
        keeper.run("run", "both.yaml", "--jobs", "2")
        yield keeper


@pytest.fixture
def keeper(published: Keeper, tmp_path: Path) -> Keeper:
    """One with a copy of it that a test may change."""
    shutil.copytree(published.folder, tmp_path / "copy")
    return Keeper(published.tiny, tmp_path / "copy")


def _models(dist: Path) -> list[str]:
    manifest = json.loads((dist / "ONNX_HUB_MANIFEST.json").read_text())
    return [f"{entry['model']}@{entry['opset_version']}" for entry in manifest]


def test_two_files_that_are_run_at_the_same_moment_make_one_zoo(published: Keeper, tmp_path: Path) -> None:
    for name in ("first", "second"):
        shutil.copy(published.folder / f"{name}.yaml", tmp_path)
    keeper = Keeper(published.tiny, tmp_path)
    runs = [keeper.start("run", f"{name}.yaml") for name in ("first", "second")]
    for run in runs:
        output, errors = run.communicate()
        assert run.returncode == 0, output + errors
    assert bytes_of(tmp_path / "dist") == bytes_of(published.dist)


def test_unpublish_and_a_run_of_what_was_withdrawn(keeper: Keeper) -> None:
    before = bytes_of(keeper.dist)
    text = keeper.run("unpublish", "TINY/Third*@12", "tiny/net")
    assert re.findall("withdrawn: (.*)", text) == [
        "tiny/net@12",
        "tiny/net@6",
        "tiny/third@12",
    ]
    assert _models(keeper.dist) == ["tiny/third@6"]
    assert not (keeper.folder / "dist/tiny/net").exists()
    keeper.run("verify", "dist", "--digests-only")
    keeper.run("run", "both.yaml")
    assert bytes_of(keeper.dist) == before


def test_unpublish_that_was_killed_before_it_wrote_the_lists(keeper: Keeper) -> None:
    shutil.copytree(keeper.dist, keeper.folder / "undisturbed")
    keeper.run("unpublish", "tiny/net", "--publish", "undisturbed")
    unpublish(Zoo(open_store(keeper.dist)), ["tiny/net@12", "tiny/net@6"])
    assert bytes_of(keeper.dist) != bytes_of(keeper.folder / "undisturbed")
    assert "is not published in" in keeper.run("unpublish", "tiny/net", code=2)
    assert bytes_of(keeper.dist) == bytes_of(keeper.folder / "undisturbed")


def test_unpublish_of_what_is_not_there_changes_nothing(keeper: Keeper) -> None:
    before = bytes_of(keeper.dist)
    text = keeper.run("unpublish", "tiny/thirds", "tiny/net", code=2)
    assert "tiny/thirds is not published in" in text
    assert "nothing was withdrawn. Did you mean tiny/third" in text
    assert bytes_of(keeper.dist) == before
    assert "nothing is published in" in keeper.run("unpublish", "tiny/x", "--publish", "absent", code=2)
    assert not (keeper.folder / "absent").exists()


@pytest.mark.parametrize("command", [("run", "both.yaml"), ("plan", "both.yaml")])
def test_a_folder_that_is_not_ours_is_left_alone(keeper: Keeper, command: tuple[str, ...]) -> None:
    (keeper.folder / "thesis").mkdir()
    (keeper.folder / "thesis/README.md").write_text("my thesis")
    text = keeper.run(*command, "--publish", "thesis", code=2)
    assert (
        "thesis is no zoo (it has README.md), and nothing was written there; name a new or an empty" in text
    )
    assert bytes_of(keeper.folder / "thesis") == {"README.md": b"my thesis"}


@pytest.mark.parametrize("text", ["[", "[]", '{"models": 1}', "\x00\x01"])
def test_a_manifest_damaged_by_hand_is_told_and_made_again(keeper: Keeper, text: str) -> None:
    before = bytes_of(keeper.dist)
    (keeper.folder / "dist/ONNX_HUB_MANIFEST.json").write_text(text)
    output = keeper.run("run", "both.yaml")
    assert (
        "ONNX_HUB_MANIFEST.json was not as it was written; it has been made again from the records" in output
    )
    assert bytes_of(keeper.dist) == before


@pytest.mark.parametrize(
    ("ending", "of_the_other"),
    [(".onnx", ".tar.gz"), (".cdx.json", ".intoto.json"), (".record.json", ".onnx")],
)
def test_a_file_changed_by_one_bit_is_published_again(keeper: Keeper, ending: str, of_the_other: str) -> None:
    before = bytes_of(keeper.dist)
    damaged = [f"{UNIT}{ending}", f"{UNIT.replace('-12', '-6')}{of_the_other}"]
    for name in damaged:
        file = keeper.dist / name
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    told = keeper.run("verify", "dist", "--digests-only", code=1)
    assert [name for name in damaged if name not in told] == []
    plan = json.loads(keeper.run("plan", "both.yaml", "--format", "json"))
    undone = sorted(unit["name"] for unit in plan["units"] if not unit["done"])
    assert undone == ["tiny/third@12", "tiny/third@6"]
    # A run of another file announces the zoo, and does not make the damage good by listing it.
    keeper.run("run", "first.yaml")
    told = keeper.run("verify", "dist", "--digests-only", code=1)
    assert [name for name in damaged if name not in told] == []
    keeper.run("run", "both.yaml")
    assert bytes_of(keeper.dist) == before


def test_a_signed_zoo(keeper: Keeper) -> None:
    key, _ = make_key(keeper.folder)
    keeper.run("run", "both.yaml", "--sign", "zoo.key")
    signature = (keeper.folder / "dist/model.sig").read_bytes()
    checked = ("verify", "dist", "--digests-only", "--public-key", "zoo.pub")
    keeper.run(*checked)
    keeper.run("run", "both.yaml", "--sign", "zoo.key")
    assert (keeper.folder / "dist/model.sig").read_bytes() == signature
    assert "its signature was removed" in keeper.run("unpublish", "tiny/net")
    assert "model.sig: is missing" in keeper.run(*checked, code=1)
    keeper.run("unpublish", "tiny/third@6", "--sign", "zoo.key")
    keeper.run(*checked)
    assert key.read_text() not in "".join(
        data.decode(errors="ignore") for data in bytes_of(keeper.dist).values()
    )
    before = bytes_of(keeper.dist)
    assert "zoo.pub" in keeper.run("run", "both.yaml", "--sign", "zoo.pub", code=2)
    assert bytes_of(keeper.dist) == before


@pytest.fixture
def small_disk(keeper: Keeper) -> Iterator[Keeper]:
    """The zoo, on a file system of its own."""
    keeper.dist.rename(keeper.folder / "moved")
    (keeper.dist).mkdir()
    with mounted(keeper.dist, megabytes=32):
        shutil.copytree(keeper.folder / "moved", keeper.dist, dirs_exist_ok=True)
        yield keeper


def test_a_zoo_that_can_only_be_read_stays_whole(small_disk: Keeper) -> None:
    dist = small_disk.dist
    before = bytes_of(dist)
    subprocess.run(["mount", "-o", "remount,ro", str(dist)], check=True)  # noqa: S607 - as found above
    text = small_disk.run("run", "both.yaml", "--fresh", "--only", "*third*@12", code=1)
    assert "Read-only file system; nothing that was published is harmed" in " ".join(text.split())
    text = small_disk.run("unpublish", "tiny/third", code=1)
    assert "Read-only file system" in text
    small_disk.run("verify", "dist", "--digests-only")
    assert bytes_of(dist) == before


def test_a_disk_that_fills_up_during_a_run_leaves_what_was_published(small_disk: Keeper) -> None:
    dist, filling = small_disk.dist, small_disk.dist / ".filling"
    before = bytes_of(dist)
    (small_disk.folder / "both.yaml").write_text(BOTH.replace("[6, 12]", "[6, 9, 12]"))
    with small_disk.start("run", "both.yaml", "--only", "*third*") as run:
        assert run.stderr
        for line in run.stderr:
            if "export:" in line:  # the room was looked at, and nothing is published yet
                filling.write_bytes(bytes(shutil.disk_usage(dist).free))
                break
        output, errors = run.communicate()
    assert run.returncode == 1, output + errors
    assert "No space left on device. Nothing that was published is harmed. Make room" in " ".join(
        (output + errors).split()
    )
    assert "Traceback" not in output + errors
    filling.unlink()
    assert bytes_of(dist) == before
    small_disk.run("run", "both.yaml")
    assert _models(dist)[-3:] == [f"tiny/third@{opset}" for opset in (12, 6, 9)]
    small_disk.run("verify", "dist", "--digests-only")


@pytest.fixture
def address(keeper: Keeper) -> Iterator[str]:
    """Where ``serve`` shows the zoo; it ends when it is interrupted."""
    with keeper.start("serve", "--port", "0") as server:
        try:
            assert server.stdout
            match = re.search(r"serving dist at (http://127\.0\.0\.1:\d+/)", server.stdout.readline())
            assert match
            yield match[1]
        finally:
            server.send_signal(signal.SIGINT)
            _, errors = server.communicate(timeout=60)
    assert (server.returncode, errors) == (0, "stopped\n")


def test_serve_shows_the_zoo_and_nothing_else(keeper: Keeper, address: str) -> None:
    (keeper.folder / "dist/.hidden").write_text("not for others")
    (keeper.folder / "secret").write_text("not for others")
    page = httpx2.get(address)
    assert "third" in page.text
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert httpx2.get(f"{address}{UNIT}.onnx").content == (keeper.folder / f"dist/{UNIT}.onnx").read_bytes()
    for path in (".hidden", "%2ehidden", "../secret", "%2e%2e/secret", "tiny/", "absent"):
        answer = httpx2.get(address + path)
        assert answer.status_code == 404, path
        assert "not for others" not in answer.text


def test_serve_says_what_is_wrong(keeper: Keeper, address: str) -> None:
    port = address.rstrip("/").rsplit(":", 1)[1]
    taken = keeper.run("serve", "--port", port, code=1)
    assert f"127.0.0.1:{port}: Address already in use; give another with --port" in taken
    absent = keeper.run("serve", "absent", code=2)
    assert "there is no such folder. Name the folder of a published zoo" in absent
    assert "there is no index.html in it" in keeper.run("serve", ".", code=2)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, str]]:
    """A client of a real S3 server, and a URL there."""
    with s3_bucket(monkeypatch) as url:
        yield fsspec.filesystem("s3"), url


def test_a_zoo_in_a_bucket(published: Keeper, tmp_path: Path, bucket: tuple[Any, str]) -> None:
    system, url = bucket
    keeper = Keeper(published.tiny, tmp_path)
    for name in ("first", "second"):
        shutil.copy(published.folder / f"{name}.yaml", tmp_path)
    place = ("--publish", url)
    output = keeper.run("run", "first.yaml", *place)
    output += keeper.run("run", "second.yaml", *place)
    assert f"2 units are published in {url}" in keeper.run("run", "first.yaml", *place)
    stored = {path.removeprefix("models/zoo/"): system.cat_file(path) for path in system.find("models")}
    assert stored == bytes_of(published.dist)
    output += keeper.run("verify", url, "--digests-only")
    output += keeper.run("unpublish", "tiny/net", *place)
    system.invalidate_cache()
    assert not [path for path in system.find("models") if "net/" in path]
    left = [path for path in (tmp_path / "work").rglob("*") if path.is_file()]
    assert not [path for path in left if path.suffix in (".onnx", ".gz")]
    assert not (tmp_path / "dist").exists()
    assert SECRET not in output
    assert SECRET.encode() not in b"".join([*stored.values(), *(path.read_bytes() for path in left)])


def test_a_bucket_that_cannot_be_reached_is_told(
    published: Keeper, tmp_path: Path, bucket: tuple[Any, str]
) -> None:
    shutil.copy(published.folder / "first.yaml", tmp_path)
    away = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}
    output = Keeper(published.tiny, tmp_path).run("run", "first.yaml", "--publish", bucket[1], code=2, **away)
    assert f"{bucket[1]}: listing failed" in output
    assert SECRET not in output
