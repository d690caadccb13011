"""Environments built for real by uv, from a small source of this test's own."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from converters.interface import Source
from converters.registry import SOURCES, frameworks
from pipeline.environments import building
from pipeline.environments.run_environments import RunEnvironments
from pipeline.environments.spec import environments_folder, spec_of
from pipeline.errors import EnvironmentBuildError
from tests.loopback import answered_by

pytestmark = pytest.mark.slow

NEVER = threading.Event()
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
FRAMEWORK = "MODEL = 'tiny'\n"
EXPORT = """\
import framework
from protocol import main
main({"catalogue": lambda request: {"models": {framework.MODEL: {"resize": 256}}}})
"""


def _wheel(folder: Path, listed: int = len(FRAMEWORK)) -> Path:
    """A wheel with one module, of whose bytes its list says that they are ``listed``."""
    folder.mkdir()
    path = folder / "framework-1.0-py3-none-any.whl"
    information = "framework-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("framework.py", FRAMEWORK)
        archive.writestr(f"{information}/METADATA", "Metadata-Version: 2.1\nName: framework\nVersion: 1.0\n")
        archive.writestr(
            f"{information}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{information}/RECORD", f"framework.py,,{listed}\n")
    return path


@pytest.fixture
def source(tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    """A source whose framework is one small wheel in a find-links folder, which pip is told of."""
    assert own_cache
    wheel = _wheel(tmp_path / "wheels")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    folder = tmp_path / "tiny"
    folder.mkdir()
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (folder / "requirements.lock").write_text(f"framework==1.0 --hash=sha256:{digest}\n")
    (folder / "environment.toml").write_text(f'python = "{VERSION}"\n[variables]\nTINY = "1"\n')
    (folder / "export.py").write_text(EXPORT)
    return Source("tiny", "Tiny", folder, (".pth",), "MIT", "org.example")


def _ensure(source: Source, say: Callable[[str], None] = lambda _message: None) -> building.Environment:
    return building.ensure(source, stop=NEVER, say=say)


def _leftovers() -> list[str]:
    return [path.name for path in environments_folder().glob("*") if path.is_dir()]


def test_an_environment_is_built_once(source: Source) -> None:
    lines: list[str] = []
    assert building.existing(source) is None
    first = _ensure(source, lines.append)
    assert building.list_models(first.description, first.description.folder, NEVER) == {
        "tiny": {"resize": 256}
    }
    assert first.packages["framework"] == "1.0"
    assert first.packages["python"].startswith(VERSION)
    before = first.python.parent.parent.stat().st_mtime_ns
    assert _ensure(source, lines.append) == first
    assert first.python.parent.parent.stat().st_mtime_ns == before
    assert lines == ["building the tiny environment (once)"]


def test_another_lock_is_another_environment(source: Source) -> None:
    first = _ensure(source).python
    (source.folder / "requirements.lock").write_text(
        (source.folder / "requirements.lock").read_text() + "# another\n"
    )
    assert building.existing(source) is None
    assert _ensure(source).python != first


def test_a_wrong_hash_is_refused_and_leaves_nothing(source: Source) -> None:
    (source.folder / "requirements.lock").write_text(f"framework==1.0 --hash=sha256:{'ab' * 32}\n")
    with pytest.raises(EnvironmentBuildError, match=r"(?s)tiny environment could not be built.*framework"):
        _ensure(source)
    assert _leftovers() == []


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("requirements.lock", f"framework==1.0 --hash=sha256:{'ab' * 32}\n"),
        ("environment.toml", 'python = "3.999"\n'),
    ],
)
def test_a_run_tries_in_vain_once_only(source: Source, file: str, content: str) -> None:
    (source.folder / file).write_text(content)
    lines: list[str] = []
    run = RunEnvironments(stop=NEVER, say=lines.append)
    messages = []
    for _ in range(3):
        with pytest.raises(EnvironmentBuildError) as caught:
            run.ensure(source)
        messages.append(str(caught.value))
    assert messages == [run.failure(source)] * 3
    assert len([line for line in lines if line.startswith("building")]) == 1
    assert run.available(source) is None


def test_no_index_is_asked_where_pip_may_not(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requested: list[str] = []

    class Index(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requested.append(self.path)
            self.send_error(404)

    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "empty"))
    monkeypatch.delenv("UV_FIND_LINKS", raising=False)
    with answered_by(Index) as index:
        monkeypatch.setenv("UV_DEFAULT_INDEX", f"{index}/simple")
        monkeypatch.delenv("UV_INDEX", raising=False)
        with pytest.raises(EnvironmentBuildError):
            _ensure(source)
        assert requested == []
        monkeypatch.delenv("PIP_NO_INDEX")
        with pytest.raises(EnvironmentBuildError):
            _ensure(source)
        assert any("framework" in path for path in requested)


@pytest.mark.parametrize("status", [401, 404, 503])
def test_no_password_of_an_index_is_in_message_or_log(
    source: Source, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refuses(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(status)

    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.delenv("UV_DEFAULT_INDEX", raising=False)
    (source.folder / "requirements.lock").write_text(f"absent==1.0 --hash=sha256:{'ab' * 32}\n")
    with answered_by(Refuses) as index:
        monkeypatch.setenv(
            "PIP_INDEX_URL", f"{index}/simple?token=w0rd-w0rd".replace("://", "://me:w0rd-w0rd@")
        )
        with pytest.raises(EnvironmentBuildError, match="absent") as failure:
            _ensure(source)
    logs = [path.read_text() for path in environments_folder().glob("*.log")]
    assert len(logs) == 1
    assert "absent" in logs[0]
    assert not [text for text in (*logs, str(failure.value)) if "w0rd" in text]


def test_a_run_that_can_build_has_no_failure(source: Source) -> None:
    run = RunEnvironments(stop=NEVER, say=lambda _message: None)
    assert run.ensure(source) == run.available(source)
    assert run.failure(source) is None


def test_a_framework_that_does_not_import_is_refused_and_leaves_nothing(source: Source) -> None:
    (source.folder / "export.py").write_text(EXPORT.replace("import framework", "import frame"))
    with pytest.raises(EnvironmentBuildError, match=r"(?s)does not work.*No module named 'frame'"):
        _ensure(source)
    assert [name for name in _leftovers() if not name.endswith(".check")] == []


def test_what_a_killed_build_left_is_cleared_away(source: Source) -> None:
    folder = spec_of(source).folder
    staging = folder.with_name(f"{folder.name}.part")
    (staging / "lib").mkdir(parents=True)
    (staging / "lib" / "half").write_text("half")
    assert _ensure(source).packages
    assert not staging.exists()


def test_parallel_runs_build_it_once(source: Source) -> None:
    code = (
        "import sys, threading; from pathlib import Path\n"
        "from converters.interface import Source; from pipeline.environments import building\n"
        f"source = Source('tiny', 'Tiny', Path({str(source.folder)!r}), ('.pth',), 'MIT', 'org.example')\n"
        "e = building.ensure(source, stop=threading.Event(), say=print)\n"
        "assert e.packages\n"
    )
    runs = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    printed = [run.communicate()[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0]
    assert "".join(printed).count("building") == 1


def test_removing_frees_the_cache(source: Source) -> None:
    folder = _ensure(source).description.folder
    folder.with_name(f"{folder.name}.check").mkdir()
    assert building.remove(source, stop=NEVER) == [folder]
    assert not list(environments_folder().iterdir())
    assert building.remove(source, stop=NEVER) == []


@pytest.mark.parametrize("gone", ["packages.json", "bin/python"])
def test_an_environment_of_which_a_part_was_removed_is_built_again(source: Source, gone: str) -> None:
    folder = _ensure(source).description.folder
    (folder / gone).unlink()
    assert building.existing(source) is None
    assert _ensure(source).python.exists()
    assert _leftovers() == [folder.name]


def _cut(file: Path) -> None:
    os.truncate(file, 3)


@pytest.mark.parametrize(
    ("file", "damage", "found"),
    [
        ("framework.py", Path.unlink, "framework.py is missing"),
        ("framework.py", _cut, "framework.py has 3 bytes of 15"),
        ("framework-1.0.dist-info", shutil.rmtree, "the package framework is missing"),
        ("framework-1.0.dist-info/RECORD", Path.unlink, "the list of the files of framework is missing"),
        ("framework-1.0.dist-info/RECORD", _cut, "the list of the files of framework cannot be read"),
    ],
)
def test_a_damaged_environment_is_built_anew(
    source: Source, file: str, damage: Callable[[Path], None], found: str
) -> None:
    lines: list[str] = []
    first = _ensure(source)
    [site] = first.description.folder.glob("lib/python*/site-packages")
    damage(site / file)
    run = RunEnvironments(stop=NEVER, say=lines.append)
    assert run.ensure(source) == first
    assert lines == [f"building the tiny environment anew, which is damaged: {found}"]
    assert (site / "framework.py").read_text() == FRAMEWORK
    assert _ensure(source, lines.append) == run.ensure(source) == first
    assert len(lines) == 1


def test_a_wheel_whose_list_is_wrong_is_no_damage(source: Source, tmp_path: Path) -> None:
    wheel = tmp_path / "wheels/framework-1.0-py3-none-any.whl"
    shutil.rmtree(wheel.parent)
    digest = hashlib.sha256(_wheel(wheel.parent, listed=7).read_bytes()).hexdigest()
    (source.folder / "requirements.lock").write_text(f"framework==1.0 --hash=sha256:{digest}\n")
    lines: list[str] = []
    for _ in range(2):
        assert RunEnvironments(stop=NEVER, say=lines.append).ensure(source).packages["framework"] == "1.0"
    assert lines == ["building the tiny environment (once)"]


def test_a_removal_that_broke_off_leaves_nothing_that_counts(source: Source) -> None:
    folder = _ensure(source).description.folder
    folder.rename(folder.with_name(f"{folder.name}.part"))  # as it is while it is being removed
    assert building.existing(source) is None
    assert building.remove(source, stop=NEVER) == []
    assert not list(environments_folder().iterdir())
    assert _ensure(source).packages


def test_the_users_own_python_variables_do_not_reach_a_worker(
    source: Source, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "poison").mkdir()
    (tmp_path / "poison" / "framework.py").write_text("raise SystemExit('poisoned')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "poison"))
    assert _ensure(source).packages["framework"] == "1.0"


def test_the_lines_of_one_package_are_found_in_a_lock() -> None:
    lock = spec_of(SOURCES["timm"]).lock.read_text()
    lines = building.requirement_lines(lock, "torch").splitlines()
    assert [line.split("==")[0] for line in lines if "==" in line and line[0] != " "] == ["torch"] * 2
    assert sum("--hash=sha256:" in line for line in lines) > 2
    assert building.requirement_lines(lock, "torchvision").startswith("torchvision==")


def test_every_source_says_what_its_environment_takes_on_disk() -> None:
    assert [source.name for source in frameworks().values() if not spec_of(source).gigabytes] == []
