"""Where the interpreter of a source comes from: pyenv's folders, PATH, uv; or how to get one."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import pytest

from converters.interface import Source
from pipeline.environments import building
from pipeline.environments.interpreters import find_interpreter
from pipeline.environments.spec import environments_folder
from pipeline.errors import EnvironmentBuildError

pytestmark = pytest.mark.slow

OURS = f"{sys.version_info.major}.{sys.version_info.minor}"
NOBODYS = "3.99"
EXPORT = "from protocol import main\nmain({'catalogue': lambda request: {'models': {'tiny': {}}}})\n"
SHIM = '#!/bin/sh\necho "pyenv: command not found" >&2\nexit 127\n'


@pytest.fixture
def other() -> tuple[str, Path]:
    """A version of Python that is not ours, and an interpreter of it."""
    for version in ("3.9", "3.10", "3.11", "3.12", "3.13", "3.8"):
        interpreter = find_interpreter(version, os.environ)
        if version not in (OURS, interpreter):
            return version, Path(interpreter)
    pytest.skip("this machine has no second Python")


@pytest.fixture
def nothing_around(tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without pyenv, PATH and Pythons of uv, who is cut off."""
    assert own_cache
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("PATH", str(tmp_path / "pyenv" / "shims"))
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("UV_PYTHON_INSTALL_MIRROR", "http://127.0.0.1:9")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")


def _source(folder: Path, version: str) -> Source:
    """A source without packages, for ``version`` of Python."""
    folder.mkdir()
    (folder / "requirements.lock").write_text("")
    (folder / "environment.toml").write_text(f'python = "{version}"\n')
    (folder / "export.py").write_text(EXPORT)
    return Source("tiny", "Tiny", folder, (".pth",), "MIT", "org.example")


def _ensure(source: Source) -> building.Environment:
    return building.ensure(source, stop=threading.Event(), say=print)


def _version_and_prefix(interpreter: Path) -> tuple[str, str]:
    script = "import platform, sys; print(platform.python_version(), sys.base_prefix)"
    answer = subprocess.run([str(interpreter), "-c", script], capture_output=True, text=True, check=True)
    full, prefix = answer.stdout.split()
    return full, prefix


def _executable(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.mark.usefixtures("nothing_around")
def test_our_own_interpreter_is_found_without_path() -> None:
    interpreter = find_interpreter(OURS, os.environ)
    assert Path(interpreter).resolve() == Path(sys.base_prefix, "bin", f"python{OURS}").resolve()


def test_an_interpreter_in_pyenvs_folders_is_found(
    other: tuple[str, Path], nothing_around: None, tmp_path: Path
) -> None:
    version, real = other
    link = tmp_path / "pyenv" / "versions" / f"{version}.7" / "bin" / "python"
    link.parent.mkdir(parents=True)
    link.symlink_to(real)
    assert find_interpreter(version, os.environ) == str(link)


def test_an_interpreter_on_path_is_found_behind_a_shim_that_only_fails(
    other: tuple[str, Path], nothing_around: None, tmp_path: Path
) -> None:
    version, real = other
    _executable(tmp_path / "pyenv" / "shims" / f"python{version}", SHIM)
    _executable(tmp_path / "broken" / f"python{version}", SHIM)
    link = tmp_path / "bin" / f"python{version}"
    link.parent.mkdir()
    link.symlink_to(real)
    path = ":".join(str(tmp_path / name) for name in ("pyenv/shims", "broken", "bin"))
    assert find_interpreter(version, {**os.environ, "PATH": path}) == str(link)


def test_an_interpreter_of_uvs_own_is_used(
    other: tuple[str, Path], nothing_around: None, tmp_path: Path
) -> None:
    version, real = other
    _executable(tmp_path / "pyenv" / "shims" / f"python{version}", SHIM)
    full, prefix = _version_and_prefix(real)
    own = tmp_path / "uv" / f"cpython-{full}-linux-{platform.machine()}-gnu"
    own.mkdir(parents=True)
    for part in ("bin", "lib", "include"):
        (own / part).symlink_to(Path(prefix) / part)
    assert find_interpreter(version, os.environ) == version  # uv is left to find it
    assert _ensure(_source(tmp_path / "tiny", version)).packages["python"] == full


UNNEEDED = {"site-packages", "dist-packages", "test", "idlelib", "__pycache__"}


def _needed(file: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if Path(file.name).name in UNNEEDED else file


@pytest.fixture
def offered(
    other: tuple[str, Path],
    nothing_around: None,
    server: tuple[Path, str],
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """An archive with the other version of Python, which a server offers to uv together with its sha256."""
    version, real = other
    folder, address = server
    full, prefix = _version_and_prefix(real)
    archive = folder / "cpython.tar.gz"
    with tarfile.open(archive, "w:gz", compresslevel=1) as packed:
        for pattern in (f"bin/python{version}", f"lib/python{version}", f"lib/libpython{version}*"):
            for part in Path(prefix).glob(pattern):
                name = f"python/{part.relative_to(prefix)}"
                packed.add(part, name, filter=_needed)
    major, minor, patch = map(int, full.split("."))
    download = {
        "name": "cpython",
        "major": major,
        "minor": minor,
        "patch": patch,
        "prerelease": "",
        "os": "linux",
        "arch": {"family": platform.machine(), "variant": None},
        "libc": "gnu",
        "variant": None,
        "url": f"{address}/{archive.name}",
        "sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
    }
    (folder / "downloads.json").write_text(json.dumps({f"cpython-{full}": download}))
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS_JSON_URL", f"{address}/downloads.json")
    monkeypatch.delenv("UV_PYTHON_INSTALL_MIRROR")
    return archive


def test_an_interpreter_that_is_nowhere_is_fetched_by_uv(
    other: tuple[str, Path], offered: Path, tmp_path: Path
) -> None:
    version, real = other
    environment = _ensure(_source(tmp_path / "tiny", version))
    full, prefix = _version_and_prefix(environment.python)
    assert full == environment.packages["python"] == _version_and_prefix(real)[0]
    assert Path(prefix).is_relative_to(tmp_path / "uv"), "it runs what was fetched"


def test_a_fetched_interpreter_that_is_not_as_announced_is_refused(
    other: tuple[str, Path], offered: Path, tmp_path: Path
) -> None:
    offered.write_bytes(offered.read_bytes()[:-1] + b"!")
    with pytest.raises(EnvironmentBuildError, match=r"(?s)[Hh]ash mismatch.*There is no Python"):
        _ensure(_source(tmp_path / "tiny", other[0]))
    assert not list(environments_folder().glob("*/"))


@pytest.mark.usefixtures("nothing_around")
@pytest.mark.parametrize("version", [NOBODYS, "3.9" if OURS != "3.9" else "3.10"])
def test_where_there_is_none_the_error_says_how_to_get_one(tmp_path: Path, version: str) -> None:
    _executable(tmp_path / "pyenv" / "shims" / f"python{version}", SHIM)
    with pytest.raises(EnvironmentBuildError) as caught:
        _ensure(_source(tmp_path / "tiny", version))
    message = str(caught.value)
    assert "the tiny environment could not be built" in message
    assert f"There is no Python {version} in pyenv's folders, on PATH or among uv's own" in message
    assert f"`uv python install {version}` or `pyenv install {version}`" in message
    assert "package index" not in message
    assert not list(environments_folder().glob("*/"))
