"""Networks of one's own from the files that frameworks save: published, and equal to the framework itself."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from converters.interface import WORKER_MODULES
from converters.registry import SOURCES
from evaluation.inputs import read_npz
from parity.compare import Tolerance, compare
from pipeline.system.files import sha256_of_file
from tests.commands import run_command
from tests.converters.conftest import environment_of
from tests.pipeline.config.test_paddleclas_config import CONFIG

GLUON = """
import warnings
warnings.filterwarnings("ignore")
import mxnet as mx
import numpy as np
from mxnet.gluon import nn

class Own(nn.HybridBlock):
    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Conv2D(6, 3, padding=1), nn.BatchNorm()
        self.second, self.pool, self.out = nn.Conv2D(6, 3, padding=1), nn.GlobalAvgPool2D(), nn.Dense(7)

    def hybrid_forward(self, F, pictures):
        first = F.relu(self.norm(self.first(pictures)))
        return self.out(self.pool(F.concat(first, F.relu(self.second(first)), dim=1)))

mx.random.seed(1)
network = Own()
network.initialize(mx.init.Normal(0.5))
network.hybridize()
pictures = np.random.RandomState(0).normal(size=(2, 3, 12, 12)).astype("float32")
answer = network(mx.nd.array(pictures)).asnumpy()
network.export("own/net")
np.savez("asked.npz", pictures=pictures, answer=answer)
"""
FILE = """\
publish: dist
opsets: [3, 7, 12]
models:
  - {source: mxnet, model: ./own, name: mine, license: MIT, preprocessing: {input_size: [3, 12, 12]}}
"""


def _pipeline(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_command(*arguments, folder=folder)


@pytest.mark.mxnet
def test_a_block_as_gluon_exports_it_is_published(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    made = subprocess.run(
        [str(environment_of("mxnet").python), "-c", GLUON],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    (tmp_path / "pipeline.yaml").write_text(FILE)
    answer = _pipeline(tmp_path, "run", "pipeline.yaml")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    asked = read_npz(tmp_path / "asked.npz")
    folder = tmp_path / "dist/mxnet/mine"
    for opset in (7, 12):  # onnxruntime runs nothing older; the run itself has asked OpenVINO about 3
        session = onnxruntime.InferenceSession(folder / f"model/mine-{opset}.onnx")
        [logits] = session.run(None, {session.get_inputs()[0].name: asked["pictures"]})
        assert compare(asked["answer"], np.asarray(logits), Tolerance()).passed
    assert onnx.load(folder / "model/mine-3.onnx").opset_import[0].version == 3
    provenance = json.loads((folder / "model/mine-3.record.json").read_text())["provenance"]
    assert provenance["form"] == "as its symbol says, it answers with logits"
    assert provenance["head"] == {"classes": 7, "from": "the framework"}
    assert provenance["weights"]["origin"] == "net-0000.params of the model folder"
    assert len(provenance["weights"]["sha256"]) == 64
    assert provenance["parameters"] == 3 * 6 * 9 + 6 + 2 * 6 + 6 * 6 * 9 + 6 + 12 * 7 + 7
    (tmp_path / "own/net-0003.params").write_bytes((tmp_path / "own/net-0000.params").read_bytes())
    again = _pipeline(tmp_path, "plan", "pipeline.yaml")
    assert again.returncode == 2
    assert "holds 2 files *.params (net-0000.params, net-0003.params), and has to hold one" in again.stderr


LAYERS = """
import torch
from torch import nn

class Own(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.first, self.norm = nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6)
        self.second, self.out = nn.Conv2d(6, 6, 3, padding=1), nn.Linear(12, classes)

    def forward(self, pictures):
        first = torch.relu(self.norm(self.first(pictures)))
        second = torch.relu(self.second(first))
        return self.out(torch.cat([first, second], 1).mean((2, 3)))
"""
BUILDER = """
import pathlib
import einops  # which the environment of torchvision does not have
from layers import Own

def build(classes=3):
    pathlib.Path(__file__).with_name("ran").touch()
    return Own(classes)
"""
SAVE = """
import numpy as np
import torch
from layers import Own

torch.manual_seed(2)
network = Own(7).eval()
for tensor in network.parameters():
    torch.nn.init.normal_(tensor, std=0.5)
torch.save(network.state_dict(), "net.pth")
torch.jit.script(network).save("net.pt")
pictures = torch.randn(2, 3, 12, 12)
np.savez("asked.npz", pictures=pictures.numpy(), answer=network(pictures).detach().numpy())
"""
PYTORCH = """\
publish: dist
opsets: [3, 7, 12]
defaults: {license: MIT, preprocessing: {input_size: [3, 12, 12]}}
models:
  - {source: pytorch, model: './code/net.py:build', name: built, arguments: {classes: 7},
     weights: {file: ./code/net.pth}, requirements: [einops==0.8.1]}
  - {source: pytorch, model: ./code/net.pt, name: archived}
