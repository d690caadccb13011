"""Loopback servers and a user's home of their own, so that nothing leaves this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.commands.verify import verify_places
from pipeline.environments.spec import environments_folder
from tests.loopback import served
from tests.pipeline.fake_source import FakeSource, fake_source
from tests.pipeline.verify.verifying import Verify


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


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and the address under which a real HTTP server on loopback serves it."""
    folder = tmp_path / "served"
    folder.mkdir()
    with served(folder) as address:
        yield folder, address


@pytest.fixture
def verified(capsys: pytest.CaptureFixture[str]) -> Verify:
    """Verify places; whether all is well, and the lines that are printed."""

    def verify(
        *places: Path | str, digests_only: bool = False, relative: float | None = None
    ) -> tuple[bool, list[str]]:
        well = verify_places([str(place) for place in places], None, digests_only, relative)
        return well, capsys.readouterr().out.splitlines()

    return verify


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSource]:
    """A source without a framework, registered and built, whose models go through real stages in seconds."""
    with fake_source(tmp_path, monkeypatch) as source:
        yield source
