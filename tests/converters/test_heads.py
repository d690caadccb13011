"""Networks with heads of one's own, for grey pictures and for other sizes, in every framework for real."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import onnxruntime
import pytest

from converters.interface import WORKER_MODULES, NetworkOptions
from parity.compare import Tolerance, compare
from pipeline.errors import WorkerError
from tests.commands import run_command
from tests.converters.conftest import Export, Exported, RunIn

TIMM = """\
import sys; sys.path.insert(0, WORKER)
from torchvision_operators import import_torchvision
import_torchvision()
import timm, torch
torch.manual_seed(1)
network = timm.create_model('resnet18', num_classes=10, in_chans=1)
optimiser = torch.optim.SGD(network.parameters(), 0.05)
for _ in range(3):
    pictures, classes = torch.randn(8, 1, 64, 64), torch.arange(8)
    loss = torch.nn.functional.cross_entropy(network(pictures + classes.reshape(8, 1, 1, 1)), classes)
    optimiser.zero_grad(); loss.backward(); optimiser.step()
torch.save({'state_dict': network.state_dict()}, 'tuned.pth')
"""
TORCHVISION = """\
import sys; sys.path.insert(0, WORKER)
from torchvision_operators import import_torchvision
import torch
torchvision = import_torchvision()
torch.manual_seed(1)
network = torchvision.models.squeezenet1_1(weights=None, num_classes=10)
torch.save(network.state_dict(), 'tuned.pth')
"""
MMCLS = """\
import sys; sys.path.insert(0, WORKER)
from torchvision_operators import import_torchvision
import_torchvision()
import mmcls, mmcv, pathlib, torch
from mmcls.models import build_classifier
from mmcv.runner import save_checkpoint
[config] = pathlib.Path(mmcls.__file__).parent.rglob('configs/mobilenet_v2/mobilenet-v2_8xb32_in1k.py')
described = mmcv.Config.fromfile(str(config)).model
described.head.num_classes = 10
torch.manual_seed(1)
save_checkpoint(build_classifier(described), 'tuned.pth', meta={'CLASSES': tuple('abcdefghij')})
"""
PADDLE = """\
import os, sys, importlib.util
import paddle_models  # finds PaddleClas
import paddle
from ppcls.arch import backbone
from ppcls.utils import logger
logger.init_logger(); paddle.seed(1)
paddle.save(backbone.SqueezeNet1_1(class_num=10).state_dict(), 'tuned.pdparams')
"""
MXNET = """\
import mxnet as mx
mx.random.seed(1)
network = mx.gluon.model_zoo.vision.get_model('mobilenet0.25', classes=10)
network.initialize(); network(mx.nd.ones((1, 3, 64, 64)))
network.save_parameters('tuned.params')
"""
CASES = {
    "timm": ("resnet18", TIMM, "tuned.pth", (1, 64, 64), "drop_rat"),
    "torchvision": ("squeezenet1_1", TORCHVISION, "tuned.pth", (3, 64, 64), "dropuot"),
    "mmcls": ("mobilenet-v2_8xb32_in1k", MMCLS, "tuned.pth", (3, 64, 64), "trian_cfg"),
    "paddle": ("SqueezeNet1_1", PADDLE, "tuned.pdparams", (3, 64, 64), "return_stagse"),
    "mxnet": ("mobilenet0.25", MXNET, "tuned.params", (3, 64, 64), "mutliplier"),
}
SOURCES_WITH_FILES = [pytest.param(name, marks=getattr(pytest.mark, name)) for name in CASES]


def _tuned(run_in: RunIn, source: str, tmp_path: Path) -> tuple[str, dict[str, Any], NetworkOptions]:
    """The model, the weights of a file that its framework wrote for 10 classes, and its pictures' size."""
    model, code, file, size, _ = CASES[source]
    run_in(source, code.replace("WORKER", repr(str(WORKER_MODULES))))
    return model, {"kind": "file", "path": str(tmp_path / file)}, NetworkOptions(input_size=size)


def _refusal(export: Export, *asked: Any, **options: Any) -> str:
    with pytest.raises(WorkerError) as caught:
        export(*asked, **options)
    message = str(caught.value)
    assert "Traceback" not in message
    assert "Its log" not in message
    return message


def _assert_computes(exported: Exported, size: tuple[int, int, int]) -> None:
    session = onnxruntime.InferenceSession(exported.model, providers=["CPUExecutionProvider"])
    [port] = session.get_inputs()
    assert tuple(port.shape[1:]) == size
    for name, array in exported.inputs.items():
        [output] = session.run(None, {port.name: array})
        assert output.shape[1] == 10
        assert compare(exported.outputs[name], output, Tolerance()).passed


@pytest.mark.parametrize("source", SOURCES_WITH_FILES)
def test_the_head_of_a_file_decides_unless_the_entry_does(
    export: Export, run_in: RunIn, tmp_path: Path, source: str
) -> None:
    model, weights, options = _tuned(run_in, source, tmp_path)
    exported = export(source, model, weights, options=options)
    assert exported.answer["head"] == {"classes": 10, "from": "the weights file"}
    assert "gets 10 classes, as the file has it in" in (exported.model.parent / "worker.log").read_text()
    assert options.input_size
    _assert_computes(exported, options.input_size)
    said = {"names": list("abcdefghij"), "origin": "the checkpoint tuned.pth"}
    assert exported.answer.get("labels") == (said if source == "mmcls" else None)  # others write no names

    other = NetworkOptions(37, options.input_size)
    message = _refusal(export, source, model, weights, options=other)
    assert "has shape" in message
    assert "needs `classes: 10`" in message


