"""What is known of a config of MMClassification without running it, and what is said of one that is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.commands.run import _require_trust
from pipeline.errors import UsageError
from pipeline.planning.jobs import Plan
from pipeline.planning.own_models import ConfigModel
from pipeline.planning.planner import make_plan, read_checked
from pipeline.planning.selection import Selection

FILE = """\
publish: dist
opsets: [3, 12]
models:
  - source: mmcls
    model: ./configs/mine.py
    name: mine
"""
MINE = """\
_base_ = ['../shared/pictures.py', 'mmcls::_base_/models/resnet18.py', './more.yaml']
raise SystemExit('this was run')
names = 'names.txt'
model = dict(head=dict(num_classes={{_base_.classes}}))
data = dict(train=dict(classes=names), test=dict(classes='/etc/hostname'))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A config that would end whoever ran it, with two that it is based on and one that it is not."""
    for name, text in (
        ("configs/mine.py", MINE),
        ("configs/more.yaml", "_base_: ../shared/runtime.json\nclasses: {{_base_.classes}}\n"),
        ("configs/names.txt", "cat\ndog\n"),
        ("shared/pictures.py", "raise SystemExit\n"),
        ("shared/runtime.json", json.dumps({"classes": 2})),
        ("shared/unused.py", ""),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def _plan(folder: Path, text: str = FILE, trust_code: bool = False) -> Plan:
    (folder / "pipeline.yaml").write_text(text, encoding="utf-8")
    return make_plan(read_checked(folder / "pipeline.yaml"), Selection(trust_code=trust_code))


def test_the_chain_is_known_and_nothing_of_it_is_run(folder: Path) -> None:
    [job] = _plan(folder).jobs
    assert isinstance(job.model, ConfigModel)
    assert job.model.names == ["mine.py", "../shared/pictures.py", "more.yaml", "../shared/runtime.json"]
    assert job.model.packaged == ("mmcls::_base_/models/resnet18.py",)
    assert job.model.label_files == (folder / "configs/names.txt",)  # and nothing that lies elsewhere
    assert job.model.argument == str(folder / "configs/mine.py")
    assert job.network_options.trusted_code is None
    assert _plan(folder, trust_code=True).jobs[0].network_options.trusted_code == job.model.files


def test_what_would_run_is_told(folder: Path) -> None:
    with pytest.raises(UsageError) as caught:
        _require_trust(_plan(folder))
    mine, pictures = folder / "configs/mine.py", folder / "shared/pictures.py"
    assert (
        f"mmcls/mine runs code: the config {mine}, based on {pictures} and, of the framework's package, "
        "mmcls::_base_/models/resnet18.py. Look at it, and run with --trust-code." in str(caught.value)
    )
    _require_trust(_plan(folder, trust_code=True))


def test_a_config_that_is_data_runs_without_trust(folder: Path) -> None:
    text = FILE.replace("mine.py", "more.yaml")
    (folder / "shared/runtime.json").write_text('{"model": {}}')
    plan = _plan(folder, text)
    _require_trust(plan)
    assert plan.jobs[0].network_options.trusted_code == (
        folder / "configs/more.yaml",
        folder / "shared/runtime.json",
    )
    (folder / "configs/more.yaml").write_text("_base_: [../shared/pictures.py, ../shared/runtime.json]\n")
    with pytest.raises(UsageError, match=r"runs code: the config .*/shared/pictures.py\. Look at it"):
        _require_trust(_plan(folder, text))


def test_every_file_of_the_chain_is_in_the_key_and_no_other(folder: Path) -> None:
    keys = [_plan(folder).units[0].key]
    (folder / "shared/unused.py").write_text("1")
    (folder / "configs/mine.py").touch()
    assert _plan(folder).units[0].key == keys[0]
    for name in ("configs/mine.py", "configs/names.txt", "shared/pictures.py"):
        (folder / name).write_text((folder / name).read_text() + "\n# another\n")
        keys.append(_plan(folder).units[0].key)
    (folder / "shared/runtime.json").write_text('{"classes": 3}')
    keys.append(_plan(folder).units[0].key)
    (folder / "configs/names.txt").unlink()
    keys.append(_plan(folder).units[0].key)
    assert len(set(keys)) == 6


def test_the_size_of_the_entry_goes_to_the_network(folder: Path) -> None:
    text = f"{FILE}    channels: 1\n    preprocessing: {{input_size: [1, 64, 64]}}\n    classes: 5\n"
    options = _plan(folder, text).jobs[0].network_options
    assert (options.input_size, options.classes) == ((1, 64, 64), 5)
    assert _plan(folder).jobs[0].network_options.input_size is None


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("mine.py", "none.py", "there is no file configs/none.py. Correct the path of the config."),
        ("mine.py", "names.txt", "is a path, and no config of MMClassification (.py, .yaml, .yml, .json)"),
        ("./configs/mine.py", "mine.py", "a config is named by its path, with a slash: give ./mine.py."),
        ("    name: mine\n", "", "a model given as a config needs a name to be published under"),
        (
            "name: mine",
            "name: mine\n    weights: pretrained",
            "nobody offers weights for a config of your own",
        ),
        ("name: mine", "name: mine\n    channels: 1", "give preprocessing: {input_size: [1, H, W]}."),
        ("source: mmcls", "source: timm", "is a path, and timm takes the names of its models only"),
    ],
)
def test_a_mistake_in_the_entry_is_told(folder: Path, old: str, new: str, expected: str) -> None:
    with pytest.raises(UsageError) as caught:
        _plan(folder, FILE.replace(old, new))
    assert expected in str(caught.value).replace(f"{folder}/", "")


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (
            "_base_ = './_base_/models/none.py'",
            "and there is no file configs/_base_/models/none.py. Correct it, or give "
            "mmcls::_base_/models/none.py for the config in MMClassification's package.",
        ),
        ("_base_ = ['../shared/' + name]", "the _base_ of configs/mine.py cannot be read without running it"),
        (
            "_base_ = []\n_base_ += ['a.py']",
            "the _base_ of configs/mine.py cannot be read without running it",
        ),
        ("if True:\n    _base_ = 'a.py'", "the _base_ of configs/mine.py cannot be read without running it"),
        ("_base_ = ('a.py',)", "is neither a path nor a list of paths"),
        ("_base_ = 'mine.py'", "configs/mine.py is based on itself"),
        ("_base_ = 'names.txt'", "based on 'names.txt', which is no path of a config"),
        ("_base_ = '{{ fileDirname }}/a.py'", "which is no path of a config"),
        ("_base_ = 'mmdet::a.py'", "of packages, mmcls:: alone can be named, and not mmdet::"),
        ("_base_ = 'mmcls::../a.py'", "which is no config of MMClassification's package"),
        ("model = dict(", "configs/mine.py cannot be read as Python: "),
        ("data = dict()", "configs/mine.py says no model, nor does what it is based on"),
        (
            "model = dict()\ncustom_imports = dict(imports=['a'])",
            "has custom_imports, code beside the configs",
        ),
        (
            "_base_ = '../shared/wrong.yaml'",
            "shared/wrong.yaml cannot be read as YAML: could not determine a",
        ),
        ("_base_ = '../shared/list.json'", "shared/list.json holds no keys and values"),
    ],
)
def test_a_mistake_in_the_chain_is_told(folder: Path, config: str, expected: str) -> None:
    (folder / "configs/mine.py").write_text(config)
    (folder / "shared/wrong.yaml").write_text("model: !!python/object/apply:os.system ['touch ran']\n")
    (folder / "shared/list.json").write_text("[]")
    with pytest.raises(UsageError) as caught:
        _plan(folder)
    assert expected in str(caught.value).replace(f"{folder}/", "")


def test_a_model_that_a_program_may_assign_unseen_is_looked_for_when_it_runs(folder: Path) -> None:
    for config in (
        "globals()['model'] = dict()",
        "from parts import *",
        "_base_ = 'mmcls::vgg/vgg11_8xb32_in1k.py'",
    ):
        (folder / "configs/mine.py").write_text(config)
        assert _plan(folder).jobs
