"""Loopback servers and a user's home of their own, so that nothing leaves this machine."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.environment_files import environments_folder
from pipeline.verify import verify_places
from tests.pipeline.verifying import Verify


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder that only this test uses."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def own_downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder with downloads of this test's own, and the environments that are already there."""
    shared = environments_folder()
    shared.mkdir(parents=True, exist_ok=True)
    own = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(own))
    environments_folder().parent.mkdir(parents=True)
    environments_folder().symlink_to(shared)
    return own


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_args: object) -> None:
        """Requests are not worth a line."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and the address under which a real HTTP server on loopback serves it."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield folder, f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()
        thread.join()


@pytest.fixture
def verified(capsys: pytest.CaptureFixture[str]) -> Verify:
    """Verify places; whether all is well, and the lines that are printed."""

    def verify(*places: Path | str, digests_only: bool = False) -> tuple[bool, list[str]]:
        well = verify_places([str(place) for place in places], None, digests_only)
        return well, capsys.readouterr().out.splitlines()

    return verify
