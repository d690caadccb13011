"""Configs of one's own for MMClassification: what they describe is built, and what is wrong is told.

tests/pipeline/config/test_mmcls_config.py has what is told before anything runs.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from converters.interface import NetworkOptions
from evaluation.inputs import read_npz
from parity.compare import Tolerance, compare
from pipeline.errors import WorkerError
from pipeline.system.files import sha256_of_file
from tests.commands import run_command
from tests.converters.conftest import Export, RunIn

pytestmark = pytest.mark.mmcls

PICTURES = {
    "input_size": [3, 32, 32],
    "resize": 32,
    "crop_mode": "squash",
    "interpolation": "bilinear",
    "mean": [0.0] * 3,
    "std": [1.0] * 3,
    "colour": "RGB",
}
BASE = "mmcls::_base_/models/resnet18.py"
STEPS = "[{type: Normalize, mean: [102, 51, 153], std: [51, 51, 102]}]"
DATA = f"""\
_base_: {BASE}
model:
  pretrained: ./nowhere.pth
  backbone: {{stem_channels: 4, base_channels: 4, init_cfg: {{type: Pretrained, checkpoint: ./nowhere.pth}}}}
  head: {{in_channels: 32, num_classes: 3, topk: 1}}
data:
  train: {{type: RepeatDataset, dataset: {{classes: [cat, dog, 3]}}}}
  test: {{type: CustomDataset, pipeline: {STEPS}}}
"""
PROGRAM = f"""\
_base_ = ['{BASE}']
model = dict(
    backbone=dict(stem_channels=4, base_channels=4),
    head=dict(in_channels=32, num_classes=3, topk=(1,)))
data = dict(test=dict(pipeline=[dict(type='Normalize', mean=[0] * 3, std=[51] * 3)]))
"""


def _config(folder: Path, text: str, name: str = "mine.py") -> tuple[str, NetworkOptions]:
    """The path of a config, and options that trust it."""
    file = folder / "configs" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return str(file), NetworkOptions(trusted_code=(file,))


def test_a_config_that_is_data_is_built_as_it_says(tmp_path: Path, export: Export) -> None:
    model, options = _config(tmp_path, DATA, "mine.yaml")
    made = export("mmcls", model, options=options, **PICTURES)
    assert made.answer["form"] == "as the config mine.yaml describes it"
    assert made.answer["head"] == {"classes": 3, "from": "the framework"}
    assert made.answer["labels"] == {"names": ["cat", "dog", "3"], "origin": "the config mine.yaml"}
    [(name, digest)] = made.answer["packaged_code"].items()
    assert (name, len(digest)) == (BASE, len(hashlib.sha256().hexdigest()))
    assert all(outputs.std() > 0.1 for outputs in made.outputs.values())


def test_a_checkpoint_says_more_of_the_classes_than_its_config(
    tmp_path: Path, export: Export, run_in: RunIn
) -> None:
    model, options = _config(tmp_path, DATA, "mine.yaml")
    run_in(
        "mmcls",
        "import mmcv, torch\nfrom mmcls.models import build_classifier\nimport mmcls_configs\n"
        "model = mmcv.Config.fromfile(str(mmcls_configs.CONFIGS / '_base_/models/resnet18.py')).model\n"
        "model.backbone.update(stem_channels=4, base_channels=4)\n"
        "model.head.update(in_channels=32, num_classes=5, topk=(1,))\n"
        "meta = {'CLASSES': list('abcde')}\n"
        "torch.save({'meta': meta, 'state_dict': build_classifier(model).state_dict()}, 'five.pth')\n"
        "model.backbone.depth = 34\n"
        "torch.save({'state_dict': build_classifier(model).state_dict()}, 'deeper.pth')\n",
    )
    weights = {"kind": "file", "path": str(tmp_path / "five.pth")}
    made = export("mmcls", model, weights, options=options, **PICTURES)
    assert made.answer["head"] == {"classes": 5, "from": "the weights file"}
    assert made.answer["labels"]["names"] == list("abcde")
    weights = {"kind": "file", "path": str(tmp_path / "deeper.pth")}
    with pytest.raises(WorkerError, match=r"layer1\.2\.conv1"):
        export("mmcls", model, weights, options=options, **PICTURES)


def test_a_request_that_trusts_nothing_runs_nothing(tmp_path: Path, export: Export) -> None:
    model, _ = _config(
        tmp_path, f"import pathlib; pathlib.Path({str(tmp_path / 'ran')!r}).touch()\n{PROGRAM}"
    )
    with pytest.raises(WorkerError, match="is code, and was not run: only `run --trust-code` runs code"):
        export("mmcls", model, **PICTURES)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "mine.yaml",
            "model: !!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.Path [ran]]",
            "could not determine a constructor for the tag",
        ),
        (
            "mine.py",
            "globals()['_base_'] = 'other.py'",
            "is based on FOLDER/other.py in a way that cannot be",
        ),
        (
            "mine.py",
            "_base_ = 'mmcls::_base_/models/resnet81.py'",
            "did you mean mmcls::_base_/models/resnet18.py?",
        ),
        (
            "mine.py",
            "raise ValueError('not today')",
            "reading the config FOLDER/mine.py raised ValueError: not",
        ),
        (
            "mine.py",
            "globals()['custom_imports'] = dict(imports=['other'])",
            "has custom_imports, code beside",
        ),
        ("mine.py", "model = dict(type='FasterRCNN', backbone=dict(type='ResNet'))", "its model has no head"),
        (
            "mine.py",
            PROGRAM.replace("head=dict(", "head=dict(type='None', "),
            "'None is not in the models registry'",
        ),
        ("mine.py", PROGRAM.replace("'Normalize'", "'Blur'"), "its step Blur is not known here"),
        ("mine.py", PROGRAM.replace("data =", "other ="), "it has no data.test.pipeline"),
        ("mine.py", PROGRAM.replace("mean=[0] * 3, ", ""), "as its config says: KeyError: 'mean'"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, export: Export, name: str, text: str, expected: str) -> None:
    model, options = _config(tmp_path, text, name)
    _config(tmp_path, f"import pathlib\npathlib.Path({str(tmp_path / 'ran')!r}).touch()\n", "other.py")
    with pytest.raises(WorkerError) as caught:
        export("mmcls", model, options=options, **PICTURES)
    assert expected in str(caught.value).replace(str(tmp_path / "configs"), "FOLDER")
    assert "ends with" not in str(caught.value)
    assert not list(tmp_path.rglob("ran"))


def test_code_that_a_config_imports_unseen_is_told(tmp_path: Path, export: Export) -> None:
    search = f"import sys; sys.path.insert(0, {str(tmp_path / 'configs')!r})"
    model, options = _config(tmp_path, f"{search}\nimport other\n{PROGRAM}")
    _config(tmp_path, "", "other.py")
    with pytest.raises(WorkerError, match=r"other.py was imported in a way that cannot be seen"):
        export("mmcls", model, options=options, **PICTURES)


CONFIG = """\
import pathlib

