"""A config of one's own for MMClassification: published, and equal to the framework itself.

tests/converters/test_own_configs.py has other configs, and what is wrong with some.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from converters.interface import WORKER_MODULES
from evaluation.inputs import read_npz
from parity.compare import Tolerance, compare
from pipeline.system.files import sha256_of_file
from tests.commands import run_command
from tests.converters.conftest import environment_of

MMCLS_CONFIG = """\
import pathlib

pathlib.Path({ran!r}).touch()
_base_ = ['mmcls::_base_/models/resnet18.py', './pictures.py']
start = dict(type='Pretrained', checkpoint='torchvision://resnet18')
model = dict(
    backbone=dict(stem_channels=4, base_channels=4, init_cfg=start),
    head=dict(in_channels=32, num_classes=7, topk=(1,)))
data = dict(train=dict(classes='names.txt'))
"""
MMCLS_PICTURES = """\
steps = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', size=(36, -1)),
    dict(type='CenterCrop', crop_size=32),
    dict(type='Normalize', mean=[102, 51, 153], std=[51, 51, 102], to_rgb=True),
    dict(type='ImageToTensor', keys=['img']),
    dict(type='Collect', keys=['img'])]
data = dict(test=dict(type='CustomDataset', pipeline=steps))
"""
MMCLS = """
from torchvision_operators import import_torchvision
import_torchvision()
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
MMCLS_FILE = """\
publish: dist
opsets: [3, 7, 12]
models:
  - {source: mmcls, model: ./configs/mine.py, name: mine, weights: {file: latest.pth}}
"""


@pytest.mark.mmcls
def test_a_config_of_mmcls_is_published_with_its_checkpoint(tmp_path: Path) -> None:
    made = subprocess.run(
        [str(environment_of("mmcls").python), "-W", "ignore", "-c", MMCLS],
        cwd=tmp_path,
        env={"PYTHONPATH": str(WORKER_MODULES), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    configs, ran, classes = tmp_path / "configs", tmp_path / "ran", [f"class {index}" for index in range(7)]
    configs.mkdir()
    (configs / "mine.py").write_text(MMCLS_CONFIG.format(ran=str(ran)))
    (configs / "pictures.py").write_text(MMCLS_PICTURES)
    (configs / "names.txt").write_text("\n".join(classes))
    (tmp_path / "pipeline.yaml").write_text(MMCLS_FILE)
    refused = run_command("run", "pipeline.yaml", folder=tmp_path)
    assert refused.returncode == 2
    chain = f"the config {configs / 'mine.py'}, based on {configs / 'pictures.py'} and, of the framework's"
    assert f"mmcls/mine runs code: {chain} package, mmcls::_base_/models/resnet18.py." in refused.stderr
    assert not ran.exists()

    answer = run_command("run", "pipeline.yaml", "--trust-code", folder=tmp_path)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert ran.exists()
    asked, folder = read_npz(tmp_path / "asked.npz"), tmp_path / "dist/mmcls/mine/model"
    for opset in (7, 12):
        session = onnxruntime.InferenceSession(folder / f"mine-{opset}.onnx")
        [logits] = session.run(None, {session.get_inputs()[0].name: asked["pictures"]})
        assert compare(asked["answer"], np.asarray(logits), Tolerance()).passed
    record = json.loads((folder / "mine-3.record.json").read_text())
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
