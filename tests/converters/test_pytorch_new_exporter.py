"""Networks that torch's older exporter cannot say, and the newer one can."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from converters.interface import WORKER_MODULES
from evaluation.inputs import read_npz
from opsets import retarget
from tests.converters.conftest import RunIn

pytestmark = pytest.mark.torchvision

EXPORTS = """\
import sys; sys.path.insert(0, {worker!r})
import numpy as np
import torch
import pytorch_export
from protocol import TaskError

class Network(torch.nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function
        self.stem, self.norm = torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.BatchNorm2d(4)
        self.first, self.second = torch.nn.Linear(128, 300), torch.nn.Linear(300, 300)
        self.third = torch.nn.Linear(300, 300)
        self.third.weight = self.second.weight
        self.register_buffer('hidden', torch.randn(300), persistent=False)

    def forward(self, pictures):
        maps = self.function(self.norm(self.stem(pictures)))
        values = self.first(maps[..., 3].reshape(pictures.shape[0], -1)) + self.hidden
        return self.third(self.second(values))

class Counting(torch.nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, pictures):
        number = int(pictures.shape[0])
        return self.layer(pictures.reshape(number, -1))

assert 'onnxscript' not in sys.modules, 'it is imported when it is asked'
torch.manual_seed(0)
pictures = torch.randn(3, 3, 32, 32)
network = Network(lambda maps: torch.rot90(maps, 1, (2, 3))).eval()
torch.nn.init.uniform_(network.norm.running_var, 0.5, 2)
with torch.inference_mode():
    logits = network(pictures).numpy()
written = pytorch_export.write_onnx(network, pictures[:1].repeat(2, 1, 1, 1), 'model.onnx', 12)
assert written == (18, 'torch.onnx.export, dynamo=True')
counting = Counting(torch.nn.Linear(3072, 5)).eval()
written = pytorch_export.write_onnx(counting, pictures[:1].repeat(2, 1, 1, 1), 'counting.onnx', 12)
assert written == (18, 'torch.onnx.export, dynamo=True')
with torch.inference_mode():
    counted = counting(pictures).numpy()
np.savez('values.npz', pictures=pictures.numpy(), logits=logits, counted=counted)
np.savez('weights.npz', **{{name: value.numpy() for name, value in network.state_dict().items()}})
try:
    pytorch_export.write_onnx(Network(lambda maps: maps.kthvalue(3, -1, True)[0].repeat(1, 1, 1, 4)).eval(),
                              pictures[:2], 'refused.onnx', 12)
except TaskError as error:
    open('refused', 'w').write(str(error))
"""


def test_the_newer_exporter_says_what_the_older_cannot_or_says_for_one_batch_alone(
    run_in: RunIn, tmp_path: Path
) -> None:
    run_in("torchvision", EXPORTS.format(worker=str(WORKER_MODULES)))
    model, values = onnx.load(tmp_path / "model.onnx"), read_npz(tmp_path / "values.npz")
    onnx.checker.check_model(model, full_check=True)
    counting = onnx.load(tmp_path / "counting.onnx")
    for each, logits in (
        (model, values["logits"]),
        (retarget(model, 7), values["logits"]),
        (counting, values["counted"]),
        (retarget(counting, 7), values["counted"]),
    ):
        session = onnxruntime.InferenceSession(each.SerializeToString(), providers=["CPUExecutionProvider"])
        [port] = session.get_inputs()
        assert port.shape == ["batch", 3, 32, 32]
        for count in (1, 3):
            [output] = session.run(None, {"input": values["pictures"][:count]})
            np.testing.assert_allclose(output, logits[:count], rtol=1e-4, atol=1e-5)
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    with np.load(tmp_path / "weights.npz") as saved:
        kept = [name for name in saved.files if not name.endswith("num_batches_tracked")]
        one_of_two = {"second.weight", "third.weight"}
        for name in set(kept) - one_of_two | (one_of_two & weights.keys()):
            assert weights[name].tobytes() == saved[name].tobytes(), name
    assert one_of_two & weights.keys()
    refused = (tmp_path / "refused").read_text().splitlines()
    assert "aten::kthvalue" in refused[0]
    assert any("Nor can it with dynamo=True" in line for line in refused)
    assert not (tmp_path / "refused.onnx").exists()
