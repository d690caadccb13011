"""A zoo as its keeper meets it: real models published, merged, withdrawn, signed, damaged and shown."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import httpx2
import pytest

from publishing.stores import open_store
from publishing.units import unpublish
from publishing.zoo import Zoo
from tests.pipeline.disks import mounted
from tests.publishing.buckets import SECRET, s3_bucket
from tests.publishing.trust.signing import make_key
from tests.publishing.zoos import bytes_of

pytestmark = pytest.mark.mxnet
ROOT = Path(__file__).parents[3]
MODEL = "{{publish: dist, opsets: [6, 12], models: [{{source: mxnet, model: {}}}]}}"
BOTH = "{publish: dist, opsets: [6, 12], models: [{source: mxnet, models: [mobilenet0.25, squeezenet1.1]}]}"
UNIT = "mxnet/squeezenet/model/squeezenet1.1-12"


def _start(folder: Path, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
    )


def _run(folder: Path, *arguments: str, code: int = 0, **variables: str) -> str:
    process = _start(folder, *arguments, **variables)
    output, errors = process.communicate()
    assert process.returncode == code, output + errors
    assert "Traceback" not in output + errors
    return output + errors


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pipeline files, and a zoo of two models that was published in one run."""
    folder = tmp_path_factory.mktemp("published")
    (folder / "both.yaml").write_text(BOTH)
    for name, model in (("first", "mobilenet0.25"), ("second", "squeezenet1.1")):
        (folder / f"{name}.yaml").write_text(MODEL.format(model))
    _run(folder, "run", "both.yaml", "--jobs", "2")
    return folder


