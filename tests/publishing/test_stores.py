"""Stores that are no folder: memory, a real S3 server, and what the Hub is asked for."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fsspec
import pytest
from huggingface_hub import CommitOperationAdd

from publishing.announcement import announce
from publishing.errors import PublishError
from publishing.manifest import CHECKSUMS, MANIFEST
from publishing.stores import open_store
from publishing.stores.folder import FolderStore
from publishing.stores.hub import HubStore
from publishing.stores.interface import Content, content_of
from publishing.units import publish, unpublish
from tests.publishing.buckets import SECRET
from tests.publishing.remote_places import content_of_place, watch
from tests.publishing.zoos import bytes_of, description, material, pages, publish_in, seen, zoo_in

pytestmark = pytest.mark.slow


def test_a_zoo_has_the_same_bytes_wherever_it_is(place: str, model_file: Path, tmp_path: Path) -> None:
    for where in (place, tmp_path / "dist"):
        publish_in(where, model_file, seen())
        publish_in(where, model_file, description("other"))
    assert content_of_place(place) == bytes_of(tmp_path / "dist")
    record = zoo_in(place).published("timm/tiny@9")
    assert record == zoo_in(tmp_path / "dist").published("timm/tiny@9")


def test_unpublish_and_announce_in_a_store(place: str, model_file: Path) -> None:
    publish_in(place, model_file, seen("other"))
    before = content_of_place(place)
    publish_in(place, model_file, description())
    zoo = zoo_in(place)
    unpublish(zoo, ["timm/tiny@9"])
    assert [entry["model"] for entry in json.loads(zoo.store.read(MANIFEST) or b"")] == ["timm/other"]
    announce(zoo, pages)
    assert content_of_place(place) == before


def test_the_manifest_is_written_last(place: str, model_file: Path) -> None:
    zoo = zoo_in(place)
    watched = watch(zoo)
    publish(zoo, material(model_file), description())
    announce(zoo, pages)
    written = [path for path in watched.written if not path.startswith(".")]
    assert written[:2] == written[-2:] == [CHECKSUMS, MANIFEST]  # it is a zoo before its first model
    assert written.index("timm/small/model/tiny-9.record.json") == 6  # behind the files that it speaks of


def test_what_is_there_is_not_sent_again(place: str, model_file: Path) -> None:
    publish_in(place, model_file, seen())
    zoo = zoo_in(place)
    watched = watch(zoo)
    publish(zoo, material(model_file, pictures={}), description("tiny", predictions=seen().predictions))
    announce(zoo, pages)
    assert watched.written == []


def test_a_large_file_is_streamed(bucket: str, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(os.urandom(1 << 20) * 120)
    store = open_store(bucket)
    store.commit({"large": Content(large, "00" * 32)})
    [stamp] = store.stamps().values()
    assert stamp.bytes == 120 << 20
    assert stamp.mark.strip('"').partition("-")[2] >= "2"  # the mark of an upload in several parts


def test_a_bucket_that_is_not_there_is_told_and_not_made(bucket: str, model_file: Path) -> None:
    with pytest.raises(PublishError, match=r"s3://absent/zoo: .* failed: .*bucket does not exist"):
        publish_in("s3://absent/zoo", model_file, description())
    assert "absent" not in fsspec.filesystem("s3").ls("")


def test_a_server_that_is_not_there_is_told(
    bucket: str, model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    fsspec.filesystem("s3").clear_instance_cache()
    with pytest.raises(PublishError, match="see that the store can be reached") as failure:
        publish_in(bucket, model_file, description())
    assert SECRET not in str(failure.value)


def test_a_store_that_only_reads_is_told(
    bucket: str, model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_in(bucket, model_file, description("other"))
    before, zoo = content_of_place(bucket), zoo_in(bucket)

    def refuse(*_: Any) -> None:
        raise PermissionError("Access Denied")

    store: Any = zoo.store
    monkeypatch.setattr(store._system, "put_file", refuse)
    monkeypatch.setattr(store._system, "pipe_file", refuse)
    with pytest.raises(PublishError, match=r"Access Denied.*that you may write to it"):
        publish(zoo, material(model_file), description())
    assert content_of_place(bucket) == before


def test_no_secret_is_written(bucket: str, model_file: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "publishing")
    publish_in(bucket, model_file, description())
    assert not [path for path, data in content_of_place(bucket).items() if SECRET.encode() in data]
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("s3://key:secret@bucket/zoo", "s3://bucket/zoo holds credentials, .* would end up in logs"),
        ("s3://key:a/secret@bucket/zoo", "s3://bucket/zoo holds credentials"),
        ("https://me:secret@example.com/zoo?sig=secret", "https://example.com/zoo can be read, and not"),
        ("gopher://example.com/zoo?sig=secret", "cannot use gopher://example.com/zoo: "),
        ("https://example.com/zoo", "can be read, and not written to"),
        ("gopher://example.com/zoo", r"cannot use gopher://example.com/zoo: .*Give a folder, or a URL"),
        ("gs://bucket/zoo", "gs:// needs a package that is not installed"),
    ],
)
def test_wrong_urls_are_told(url: str, words: str) -> None:
    with pytest.raises(PublishError, match=words) as failure:
        open_store(url)
    assert "secret" not in str(failure.value)


def test_a_file_url_is_a_folder(tmp_path: Path) -> None:
    store = open_store(f"file://{tmp_path}/a%20zoo")
    assert isinstance(store, FolderStore)
    assert store.folder == tmp_path / "a zoo"


def test_what_the_hub_is_asked_for(model_file: Path) -> None:
    """The Hub cannot be had in a test: a stub in its place notes the commits."""
    commits: list[dict[str, Any]] = []

    def create_commit(repo: str, operations: list[Any], **options: Any) -> None:
        commits.append({"repo": repo, "operations": operations, **options})

    place = SimpleNamespace(repo_id="somebody/zoo", repo_type="model", revision="main", path_in_repo="all")
    system = SimpleNamespace(
        _api=SimpleNamespace(create_commit=create_commit),
        resolve_path=lambda root: place,
        invalidate_cache=lambda: None,
        find=lambda root, detail: {
            "somebody/zoo/all/timm/small/model/old-9.onnx": {"type": "file", "size": 3, "blob_id": "ab"}
        },
    )
    store = HubStore("hf://somebody/zoo/all", system, "somebody/zoo/all", None)
    model = Content(model_file, "00" * 32)
    store.commit(
        {"timm/small/model/tiny-9.onnx": model, MANIFEST: content_of(b"[]")},
        ["timm/small/model/old-9.onnx", "absent"],
    )
    [commit] = commits
    assert commit["repo"] == "somebody/zoo"
    assert (commit["repo_type"], commit["revision"]) == ("model", "main")
    assert commit["commit_message"] == "Publish tiny-9, old-9"
    paths = [(type(one) is CommitOperationAdd, one.path_in_repo) for one in commit["operations"]]
    assert paths == [
        (True, "all/timm/small/model/tiny-9.onnx"),
        (True, f"all/{MANIFEST}"),
        (False, "all/timm/small/model/old-9.onnx"),
    ]
    assert commit["operations"][0].path_or_fileobj == str(model_file)  # streamed by the Hub's own client
    assert store.stamps().keys() == {"timm/small/model/old-9.onnx"}


def test_the_hub_takes_its_urls() -> None:
    store = open_store("hf://datasets/somebody/zoo")
    assert isinstance(store, HubStore)
    assert store.place == "hf://datasets/somebody/zoo"
