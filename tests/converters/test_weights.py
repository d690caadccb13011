"""Checkpoints of every kind, made by the frameworks themselves: loaded right, or refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from parity.compare import Tolerance, compare
from pipeline.errors import WorkerError
from tests.converters.conftest import Export, Exported, RunIn

TORCH = """\
import os, torch, pathlib, zipfile
from safetensors.torch import save_file
import sys; sys.path.insert(0, WORKER)
from torchvision_operators import import_torchvision
torchvision = import_torchvision()
torch.manual_seed(3)
state = torchvision.models.squeezenet1_1(weights=None).state_dict()
torch.save(state, 'plain.pth')
wrapped = {'module.' + name: value for name, value in state.items()}
torch.save({'epoch': 3, 'state_dict': wrapped}, 'nested.pth')
torch.save(state, 'old.pth', _use_new_zipfile_serialization=False)
plain = zipfile.ZipFile('plain.pth')
with zipfile.ZipFile('packed.pth', 'w', zipfile.ZIP_DEFLATED) as packed:
    for member in plain.namelist(): packed.writestr(member, plain.read(member))
plain.close()
save_file({f'tensor{index:03d}': value for index, value in enumerate(state.values())}, 'in_order.safetensors')
state.pop('classifier.1.bias'); torch.save(state, 'missing.pth')
class Evil:
    def __reduce__(self): return (os.system, ('touch ran',))
torch.save({'state_dict': state, 'hook': Evil()}, 'evil.pth')
torch.save(torch.nn.Linear(2, 2), 'module.pth')
pathlib.Path('cut.pth').write_bytes(pathlib.Path('plain.pth').read_bytes()[:5000])
"""
PADDLE = """\
import os, paddle, pickle, pathlib
from safetensors.numpy import save_file
paddle.seed(3)
network = paddle.vision.models.squeezenet1_1()
state = network.state_dict()
paddle.save(state, 'plain.pdparams')
arrays = {name: value.numpy() for name, value in state.items()}
unnamed = {f'p{index}': value for index, value in enumerate(arrays.values())}
pickle.dump(unnamed, open('in_order.pdparams', 'wb'), 2)
save_file(arrays, 'plain.safetensors')
pathlib.Path('cut.safetensors').write_bytes(pathlib.Path('plain.safetensors').read_bytes()[:-1])
pickle.dump(dict(list(arrays.items())[:-1]), open('missing.pdparams', 'wb'), 2)
class Evil:
    def __reduce__(self): return (os.system, ('touch ran',))
