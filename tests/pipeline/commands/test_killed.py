"""A real run that is killed while it publishes for the first time: the next one shows no trace of it.

The events of what publishing does by itself are all gone through in ``tests/publishing/test_killed.py``; here
they happen between the stages, in a process that takes its locks, work and half a zoo with it.
"""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.pipeline.fake_source import ROOT, FakeSource
from tests.publishing.zoos import bytes_of

KILLER = """\
import os
import signal
import sys


def kill(event, arguments):
    if event == "os.rename" and os.path.abspath(arguments[1]) == {place!r}:
        os.kill(os.getpid(), signal.SIGKILL)


sys.addaudithook(kill)
"""
"""A module that Python imports as it starts: it kills the process right before a file gets its name."""

PLACES = {
    "after the first file of all": "ONNX_HUB_MANIFEST.json",
    "after the first file of the first unit": "tiny/net/model/net-12.tar.gz",
    "before the record of the first unit": "tiny/net/model/net-12.record.json",
    "after the first page": "tiny/net/README.md",
}
"""The files that do not get their names, in the order of a run."""


def _names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.mark.slow
def test_a_first_run_that_is_killed_leaves_no_trace(
    tiny: FakeSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nine runs, as only a process that is gone leaves all that it had: locks, work and staging."""
    modules, scratch, dist = tmp_path / "modules", tmp_path / "scratch", tiny.folder / "dist"
    modules.mkdir()
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    tiny.write("net")
    killer, path = modules / "sitecustomize.py", f"{modules}{os.pathsep}{ROOT}"
    killer.touch()
    assert tiny.command("run", "pipeline.yaml").returncode == 0
    undisturbed, names = bytes_of(dist), _names(tmp_path)
    assert {*PLACES.values()} <= undisturbed.keys()
    for when, place in PLACES.items():
        shutil.rmtree(dist)
        killer.write_text(KILLER.format(place=str(dist / place)))
        process = tiny.start("run", "pipeline.yaml", PYTHONPATH=path, PYTHONDONTWRITEBYTECODE="1")
        output, errors = process.communicate()
        assert process.returncode == -signal.SIGKILL, when + output + errors
        assert not (dist / place).exists()
        answer = tiny.command("run", "pipeline.yaml")
        assert answer.returncode == 0, when + answer.stdout + answer.stderr
        assert bytes_of(dist) == undisturbed, when
        assert _names(tmp_path) == names, when