@pytest.mark.parametrize("source", SOURCES_WITH_FILES)
def test_a_keyword_that_a_constructor_does_not_take_is_named_with_those_that_it_takes(
    export: Export, source: str
) -> None:
    model, *_, keyword = CASES[source]
    message = _refusal(export, source, model, options=NetworkOptions(arguments={keyword: 1}))
    assert f"takes no keyword {keyword!r}, which `arguments` of its entry gives" in message
    assert "It takes " in message


@pytest.mark.timm
def test_a_file_for_grey_pictures_asks_for_channels(export: Export, run_in: RunIn, tmp_path: Path) -> None:
    model, weights, _ = _tuned(run_in, "timm", tmp_path)
    message = _refusal(export, "timm", model, weights)
    assert "conv1.weight has shape (64, 1, 7, 7), needed is (64, 3, 7, 7)" in message
    assert "`classes: 10` and `channels: 1`" in message


ENTRIES = """\
publish: dist
opsets: [3, 12]
models:
  - {source: timm, model: resnet18, name: tuned, channels: 1, weights: {file: tuned.pth}}
  - {source: timm, model: test_vit, name: small, classes: 10, preprocessing: {input_size: [3, 96, 64]}}
"""


@pytest.mark.timm
def test_a_tuned_network_is_published_at_the_oldest_and_the_newest_opset(
    run_in: RunIn, tmp_path: Path
) -> None:
    _tuned(run_in, "timm", tmp_path)
    (tmp_path / "pipeline.yaml").write_text(ENTRIES)
    answer = run_command("run", "pipeline.yaml", folder=tmp_path)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "10 classes, as the weights file has them" in answer.stderr
    heads = {
        path.name.partition(".")[0]: json.loads(path.read_text())["provenance"]["head"]["from"]
        for path in (tmp_path / "dist").rglob("*.record.json")
    }
    of_file, of_entry = "the weights file", "the pipeline file"
    assert heads == {"tuned-3": of_file, "tuned-12": of_file, "small-3": of_entry, "small-12": of_entry}


@pytest.mark.timm
def test_a_transformer_is_built_for_the_size_of_its_pictures(export: Export) -> None:
    options = NetworkOptions(10, (3, 96, 64))
    exported = export("timm", "vit_tiny_patch16_224", options=options)
    assert exported.answer["head"] == {"classes": 10, "from": "the pipeline file"}
    _assert_computes(exported, (3, 96, 64))


@pytest.mark.parametrize(
    ("source", "model"),
    [
        pytest.param("timm", "test_resnet.r160_in1k", marks=pytest.mark.timm),
        pytest.param("torchvision", "squeezenet1_1", marks=pytest.mark.torchvision),
    ],
)
def test_pretrained_weights_get_no_head_that_nobody_trained(export: Export, source: str, model: str) -> None:
    options = NetworkOptions(classes=37)
    message = _refusal(export, source, model, {"kind": "pretrained"}, options=options)
    assert "the pretrained weights of" in message
    assert "are for 1000 classes, and its entry asks for 37" in message


@pytest.mark.torchvision
@pytest.mark.parametrize(
    ("model", "options", "expected"),
    [
        ("vit_b_16", NetworkOptions(input_size=(3, 64, 96)), "takes square pictures only"),
        ("squeezenet1_1", NetworkOptions(input_size=(3, 8, 8)), "does not take pictures of [3, 8, 8]"),
        ("squeezenet1_1", NetworkOptions(arguments={"version": "2_0"}), "version='2_0'"),
    ],
)
def test_what_a_network_cannot_be_or_take_is_said_in_a_sentence(
    export: Export, model: str, options: NetworkOptions, expected: str
) -> None:
    assert expected in _refusal(export, "torchvision", model, options=options)


@pytest.mark.parametrize(
    ("source", "model"),
    [
        pytest.param("torchvision", "squeezenet1_1", marks=pytest.mark.torchvision),
        pytest.param("mmcls", "mobilenet-v2_8xb32_in1k", marks=pytest.mark.mmcls),
        pytest.param("paddle", "ResNet18", marks=pytest.mark.paddle),
        pytest.param("mxnet", "mobilenet0.25", marks=pytest.mark.mxnet),
        pytest.param("caffe2", "squeezenet", marks=pytest.mark.caffe2),
    ],
)
def test_every_source_takes_grey_pictures_of_ten_classes(export: Export, source: str, model: str) -> None:
    exported = export(source, model, options=NetworkOptions(10, (1, 64, 64)))
    assert exported.answer["head"] == {"classes": 10, "from": "the pipeline file"}
    _assert_computes(exported, (1, 64, 64))


@pytest.mark.caffe2
def test_a_net_of_caffe2_takes_the_pictures_that_it_was_made_for(export: Export) -> None:
    message = _refusal(export, "caffe2", "vgg19", options=NetworkOptions(input_size=(3, 64, 64)))
    assert "vgg19 takes pictures of 224 x 224 alone" in message