pickle.dump({**arrays, 'hook': Evil()}, open('evil.pdparams', 'wb'), 2)
pathlib.Path('cut.pdparams').write_bytes(pathlib.Path('plain.pdparams').read_bytes()[:5000])
"""
MXNET = """\
import mxnet as mx, pathlib
from safetensors.numpy import save_file
mx.random.seed(3)
network = mx.gluon.model_zoo.vision.get_model('mobilenet0.25')
network.initialize(); network.hybridize(); network(mx.nd.ones((1, 3, 224, 224)))
network.save_parameters('plain.params')
network.export('exported')
parameters = network._collect_params_with_prefix()
save_file({name: value.data().asnumpy() for name, value in parameters.items()}, 'plain.safetensors')
network.cast('float16')
network.save_parameters('half.params')
other = mx.gluon.model_zoo.vision.get_model('mobilenet0.5')
other.initialize(); other(mx.nd.ones((1, 3, 224, 224)))
other.save_parameters('other.params')
pathlib.Path('cut.params').write_bytes(pathlib.Path('plain.params').read_bytes()[:5000])
"""


def _from_file(export: Export, source: str, model: str, path: Path) -> Exported:
    return export(source, model, {"kind": "file", "path": str(path)})


def _refusal(export: Export, source: str, model: str, path: Path) -> str:
    with pytest.raises(WorkerError) as caught:
        _from_file(export, source, model, path)
    message = str(caught.value)
    assert "Traceback" not in message
    assert not (path.parent / "ran").exists()
    return message


def _assert_same_outputs(first: Exported, *others: Exported) -> None:
    for other in others:
        for name, logits in first.outputs.items():
            np.testing.assert_array_equal(logits, other.outputs[name])


@pytest.mark.torchvision
def test_torch_checkpoints(export: Export, run_in: RunIn, tmp_path: Path) -> None:
    from converters.interface import WORKER_MODULES

    run_in("torchvision", TORCH.replace("WORKER", repr(str(WORKER_MODULES))))
    plain, *others = (
        _from_file(export, "torchvision", "squeezenet1_1", tmp_path / name)
        for name in ("plain.pth", "nested.pth", "old.pth", "packed.pth", "in_order.safetensors")
    )
    _assert_same_outputs(plain, *others)
    random = export("torchvision", "squeezenet1_1")
    assert np.abs(random.outputs["noise-1"] - plain.outputs["noise-1"]).max() > 1e-3
    for name, expected in {
        "missing.pth": "classifier.1.bias",
        "evil.pth": "posix.system",
        "module.pth": "weight (2, 2) is not needed",
        "cut.pth": "cut.pth",
    }.items():
        assert expected in _refusal(export, "torchvision", "squeezenet1_1", tmp_path / name)


@pytest.mark.paddle
def test_paddle_checkpoints(export: Export, run_in: RunIn, tmp_path: Path) -> None:
    run_in("paddle", PADDLE)
    plain, *others = (
        _from_file(export, "paddle", "squeezenet1_1", tmp_path / name)
        for name in ("plain.pdparams", "in_order.pdparams", "plain.safetensors")
    )
    _assert_same_outputs(plain, *others)
    for name, expected in {
        "missing.pdparams": "is missing",
        "evil.pdparams": "posix.system",
        "cut.pdparams": "cut.pdparams",
        "cut.safetensors": "cut.safetensors",
    }.items():
        assert expected in _refusal(export, "paddle", "squeezenet1_1", tmp_path / name)


@pytest.mark.mxnet
def test_mxnet_checkpoints(export: Export, run_in: RunIn, tmp_path: Path) -> None:
    run_in("mxnet", MXNET)
    plain, *others = (
        _from_file(export, "mxnet", "mobilenet0.25", tmp_path / name)
        for name in ("plain.params", "exported-0000.params", "plain.safetensors")
    )
    _assert_same_outputs(plain, *others)
    half = _from_file(export, "mxnet", "mobilenet0.25", tmp_path / "half.params")
    difference = np.abs(half.outputs["noise-1"] - plain.outputs["noise-1"]).max()
    assert 0 < difference < 0.05 * np.abs(plain.outputs["noise-1"]).max()
    assert "has shape" in _refusal(export, "mxnet", "mobilenet0.25", tmp_path / "other.params")
    assert "cut.params" in _refusal(export, "mxnet", "mobilenet0.25", tmp_path / "cut.params")


@pytest.mark.parametrize(
    ("source", "model"),
    [
        pytest.param("timm", "resnet18x", marks=pytest.mark.timm),
        pytest.param("torchvision", "resnet18x", marks=pytest.mark.torchvision),
        pytest.param("mmcls", "resnet18x", marks=pytest.mark.mmcls),
        pytest.param("paddle", "resnet18x", marks=pytest.mark.paddle),
        pytest.param("mxnet", "resnet18x", marks=pytest.mark.mxnet),
        pytest.param("caffe2", "resnet18x", marks=pytest.mark.caffe2),
    ],
)
def test_an_unknown_model_is_refused_by_the_script_too(export: Export, source: str, model: str) -> None:
    size = {"input_size": [3, 32, 32], "resize": 32, "crop_mode": "center", "interpolation": "bilinear"}
    colours = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "colour": "RGB"}
    with pytest.raises(WorkerError, match="resnet18x"):
        export(source, model, **size, **colours)


@pytest.mark.paddle
@pytest.mark.parametrize(("intermediate", "program"), [(1, "inference.json"), (0, "inference.pdmodel")])
def test_an_inference_model_folder_is_exported_as_it_is(
    export: Export, run_in: RunIn, tmp_path: Path, intermediate: int, program: str
) -> None:
    """In the format of Paddle 3 and in the one before it."""
    run_in(
        "paddle",
        f"import os; os.environ['FLAGS_enable_pir_api'] = '{intermediate}'\n"
        "import paddle; paddle.seed(1)\n"
        "network = paddle.vision.models.squeezenet1_1(num_classes=10); network.eval()\n"
        "spec = [paddle.static.InputSpec([None, 3, 96, 96], 'float32', 'x')]\n"
        "paddle.jit.save(network, 'model/inference', input_spec=spec)\n",
        fresh=True,
    )
    assert (tmp_path / "model" / program).exists()
    described = "PostProcess: {Topk: {topk: 5, label_list: [a, b, c, d, e, f, g, h, no, 9]}}"
    (tmp_path / "model/inference.yml").write_text(described)
    size = {"input_size": [3, 96, 96], "resize": 96, "crop_mode": "center", "interpolation": "bilinear"}
    colours = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "colour": "RGB"}
    exported = export("paddle", str(tmp_path / "model"), {"kind": "pretrained"}, **size, **colours)
    assert exported.outputs["noise-3"].shape == (3, 10)
    said = {"names": [*"abcdefgh", "no", "9"], "origin": "inference.yml of the model folder"}
    assert exported.answer["labels"] == said
    session = onnxruntime.InferenceSession(exported.model, providers=["CPUExecutionProvider"])
    for name, array in exported.inputs.items():
        [output] = session.run(None, {session.get_inputs()[0].name: array})
        assert compare(exported.outputs[name], output, Tolerance()).passed


RANDOM = """\
import paddle
class Random(paddle.nn.Layer):
    def __init__(self):
        super().__init__()
        self.head = paddle.nn.Linear(32, 10)
    def forward(self, x):
        return self.head(x.mean([1, 2])) + paddle.uniform([10])
network = Random()
network.eval()
spec = [paddle.static.InputSpec([None, 3, 32, 32], 'float32', 'x')]
paddle.jit.save(paddle.jit.to_static(network, input_spec=spec, full_graph=True), 'model/inference')
"""


@pytest.mark.paddle
def test_a_folder_that_draws_random_numbers_is_refused(export: Export, run_in: RunIn, tmp_path: Path) -> None:
    (tmp_path / "draws.py").write_text(RANDOM)
    run_in("paddle", "import draws")
    size = {"input_size": [3, 32, 32], "resize": 32, "crop_mode": "center", "interpolation": "bilinear"}
    colours = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "colour": "RGB"}
    with pytest.raises(WorkerError, match="gives the same pictures other logits when it is asked again"):
        export("paddle", str(tmp_path / "model"), {"kind": "pretrained"}, **size, **colours)
