"""Runs that are larger than their disk, that were killed, or whose environments cannot be built."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from converters.registry import SOURCES
from pipeline.environments import building
from pipeline.environments.spec import environments_folder
from tests.pipeline.disks import mounted

pytestmark = pytest.mark.mxnet

ONE_MODEL = """\
publish: dist
opsets: 3-12
models:
  - source: mxnet
    model: squeezenet1.1
"""
WORK = Path("work/mxnet/squeezenet1.1")


def _pipeline(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipeline", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def _write(folder: Path, text: str = ONE_MODEL) -> None:
    (folder / "pipeline.yaml").write_text(text, encoding="utf-8")


def _in_work(folder: Path) -> list[str]:
    return sorted(path.name.partition("-")[0] for path in (folder / WORK).glob("*"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for one unit of a small model, and not for ten."""
    folder = tmp_path / "small"
    folder.mkdir()
    with mounted(folder, megabytes=48):
        yield folder


def test_a_run_that_the_disk_cannot_hold_does_not_begin(tmp_path: Path, small_disk: Path) -> None:
    _write(tmp_path)
    answer = _pipeline(tmp_path, "run", "pipeline.yaml", "--publish", str(small_disk / "dist"))
    assert answer.returncode == 1
    assert "the disk will not do, and nothing was started" in answer.stderr
    assert f"to publish in {small_disk}/dist" in answer.stderr
    assert "--opset" in answer.stderr
    assert not list(small_disk.iterdir())
    assert not (tmp_path / WORK).exists()
    fitting = ("run", "pipeline.yaml", "--publish", str(small_disk / "dist"), "--opset", "12")
    assert _pipeline(tmp_path, *fitting).returncode == 0
    assert [path.name for path in small_disk.rglob("*.onnx")] == ["squeezenet1.1-12.onnx"]


def test_a_plan_says_what_a_run_takes_and_a_run_takes_no_more(tmp_path: Path) -> None:
    _write(tmp_path)
    arguments = ("pipeline.yaml", "--opset", "9,12")
    text = _pipeline(tmp_path, "plan", *arguments).stdout
    assert "2 units, 0 done, 2 to do" in text
    assert f"to publish in {tmp_path}/dist" in text
    assert "time: about" in text
    plan = json.loads(_pipeline(tmp_path, "plan", *arguments, "--format", "json").stdout)
    [model] = plan["models"]
    assert model["weights"] == 4 * 1_235_496
    assert _pipeline(tmp_path, "run", *arguments).returncode == 0
    taken = sum(path.stat().st_size for path in (tmp_path / "dist/mxnet").rglob("*") if path.is_file())
    assert 0.75 * model["publish"] <= taken <= model["publish"]
    assert json.loads(_pipeline(tmp_path, "plan", *arguments, "--format", "json").stdout)["models"] == []


@pytest.mark.usefixtures("own_downloads")
def test_a_run_is_noted_for_the_next_plan(tmp_path: Path) -> None:
    _write(tmp_path)
    assert _pipeline(tmp_path, "run", "pipeline.yaml", "--opset", "12").returncode == 0
    plan = json.loads(_pipeline(tmp_path, "plan", "pipeline.yaml", "--format", "json").stdout)
    [model] = plan["models"]
    assert model["seconds_by"] == "history"
    assert model["units"] == 9
    assert model["seconds"] == pytest.approx(plan["seconds"], abs=0.1)