"""


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with code that builds networks, weights for it, and the same network as TorchScript."""
    folder = tmp_path_factory.mktemp("pytorch")
    (folder / "code").mkdir()
    for name, text in (("layers", LAYERS), ("net", BUILDER)):
        (folder / f"code/{name}.py").write_text(text)
    command = [str(environment_of("pytorch").python), "-W", "ignore", "-c", SAVE]
    made = subprocess.run(command, cwd=folder / "code", capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    (folder / "pipeline.yaml").write_text(PYTORCH)
    return folder


@pytest.mark.pytorch
def test_code_of_ones_own_runs_only_when_the_command_says_so(code: Path) -> None:
    refused = _pipeline(code, "run", "pipeline.yaml")
    assert refused.returncode == 2
    net, layers = code / "code/net.py", code / "code/layers.py"
    assert f"pytorch/built runs code: build of {net}, which imports {layers}. Look at it" in refused.stderr
    assert f"archived runs code: the TorchScript archive {code / 'code/net.pt'}. Look" in refused.stderr
    assert _pipeline(code, "plan", "pipeline.yaml").returncode == 0
    assert not (code / "code/ran").exists()

    answer = _pipeline(code, "run", "pipeline.yaml", "--trust-code")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert (code / "code/ran").exists()
    asked = read_npz(code / "code/asked.npz")
    for name in ("built", "archived"):
        folder = code / f"dist/pytorch/{name}/model"
        for opset in (7, 12):
            session = onnxruntime.InferenceSession(folder / f"{name}-{opset}.onnx")
            [logits] = session.run(None, {session.get_inputs()[0].name: asked["pictures"]})
            assert compare(asked["answer"], np.asarray(logits), Tolerance()).passed
        assert onnx.load(folder / f"{name}-3.onnx").opset_import[0].version == 3
    built, archived = (
        json.loads((code / f"dist/pytorch/{name}/model/{name}-12.record.json").read_text())["provenance"]
        for name in ("built", "archived")
    )
    assert built["form"] == "as build of net.py builds it"
    assert built["code"] == {"net.py": sha256_of_file(net), "layers.py": sha256_of_file(layers)}
    assert built["packages"]["einops"] == "0.8.1"
    assert [len(digest) for digest in built["requirements"]["einops==0.8.1"]] == [64, 64]  # wheel and sources
    assert built["environment"] != archived["environment"]
    assert archived["form"] == "as net.pt has it"
    assert archived["code"] == {"net.pt": sha256_of_file(code / "code/net.pt")}
    assert archived["weights"]["sha256"] == sha256_of_file(code / "code/net.pt")
    assert built["parameters"] == archived["parameters"] == 3 * 6 * 9 + 6 + 12 + 6 * 6 * 9 + 6 + 12 * 7 + 7


PADDLE = """
import sys
import numpy as np
import paddle
import paddle_models
from networks import Network

paddle.seed(4)
network = paddle_models.build(Network("SqueezeNet1_1", classes=7))
for value in network.parameters():
    value.set_value(paddle.randn(value.shape) * (2 / max(1, int(np.prod(value.shape[1:])))) ** 0.5)
paddle.save(network.state_dict(), "best_model.pdparams")
pictures = np.random.RandomState(0).normal(size=(2, 3, 64, 64)).astype("float32")
np.savez("asked.npz", pictures=pictures, answer=network(paddle.to_tensor(pictures)).numpy())
"""
PADDLE_FILE = """\
publish: dist
opsets: [3, 7, 12]
models:
  - {source: paddle, model: ./flowers.yaml, name: flowers, weights: {file: best_model.pdparams}}
"""


@pytest.mark.paddle
def test_a_config_of_paddleclas_is_published_with_its_weights(tmp_path: Path) -> None:
    environment = environment_of("paddle")
    made = subprocess.run(
        [str(environment.python), "-W", "ignore", "-c", PADDLE],
        cwd=tmp_path,
        env={
            **environment.description.variables,
            "PYTHONPATH": f"{WORKER_MODULES}:{SOURCES['paddle'].folder}",
            "HOME": str(tmp_path),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    (tmp_path / "pipeline.yaml").write_text(PADDLE_FILE)
    (tmp_path / "flowers.yaml").write_text(CONFIG)
    answer = _pipeline(tmp_path, "run", "pipeline.yaml")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    asked, folder = read_npz(tmp_path / "asked.npz"), tmp_path / "dist/paddle/squeezenet/model"
    for opset in (7, 12):
        session = onnxruntime.InferenceSession(folder / f"flowers-{opset}.onnx")
        [logits] = session.run(None, {session.get_inputs()[0].name: asked["pictures"]})
        assert compare(asked["answer"], np.asarray(logits), Tolerance()).passed
    record = json.loads((folder / "flowers-3.record.json").read_text())
    assert record["provenance"]["model"] == "SqueezeNet1_1"
    assert record["provenance"]["head"]["classes"] == 7
    assert record["preprocessing"]["mean"] == [0.5, 0.4, 0.3]
