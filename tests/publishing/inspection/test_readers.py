"""Reading from real places: folders, a web server and an S3 server on loopback, memory."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import fsspec
import pytest
from moto.server import ThreadedMotoServer

from publishing.errors import PublishError
from publishing.inspection.readers import AbsentError, Reader, UnreadableError, WebReader, reader_of
from tests.loopback import answered_by

FILES = {"a/b c#1.bin": b"x" * 3_000_000, "top.txt": b"top", "packed.tar.gz": gzip.compress(b"y")}
SECRET = "wJalrXUtnFEMI"  # noqa: S105 - of a server that lives as long as the test


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3_settings(s3: str, monkeypatch: pytest.MonkeyPatch) -> str:
    settings = {"ENDPOINT_URL": s3, "ACCESS_KEY_ID": "somebody", "SECRET_ACCESS_KEY": SECRET}
    for name, value in (settings | {"DEFAULT_REGION": "us-east-1"}).items():
        monkeypatch.setenv(f"AWS_{name}", value)
    fsspec.filesystem("s3").clear_instance_cache()
    return s3


@pytest.fixture
def bucket(s3_settings: str) -> Iterator[str]:
    system = fsspec.filesystem("s3")
    system.mkdir("read")
    for path, content in FILES.items():
        system.pipe_file(f"read/zoo/{path}", content)
    yield "s3://read/zoo/"
    system.rm("read", recursive=True)
    system.clear_instance_cache()


@pytest.fixture
def memory() -> Iterator[str]:
    system = fsspec.filesystem("memory")
    for path, content in FILES.items():
        system.pipe_file(f"/read/zoo/{path}", content)
    yield "memory://read/zoo"
    system.rm("/read", recursive=True)


@pytest.fixture
def folder(tmp_path: Path) -> str:
    for path, content in FILES.items():
        (tmp_path / "zoo" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "zoo" / path).write_bytes(content)
    return str(tmp_path / "zoo")


class _Odd(BaseHTTPRequestHandler):
    """Serves the files as some servers do: redirects, a compression that nobody asked for, errors."""

    def do_GET(self) -> None:
        files = {f"/zoo/{path.replace(' ', '%20').replace('#', '%23')}": data for path, data in FILES.items()}
        if self.path.startswith("/moved/"):
            self.send_response(302)
            self.send_header("Location", self.path.replace("/moved/", "/zoo/"))
            self.end_headers()
        elif self.path.startswith("/round/"):
            self.send_response(302)
            self.send_header("Location", self.path)
            self.end_headers()
        elif self.path in files:
            self.send_response(200)
            if self.path.endswith(".gz"):
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(files[self.path])))
            self.end_headers()
            self.wfile.write(files[self.path])
        else:
            self.send_error(503 if "busy" in self.path else 404)


@pytest.fixture
def web() -> Iterator[str]:
    with answered_by(_Odd) as address:
        yield address


def content(reader: Reader, path: str) -> bytes:
    return b"".join(reader.blocks(path))


@pytest.mark.parametrize("kind", ["folder", "memory", "bucket", "web"])
def test_files_are_read_in_blocks(kind: str, request: pytest.FixtureRequest) -> None:
    place = request.getfixturevalue(kind)
    reader = reader_of(f"{place}/zoo" if kind == "web" else place)
    assert reader.names() == (None if kind == "web" else FILES.keys())
    for path, expected in FILES.items():
        assert content(reader, path) == expected
    assert max(map(len, reader.blocks("a/b c#1.bin"))) <= 1 << 20
    with pytest.raises(AbsentError):
        content(reader, "a/absent")
    assert (reader.local("top.txt") is None) == (kind != "folder")


def test_redirects_are_followed_and_end(web: str) -> None:
    assert content(WebReader(f"{web}/moved"), "top.txt") == b"top"
    with pytest.raises(UnreadableError, match="redirects"):
        content(WebReader(f"{web}/round"), "top.txt")


def test_what_a_server_refuses_is_told(web: str) -> None:
    with pytest.raises(UnreadableError, match="the server answers 503 Service Unavailable"):
        content(WebReader(f"{web}/zoo"), "busy")


def test_no_message_names_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    assert WebReader("https://me:word@example.org/zoo/?token=abc").address == "https://example.org/zoo"
    with pytest.raises(PublishError, match="holds credentials") as caught:
        reader_of("s3://key:word@bucket/zoo")
    assert "word" not in str(caught.value)


def test_what_a_store_refuses_is_told(s3_settings: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AbsentError, match="there is no such folder or bucket"):
        reader_of("s3://absent/zoo").names()
    with pytest.raises(AbsentError):
        content(reader_of("s3://absent/zoo"), "top.txt")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    fsspec.filesystem("s3").clear_instance_cache()
    with pytest.raises(UnreadableError, match="the store says") as caught:
        reader_of("s3://read/zoo").names()
    assert SECRET not in str(caught.value)


def test_a_file_that_is_none_is_told(folder: str) -> None:
    with pytest.raises(UnreadableError, match="it is no file"):
        content(reader_of(folder), "a")
    (Path(folder) / "link").symlink_to("absent")
    with pytest.raises(AbsentError):
        content(reader_of(folder), "link")
    (Path(folder) / "good").symlink_to("top.txt")  # as the caches of downloads have them
    assert content(reader_of(folder), "good") == b"top"
    assert content(reader_of(f"file://{folder}"), "top.txt") == b"top"