@pytest.fixture
def folder(published: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    shutil.copytree(published, tmp_path / "copy")
    return tmp_path / "copy"


def _models(dist: Path) -> list[str]:
    manifest = json.loads((dist / "ONNX_HUB_MANIFEST.json").read_text())
    return [f"{entry['model']}@{entry['opset_version']}" for entry in manifest]


def test_two_files_that_are_run_at_the_same_moment_make_one_zoo(published: Path, tmp_path: Path) -> None:
    for name in ("first", "second"):
        shutil.copy(published / f"{name}.yaml", tmp_path)
    runs = [_start(tmp_path, "run", f"{name}.yaml") for name in ("first", "second")]
    for run in runs:
        output, errors = run.communicate()
        assert run.returncode == 0, output + errors
    assert bytes_of(tmp_path / "dist") == bytes_of(published / "dist")


def test_unpublish_and_a_run_of_what_was_withdrawn(folder: Path) -> None:
    before = bytes_of(folder / "dist")
    text = _run(folder, "unpublish", "MXNET/Squeezenet*@12", "mxnet/mobilenet0.25")
    assert re.findall("withdrawn: (.*)", text) == [
        "mxnet/mobilenet0.25@12",
        "mxnet/mobilenet0.25@6",
        "mxnet/squeezenet1.1@12",
    ]
    assert _models(folder / "dist") == ["mxnet/squeezenet1.1@6"]
    assert not (folder / "dist/mxnet/mobilenet").exists()
    _run(folder, "verify", "dist", "--digests-only")
    _run(folder, "run", "both.yaml")
    assert bytes_of(folder / "dist") == before


def test_unpublish_that_was_killed_before_it_wrote_the_lists(folder: Path) -> None:
    shutil.copytree(folder / "dist", folder / "undisturbed")
    _run(folder, "unpublish", "mxnet/mobilenet0.25", "--publish", "undisturbed")
    unpublish(Zoo(open_store(folder / "dist")), ["mxnet/mobilenet0.25@12", "mxnet/mobilenet0.25@6"])
    assert bytes_of(folder / "dist") != bytes_of(folder / "undisturbed")
    assert "is not published in" in _run(folder, "unpublish", "mxnet/mobilenet0.25", code=2)
    assert bytes_of(folder / "dist") == bytes_of(folder / "undisturbed")


def test_unpublish_of_what_is_not_there_changes_nothing(folder: Path) -> None:
    before = bytes_of(folder / "dist")
    text = _run(folder, "unpublish", "mxnet/squeezenet1.0", "mxnet/mobilenet0.25", code=2)
    assert "mxnet/squeezenet1.0 is not published in" in text
    assert "nothing was withdrawn. Did you mean mxnet/squeezenet1.1" in text
    assert bytes_of(folder / "dist") == before
    assert "nothing is published in" in _run(folder, "unpublish", "mxnet/x", "--publish", "absent", code=2)
    assert not (folder / "absent").exists()


@pytest.mark.parametrize("command", [("run", "both.yaml"), ("plan", "both.yaml")])
def test_a_folder_that_is_not_ours_is_left_alone(folder: Path, command: tuple[str, ...]) -> None:
    (folder / "thesis").mkdir()
    (folder / "thesis/README.md").write_text("my thesis")
    text = _run(folder, *command, "--publish", "thesis", code=2)
    assert (
        "thesis is no zoo (it has README.md), and nothing was written there; name a new or an empty" in text
    )
    assert bytes_of(folder / "thesis") == {"README.md": b"my thesis"}


@pytest.mark.parametrize("text", ["[", "[]", '{"models": 1}', "\x00\x01"])
def test_a_manifest_damaged_by_hand_is_told_and_made_again(folder: Path, text: str) -> None:
    before = bytes_of(folder / "dist")
    (folder / "dist/ONNX_HUB_MANIFEST.json").write_text(text)
    output = _run(folder, "run", "both.yaml")
    assert (
        "ONNX_HUB_MANIFEST.json was not as it was written; it has been made again from the records" in output
    )
    assert bytes_of(folder / "dist") == before


@pytest.mark.parametrize(
    ("ending", "of_the_other"),
    [(".onnx", ".tar.gz"), (".cdx.json", ".intoto.json"), (".record.json", ".onnx")],
)
def test_a_file_changed_by_one_bit_is_published_again(folder: Path, ending: str, of_the_other: str) -> None:
    before = bytes_of(folder / "dist")
    damaged = [f"{UNIT}{ending}", f"{UNIT.replace('-12', '-6')}{of_the_other}"]
    for name in damaged:
        file = folder / "dist" / name
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    told = _run(folder, "verify", "dist", "--digests-only", code=1)
    assert [name for name in damaged if name not in told] == []
    plan = json.loads(_run(folder, "plan", "both.yaml", "--format", "json"))
    undone = sorted(unit["name"] for unit in plan["units"] if not unit["done"])
    assert undone == ["mxnet/squeezenet1.1@12", "mxnet/squeezenet1.1@6"]
    # A run of another file announces the zoo, and does not make the damage good by listing it.
    _run(folder, "run", "first.yaml")
    told = _run(folder, "verify", "dist", "--digests-only", code=1)
    assert [name for name in damaged if name not in told] == []
    _run(folder, "run", "both.yaml")
    assert bytes_of(folder / "dist") == before


def test_a_signed_zoo(folder: Path) -> None:
    key, _ = make_key(folder)
    _run(folder, "run", "both.yaml", "--sign", "zoo.key")
    signature = (folder / "dist/model.sig").read_bytes()
    checked = ("verify", "dist", "--digests-only", "--public-key", "zoo.pub")
    _run(folder, *checked)
    _run(folder, "run", "both.yaml", "--sign", "zoo.key")
    assert (folder / "dist/model.sig").read_bytes() == signature
    assert "its signature was removed" in _run(folder, "unpublish", "mxnet/mobilenet0.25")
    assert "model.sig: is missing" in _run(folder, *checked, code=1)
    _run(folder, "unpublish", "mxnet/squeezenet1.1@6", "--sign", "zoo.key")
    _run(folder, *checked)
    assert key.read_text() not in "".join(
        data.decode(errors="ignore") for data in bytes_of(folder / "dist").values()
    )
    before = bytes_of(folder / "dist")
    assert "zoo.pub" in _run(folder, "run", "both.yaml", "--sign", "zoo.pub", code=2)
    assert bytes_of(folder / "dist") == before


@pytest.fixture
def small_disk(folder: Path) -> Iterator[Path]:
    """The zoo, on a file system of its own."""
    (folder / "dist").rename(folder / "moved")
    (folder / "dist").mkdir()
    with mounted(folder / "dist", megabytes=200):
        shutil.copytree(folder / "moved", folder / "dist", dirs_exist_ok=True)
        yield folder


def test_a_zoo_that_can_only_be_read_stays_whole(small_disk: Path) -> None:
    dist = small_disk / "dist"
    before = bytes_of(dist)
    subprocess.run(["mount", "-o", "remount,ro", str(dist)], check=True)  # noqa: S607 - as found above
    text = _run(small_disk, "run", "both.yaml", "--fresh", "--only", "*squeeze*@12", code=1)
    assert "Read-only file system; nothing that was published is harmed" in " ".join(text.split())
    text = _run(small_disk, "unpublish", "mxnet/squeezenet1.1", code=1)
    assert "Read-only file system" in text
    _run(small_disk, "verify", "dist", "--digests-only")
    assert bytes_of(dist) == before


def test_a_disk_that_fills_up_during_a_run_leaves_what_was_published(small_disk: Path) -> None:
    dist, filling = small_disk / "dist", small_disk / "dist/.filling"
    before = bytes_of(dist)
    (small_disk / "both.yaml").write_text(BOTH.replace("[6, 12]", "[6, 9, 12]"))
    with _start(small_disk, "run", "both.yaml", "--only", "*squeeze*") as run:
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
    _run(small_disk, "run", "both.yaml")
    assert _models(dist)[-3:] == [f"mxnet/squeezenet1.1@{opset}" for opset in (12, 6, 9)]
    _run(small_disk, "verify", "dist", "--digests-only")


@pytest.fixture
def address(folder: Path) -> Iterator[str]:
    """Where ``serve`` shows the zoo; it ends when it is interrupted."""
    with _start(folder, "serve", "--port", "0") as server:
        try:
            assert server.stdout
            match = re.search(r"serving dist at (http://127\.0\.0\.1:\d+/)", server.stdout.readline())
            assert match
            yield match[1]
        finally:
            server.send_signal(signal.SIGINT)
            _, errors = server.communicate(timeout=60)
    assert (server.returncode, errors) == (0, "stopped\n")


def test_serve_shows_the_zoo_and_nothing_else(folder: Path, address: str) -> None:
    (folder / "dist/.hidden").write_text("not for others")
    (folder / "secret").write_text("not for others")
    page = httpx2.get(address)
    assert "squeezenet1.1" in page.text
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert httpx2.get(f"{address}{UNIT}.onnx").content == (folder / f"dist/{UNIT}.onnx").read_bytes()
    for path in (".hidden", "%2ehidden", "../secret", "%2e%2e/secret", "mxnet/", "absent"):
        answer = httpx2.get(address + path)
        assert answer.status_code == 404, path
        assert "not for others" not in answer.text


def test_serve_says_what_is_wrong(folder: Path, address: str) -> None:
    port = address.rstrip("/").rsplit(":", 1)[1]
    taken = _run(folder, "serve", "--port", port, code=1)
    assert f"127.0.0.1:{port}: Address already in use; give another with --port" in taken
    absent = _run(folder, "serve", "absent", code=2)
    assert "there is no such folder. Name the folder of a published zoo" in absent
    assert "there is no index.html in it" in _run(folder, "serve", ".", code=2)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, str]]:
    """A client of a real S3 server, and a URL there."""
    with s3_bucket(monkeypatch) as url:
        yield fsspec.filesystem("s3"), url