pathlib.Path({ran!r}).touch()
_base_ = ['mmcls::_base_/models/resnet18.py', './pictures.py']
start = dict(type='Pretrained', checkpoint='torchvision://resnet18')
model = dict(
    backbone=dict(stem_channels=4, base_channels=4, init_cfg=start),
    head=dict(in_channels=32, num_classes=7, topk=(1,)))
data = dict(train=dict(classes='names.txt'))
"""
STEPS_BESIDE = """\
steps = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', size=(36, -1)),
    dict(type='CenterCrop', crop_size=32),
    dict(type='Normalize', mean=[102, 51, 153], std=[51, 51, 102], to_rgb=True),
    dict(type='ImageToTensor', keys=['img']),
    dict(type='Collect', keys=['img'])]
data = dict(test=dict(type='CustomDataset', pipeline=steps))
"""
SAVE = """
import mmcv
import numpy as np
import torch
from mmcls.models import build_classifier

described = dict(
    type="ImageClassifier",
    backbone=dict(type="ResNet", depth=18, num_stages=4, out_indices=(3,), stem_channels=4, base_channels=4),
    neck=dict(type="GlobalAveragePooling"),
    head=dict(type="LinearClsHead", num_classes=7, in_channels=32, topk=(1,)))
torch.manual_seed(3)
network = build_classifier(mmcv.Config(dict(model=described)).model).eval()
for tensor in network.parameters():
    if tensor.ndim > 1:
        torch.nn.init.normal_(tensor, std=(2 / tensor[0].numel()) ** 0.5)
torch.save({"meta": {"epoch": 3}, "state_dict": network.state_dict()}, "latest.pth")
pictures = torch.randn(2, 3, 32, 32)
answer = network.simple_test(pictures, softmax=False, post_process=False)
np.savez("asked.npz", pictures=pictures.numpy(), answer=answer.detach().numpy())
"""
FILE = """\
publish: dist
opsets: 7
models:
  - {source: mmcls, model: ./configs/mine.py, name: mine, weights: {file: latest.pth}}
"""


def test_a_config_is_published_with_its_checkpoint(tmp_path: Path, run_in: RunIn) -> None:
    run_in("mmcls", SAVE)
    configs, ran, classes = tmp_path / "configs", tmp_path / "ran", [f"class {index}" for index in range(7)]
    configs.mkdir()
    (configs / "mine.py").write_text(CONFIG.format(ran=str(ran)))
    (configs / "pictures.py").write_text(STEPS_BESIDE)
    (configs / "names.txt").write_text("\n".join(classes))
    (tmp_path / "pipeline.yaml").write_text(FILE)
    refused = run_command("run", "pipeline.yaml", folder=tmp_path)
    assert refused.returncode == 2
    chain = f"the config {configs / 'mine.py'}, based on {configs / 'pictures.py'} and, of the framework's"
    assert f"mmcls/mine runs code: {chain} package, mmcls::_base_/models/resnet18.py." in refused.stderr
    assert not ran.exists()

    answer = run_command("run", "pipeline.yaml", "--trust-code", folder=tmp_path)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert ran.exists()
    asked, folder = read_npz(tmp_path / "asked.npz"), tmp_path / "dist/mmcls/mine/model"
    session = onnxruntime.InferenceSession(folder / "mine-7.onnx")
    [logits] = session.run(None, {session.get_inputs()[0].name: asked["pictures"]})
    assert compare(asked["answer"], np.asarray(logits), Tolerance()).passed
    record = json.loads((folder / "mine-7.record.json").read_text())
    code = record["provenance"]["code"]
    assert code.pop("mmcls::_base_/models/resnet18.py")
    assert code == {name: sha256_of_file(configs / name) for name in ("mine.py", "pictures.py")}
    assert record["provenance"]["form"] == "as the config mine.py describes it"
    assert record["provenance"]["weights"]["file"]["matched"] == "by name"
    assert record["labels"]["names"] == classes
    wanted = {
        key: record["preprocessing"][key] for key in ("input_size", "resize", "mean", "std", "convention")
    }
    assert wanted == {
        "input_size": [3, 32, 32],
        "resize": 36,
        "mean": [0.4, 0.2, 0.6],
        "std": [0.2, 0.2, 0.4],
        "convention": "mmcls",
    }