def test_what_is_left_of_a_failed_run_is_taken_up_or_goes(tmp_path: Path) -> None:
    strict = ONE_MODEL.replace("3-12", "12") + "    parity: {relative: 1.0e-12}\n"
    _write(tmp_path, strict)
    assert _pipeline(tmp_path, "run", "pipeline.yaml").returncode == 1
    left = ["export", "inputs", "opset", "parity"]
    assert _in_work(tmp_path) == left
    before = {path.name for path in (tmp_path / WORK).iterdir()}
    _write(tmp_path, strict + "    weights: {random: 5}\n    batch: 2\n")
    (tmp_path / WORK / "export-of-a-killed-run.part").mkdir()
    assert _pipeline(tmp_path, "run", "pipeline.yaml").returncode == 1
    assert _in_work(tmp_path) == left  # one of each: nothing of the other weights, nothing half
    assert {path.name for path in (tmp_path / WORK).iterdir()} & before == {"parity-12-12"}
    _write(tmp_path, ONE_MODEL.replace("3-12", "12"))
    assert _pipeline(tmp_path, "run", "pipeline.yaml").returncode == 0
    assert not (tmp_path / WORK).exists()


def test_what_a_run_killed_at_its_end_left_goes_with_the_next(tmp_path: Path) -> None:
    _write(tmp_path, ONE_MODEL.replace("3-12", "11-12"))
    assert _pipeline(tmp_path, "run", "pipeline.yaml").returncode == 0
    (tmp_path / WORK / "export-0").mkdir(parents=True)
    assert _pipeline(tmp_path, "run", "pipeline.yaml", "--opset", "12").returncode == 0
    assert (tmp_path / WORK).exists()  # for all that this selection knows, another one needs it
    answer = _pipeline(tmp_path, "run", "pipeline.yaml")
    assert "all 2 units are published" in answer.stderr
    assert not (tmp_path / WORK).exists()


TWO_SOURCES = """\
publish: dist
opsets: 11-12
models:
  - source: timm
    models: [resnet18, 'vgg*']
  - source: mxnet
    model: squeezenet1.1
"""


@pytest.fixture
def unbuildable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache in which only MXNet's environment is, and an index that has nothing."""
    shared = building.ensure(SOURCES["mxnet"], stop=threading.Event(), say=print).description.folder
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    environments_folder().mkdir(parents=True)
    (environments_folder() / shared.name).symlink_to(shared)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    for name in [name for name in os.environ if name.startswith("UV_") or name == "PIP_FIND_LINKS"]:
        monkeypatch.delenv(name)


@pytest.mark.usefixtures("unbuildable")
def test_an_environment_that_cannot_be_built_costs_its_own_models(tmp_path: Path) -> None:
    _write(tmp_path, TWO_SOURCES)
    answer = _pipeline(tmp_path, "run", "pipeline.yaml")
    assert answer.returncode == 1
    assert answer.stderr.count("building the timm environment") == 1
    assert answer.stderr.count("the timm environment could not be built") == 1
    for name in ("timm/resnet18@11", "timm/resnet18@12", "timm/vgg*"):
        row = next(line for line in answer.stdout.splitlines() if line.startswith(f"{name} "))
        assert "failed" in row
    assert "timm/resnet18@11 and 2 more: the timm environment could not be built" in answer.stdout
    assert sorted(path.name for path in (tmp_path / "dist").rglob("*.onnx")) == [
        "squeezenet1.1-11.onnx",
        "squeezenet1.1-12.onnx",
    ]


@pytest.mark.usefixtures("unbuildable")
def test_a_plan_shows_what_it_knows_without_an_environment(tmp_path: Path) -> None:
    _write(tmp_path, TWO_SOURCES)
    answer = _pipeline(tmp_path, "plan", "pipeline.yaml")
    assert answer.returncode == 1  # it is not the whole plan: nobody knows what the glob stands for
    assert {"timm/resnet18@11  to do", "timm/vgg*  unknown"} <= {
        " ".join(line.split()).replace(" ", "  ", 1) for line in answer.stdout.splitlines()
    }
    _write(tmp_path, TWO_SOURCES.replace(", 'vgg*'", ""))
    answer = _pipeline(tmp_path, "plan", "pipeline.yaml")
    assert answer.returncode == 0
    assert "building" not in answer.stderr
    assert (
        "not counted: 1 model of unknown size. `python -m pipeline environments build timm`" in answer.stdout
    )
