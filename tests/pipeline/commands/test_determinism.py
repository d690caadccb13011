"""The same job gives the same bytes: in another folder, time zone and locale, and on another day."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from converters.registry import SOURCES
from tests.publishing.zoos import bytes_of

pytestmark = [getattr(pytest.mark, name) for name in SOURCES]
ROOT = Path(__file__).parents[3]
SELECTION = ("--opset", "3,12")
OTHER_DAY = ("faketime", "-f", "+400d")


def _publish(folder: Path, *options: str, before: tuple[str, ...] = (), **variables: str) -> dict[str, bytes]:
    """The files that the default job publishes in ``folder``, as a command of its own."""
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "pipeline.yaml", folder)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    command = [*before, sys.executable, "-m", "pipeline", "run", "pipeline.yaml", *SELECTION, *options]
    answer = subprocess.run(command, cwd=folder, capture_output=True, check=False, env=environment)
    assert answer.returncode == 0, answer.stdout.decode() + answer.stderr.decode()
    files = bytes_of(folder / "dist")
    shutil.rmtree(folder)
    return files


def test_the_same_job_gives_the_same_bytes(tmp_path: Path) -> None:
    if shutil.which(OTHER_DAY[0]) is None:
        pytest.skip("NOT TESTED: another day. Install Debian's package faketime; CI has it.")
    first = _publish(tmp_path / "here", "--jobs", "2", TZ="UTC", LC_ALL="C.UTF-8")
    second = _publish(
        tmp_path / "somewhere else" / "entirely",
        before=OTHER_DAY,
        TZ="Pacific/Kiritimati",
        LC_ALL="C",
        PYTHONUTF8="0",
        PYTHONCOERCECLOCALE="0",
        PYTHONHASHSEED="7",
        FAKETIME_DONT_FAKE_MONOTONIC="1",
    )
    assert {path.rsplit(".", 1)[-1] for path in first} >= {"onnx", "gz", "json", "md", "html", "txt", "jpg"}
    assert len([path for path in first if path.endswith(".onnx")]) == 14
    assert first.keys() == second.keys()
    assert [path for path in first if first[path] != second[path]] == []