def test_a_zoo_in_a_bucket(published: Path, tmp_path: Path, bucket: tuple[Any, str]) -> None:
    system, url = bucket
    for name in ("first", "second"):
        shutil.copy(published / f"{name}.yaml", tmp_path)
    place = ("--publish", url)
    output = _run(tmp_path, "run", "first.yaml", *place)
    output += _run(tmp_path, "run", "second.yaml", *place)
    assert f"2 units are published in {url}" in _run(tmp_path, "run", "first.yaml", *place)
    stored = {path.removeprefix("models/zoo/"): system.cat_file(path) for path in system.find("models")}
    assert stored == bytes_of(published / "dist")
    output += _run(tmp_path, "verify", url, "--digests-only")
    output += _run(tmp_path, "unpublish", "mxnet/mobilenet0.25", *place)
    system.invalidate_cache()
    assert not [path for path in system.find("models") if "mobilenet" in path]
    left = [path for path in (tmp_path / "work").rglob("*") if path.is_file()]
    assert not [path for path in left if path.suffix in (".onnx", ".gz")]
    assert not (tmp_path / "dist").exists()
    assert SECRET not in output
    assert SECRET.encode() not in b"".join([*stored.values(), *(path.read_bytes() for path in left)])


def test_a_bucket_that_cannot_be_reached_is_told(
    published: Path, tmp_path: Path, bucket: tuple[Any, str]
) -> None:
    shutil.copy(published / "first.yaml", tmp_path)
    away = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}
    output = _run(tmp_path, "run", "first.yaml", "--publish", bucket[1], code=2, **away)
    assert f"{bucket[1]}: listing failed" in output
    assert SECRET not in output
