"""What is said of code that a pipeline file names as a model, without running any of it."""

from __future__ import annotations

import threading
import zipfile
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.environments.run_environments import RunEnvironments
from pipeline.errors import UsageError, WorkerError
from pipeline.planning.jobs import Plan
from pipeline.planning.own_models import CodeModel
from pipeline.planning.planner import make_plan, read_checked
from pipeline.planning.selection import Selection
from pipeline.stages.export import make_material
from pipeline.stages.model_run import ModelRun
from pipeline.terminal.progress import PlainProgress

FILE = """\
publish: dist
opsets: [3, 12]
models:
  - source: pytorch
    model: ./net.py:build
    name: mine
    preprocessing: {input_size: [3, 8, 8]}
"""
MODULE = "from blocks.layers import Own\nimport os\nraise SystemExit\ndef build(): ...\nother = build\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A module that would end whoever ran it, with a package beside it and a module that nobody imports."""
    (tmp_path / "blocks").mkdir()
    for name, text in (
        ("net", MODULE),
        ("unused", ""),
        ("blocks/__init__", ""),
        ("blocks/layers", "from . import heads\nfrom .heads import Head\n"),
        ("blocks/heads", ""),
        ("broken", "def build(:"),
    ):
        (tmp_path / f"{name}.py").write_text(text)
    with zipfile.ZipFile(tmp_path / "net.pt", "w") as archive:
        archive.writestr("net/constants.pkl", b"")
    with zipfile.ZipFile(tmp_path / "weights.pt", "w") as archive:
        archive.writestr("weights/data.pkl", b"")
    return tmp_path


def _plan(folder: Path, text: str = FILE, trust_code: bool = False) -> Plan:
    (folder / "pipeline.yaml").write_text(text, encoding="utf-8")
    return make_plan(read_checked(folder / "pipeline.yaml"), Selection(trust_code=trust_code))


def test_what_runs_is_known_and_nothing_of_it_is_run(folder: Path) -> None:
    [job] = _plan(folder).jobs
    assert isinstance(job.model, CodeModel)
    assert job.model.names == ["net.py", "blocks/__init__.py", "blocks/heads.py", "blocks/layers.py"]
    assert job.model.argument == f"{folder / 'net.py'}:build"
    assert job.network_options.trusted_code is None
    assert _plan(folder, trust_code=True).jobs[0].network_options.trusted_code == job.model.files


def test_what_is_imported_is_in_the_key_and_nothing_else(folder: Path) -> None:
    before = _plan(folder).units[0].key
    (folder / "unused.py").write_text("1")
    assert _plan(folder).units[0].key == before
    assert _plan(folder, FILE.replace(":build", ":other")).units[0].key != before
    (folder / "blocks/heads.py").write_text("1")
    assert _plan(folder).units[0].key != before


def test_requirements_are_in_the_key_in_any_order(folder: Path) -> None:
    asked = ("[]", "[a==1]", "[a==1, b==2]", "[b==2, a==1]", "[a==2, b==2]")
    keys = [_plan(folder, f"{FILE}    requirements: {some}\n").units[0].key for some in asked]
    assert keys[0] == _plan(folder).units[0].key
    assert keys[2] == keys[3]
    assert len(set(keys)) == 4


def test_what_nobody_trusts_gets_no_environment(folder: Path) -> None:
    plan, stop = _plan(folder, f"{FILE}    requirements: [a==1]\n"), threading.Event()
    environments = RunEnvironments(stop=stop, say=pytest.fail)
    run = ModelRun(plan.jobs[0], plan, PlainProgress(Console(stderr=True)), environments, stop)
    with pytest.raises(WorkerError, match="pytorch/mine is code, and was not run: only `run --trust-code`"):
        make_material(run)


def test_an_archive_is_in_its_key(folder: Path) -> None:
    text = FILE.replace("./net.py:build", "./net.pt")
    before = _plan(folder, text).units[0].key
    with zipfile.ZipFile(folder / "net.pt", "a") as archive:
        archive.writestr("net/data/0", b"1")
    assert _plan(folder, text).units[0].key != before


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "./net.py:build",
            "./net.py",
            "does not say which function builds the network. Give ./net.py:F",
        ),
        ("./net.py:build", "./net.py:biuld", "net.py defines no biuld. It has build."),
        ("./net.py:build", "./none.py:build", "there is no file none.py. Correct the path of the model."),
        ("./net.py:build", "./broken.py:build", "broken.py cannot be read as Python: invalid syntax"),
        (
            "./net.py:build",
            "./net.onnx",
            "neither a function, as ./net.py:build, nor a TorchScript archive",
        ),
        (
            "./net.py:build",
            "./weights.pt",
            "weights.pt is no TorchScript archive, as torch.jit.save writes",
        ),
        ("./net.py:build", "net.py:build", "pytorch lists no models: its models are files of yours"),
        ("    name: mine\n", "", "a model given as a file needs a name"),
        (
            "input_size: [3, 8, 8]",
            "",
            "code does not say the size of its pictures. Give preprocessing: {input_size",
        ),
        ("name: mine", "name: mine\n    classes: 7", "code of your own has its own words for classes"),
        ("name: mine", "name: mine\n    weights: pretrained", "nobody offers weights for code of your own"),
        (
            "./net.py:build",
            "./net.pt\n    weights: {random: 3}\n    arguments: {a: 1}",
            "a TorchScript archive has weights of its own",
        ),
        ("./net.py:build", "./net.pt\n    arguments: {a: 1}", "a TorchScript archive is built already"),
        ("./net.py:build", "./net.pt\n    requirements: [a==1]", "a TorchScript archive imports nothing"),
        ("name: mine", "name: mine\n    requirements: [a]", "'a' is not pinned: give NAME==VERSION"),
        ("name: mine", "name: mine\n    requirements: [a==1.*]", "'a==1.*' is not pinned"),
        ("name: mine", "name: mine\n    requirements: ['a==1; python_version>\"3\"']", "is not pinned"),
        ("name: mine", "name: mine\n    requirements: ['git+https://a.b/c']", "is not pinned"),
        ("name: mine", "name: mine\n    requirements: [a_b==1, A-b==2]", "requirements have a-b twice"),
        ("name: mine", "name: mine\n    requirements: [Torch==1.0]", "the environment has torch 2."),
        (
            "source: pytorch",
            "source: timm\n    requirements: [a==1]",
            "are for code of your own (source: pyt",
        ),
    ],
)
def test_a_mistake_is_told_before_anything_runs(folder: Path, old: str, new: str, expected: str) -> None:
    with pytest.raises(UsageError) as caught:
        _plan(folder, FILE.replace(old, new))
    assert expected in str(caught.value).replace(f"{folder}/", "")
