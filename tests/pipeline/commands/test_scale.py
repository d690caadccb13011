"""Runs that are larger than their disk, that were killed, or whose environments cannot be built."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from converters.catalogue import catalogue_file
from tests.commands import run_command
from tests.pipeline.disks import mounted
from tests.pipeline.fake_source import FakeSource

pytestmark = pytest.mark.slow

WORK = Path("work/tiny/net")


def _in_work(tiny: FakeSource) -> list[str]:
    return sorted(path.name.partition("-")[0] for path in (tiny.folder / WORK).glob("*"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for one unit of a small model, and not for ten."""
    folder = tmp_path / "small"
    folder.mkdir()
    with mounted(folder, megabytes=48):
        yield folder


def test_a_run_that_the_disk_cannot_hold_does_not_begin(
    tiny: FakeSource, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINY_CLASSES", "300000")  # 4.8 MB of weights
    listed = catalogue_file(tiny.source)
    listed.write_text(listed.read_text().replace('"bytes": 160', '"bytes": 4800000'))
    tiny.write("net", opsets="3-12")
    answer = tiny.command("run", "pipeline.yaml", "--publish", str(small_disk / "dist"))
    assert answer.returncode == 1
    assert "the disk will not do, and nothing was started" in answer.stderr
    assert f"to publish in {small_disk}/dist" in answer.stderr
    assert "--opset" in answer.stderr
    assert not list(small_disk.iterdir())
    assert not (tiny.folder / WORK).exists()
    fitting = ("run", "pipeline.yaml", "--publish", str(small_disk / "dist"), "--opset", "12")
    assert tiny.command(*fitting).returncode == 0
    assert [path.name for path in small_disk.rglob("*.onnx")] == ["net-12.onnx"]


MXNET = "publish: dist\nopsets: 3-12\nmodels: [{source: mxnet, model: squeezenet1.1}]\n"


def _pipeline(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_command(*arguments, folder=folder)


@pytest.mark.mxnet
def test_a_plan_says_what_a_run_takes_and_a_run_takes_no_more(tmp_path: Path) -> None:
    """Of a real framework: the shares that an estimate reckons with are of weights like these."""
    (tmp_path / "pipeline.yaml").write_text(MXNET)
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


def test_a_run_is_noted_for_the_next_plan(tiny: FakeSource) -> None:
    tiny.write("net", opsets="3-12")
    assert tiny.command("run", "pipeline.yaml", "--opset", "12").returncode == 0
    plan = json.loads(tiny.command("plan", "pipeline.yaml", "--format", "json").stdout)
    [model] = plan["models"]
    assert model["seconds_by"] == "history"
    assert model["units"] == 9
    assert model["seconds"] == pytest.approx(plan["seconds"], abs=0.1)


def test_what_is_left_of_a_failed_run_is_taken_up_or_goes(tiny: FakeSource) -> None:
    strict = "parity: {relative: 1.0e-12}"
    tiny.write("net", more=strict)
    assert tiny.command("run", "pipeline.yaml").returncode == 1
    left = ["export", "inputs", "opset", "parity"]
    assert _in_work(tiny) == left
    before = {path.name for path in (tiny.folder / WORK).iterdir()}
    tiny.write("net", more=f"{strict}\nweights: {{random: 5}}\nbatch: 2")
    (tiny.folder / WORK / "export-of-a-killed-run.part").mkdir()
    assert tiny.command("run", "pipeline.yaml").returncode == 1
    assert _in_work(tiny) == left  # one of each: nothing of the other weights, nothing half
    assert {path.name for path in (tiny.folder / WORK).iterdir()} & before == {"parity-12-12"}
    tiny.write("net")
    assert tiny.command("run", "pipeline.yaml").returncode == 0
    assert not (tiny.folder / WORK).exists()


def test_what_a_run_killed_at_its_end_left_goes_with_the_next(tiny: FakeSource) -> None:
    tiny.write("net", opsets="11-12")
    assert tiny.command("run", "pipeline.yaml").returncode == 0
    (tiny.folder / WORK / "export-0").mkdir(parents=True)
    assert tiny.command("run", "pipeline.yaml", "--opset", "12").returncode == 0
    assert (tiny.folder / WORK).exists()  # for all that this selection knows, another one needs it
    answer = tiny.command("run", "pipeline.yaml")
    assert "all 2 units are published" in answer.stderr
    assert not (tiny.folder / WORK).exists()


TWO_SOURCES = """\
publish: dist
opsets: 11-12
models:
  - source: timm
    models: [resnet18, 'vgg16_b?']
  - source: tiny
    model: net
"""


@pytest.fixture
def unbuildable(monkeypatch: pytest.MonkeyPatch) -> None:
    """An index that has nothing."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    for name in [name for name in os.environ if name.startswith("UV_") or name == "PIP_FIND_LINKS"]:
        monkeypatch.delenv(name)


def _write(tiny: FakeSource, text: str) -> None:
    (tiny.folder / "pipeline.yaml").write_text(text, encoding="utf-8")


@pytest.mark.usefixtures("unbuildable")
def test_an_environment_that_cannot_be_built_costs_its_own_models(tiny: FakeSource) -> None:
    _write(tiny, TWO_SOURCES)
    answer = tiny.command("run", "pipeline.yaml")
    assert answer.returncode == 1
    assert answer.stderr.count("building the timm environment") == 1
    assert answer.stderr.count("the timm environment could not be built") == 1
    for name in ("timm/resnet18@11", "timm/resnet18@12", "timm/vgg16_bn@12"):
        row = next(line for line in answer.stdout.splitlines() if line.startswith(f"{name} "))
        assert "failed" in row
    assert "timm/resnet18@11 and 3 more: the timm environment could not be built" in answer.stdout
    assert tiny.published == ["net-11.onnx", "net-12.onnx"]


@pytest.mark.usefixtures("unbuildable")
def test_a_plan_knows_names_and_sizes_without_an_environment(tiny: FakeSource) -> None:
    _write(tiny, TWO_SOURCES)
    answer = tiny.command("plan", "pipeline.yaml")
    assert answer.returncode == 0
    rows = {" ".join(line.split()) for line in answer.stdout.splitlines()}
    assert {"timm/resnet18@11 to do", "timm/vgg16_bn@11 to do", "tiny/net@12 to do"} <= rows
    assert any(row.startswith("timm/resnet18 2 47 MB ") for row in rows)
    assert "not counted" not in answer.stdout
    assert answer.stderr == ""


def test_a_plan_says_of_which_models_it_does_not_know_the_size(tiny: FakeSource) -> None:
    listed = catalogue_file(tiny.source)
    listed.write_text(listed.read_text().replace('"bytes": 160', '"bytes": null'))
    tiny.write("net")
    assert "not counted: 1 model of unknown size" in tiny.command("plan", "pipeline.yaml").stdout
