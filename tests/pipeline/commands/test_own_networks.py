"""Networks of one's own from the files that frameworks save: published, and equal to the framework itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from evaluation.inputs import read_npz
from parity.compare import Tolerance, compare
from tests.converters.conftest import environment_of

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
    command = [sys.executable, "-m", "pipeline", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


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
