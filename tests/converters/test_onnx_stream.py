"""Files written weight by weight: the same bytes as onnx and the frameworks' own exporters write."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from converters.interface import WORKER_MODULES
from tests.converters.conftest import RunIn

Arrays = dict[str, npt.NDArray[Any]]

WEIGHTS: Arrays = {
    "matrix": np.random.default_rng(0).random((3, 4), dtype=np.float32),
    "wide.λ": np.arange(300, dtype=np.int64).reshape(1, 300),
    "number": np.array(2.5, dtype=np.float64),
    "switch": np.array([True, False]),
    "nothing": np.zeros((0, 2), dtype=np.float32),
}
AS_TORCH_WRITES = """\
import json, sys; sys.path.insert(0, {worker!r})
from torchvision_operators import import_torchvision
torchvision = import_torchvision()
import torch
import pytorch_export

class Tied(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = torch.nn.Linear(300, 300), torch.nn.Linear(300, 300)
        self.second.weight = self.first.weight
        self.transposed = torch.nn.Parameter(torch.randn(100, 300).t())
        self.scalar = torch.nn.Parameter(torch.tensor(2.0))
        self.register_buffer('order', torch.arange(300).flip(0))
        self.register_buffer('mask', torch.ones(300, dtype=torch.bool))
        self.register_buffer('hidden', torch.randn(1, 300), persistent=False)

    def forward(self, pictures):
        values = pictures.flatten(1)[:, :300][:, self.order] * self.scalar + self.hidden
        values = torch.where(self.mask, self.second(self.first(values)), values)
        return values @ self.transposed

write_streamed = pytorch_export.onnx_stream.write
export = torch.onnx.export
def whole(network, example, path, **options):
    options['export_params'] = True
    export(network, example, 'whole.onnx', **options)
    options['export_params'] = False
    export(network, example, path, **options)
torch.onnx.export = whole

same = []
models = torchvision.models
for network in (Tied(), models.squeezenet1_1(), models.shufflenet_v2_x0_5()):
    network.eval()
    assert pytorch_export.write_onnx(network, torch.randn(2, 3, 64, 64), 'streamed.onnx', 12).opset == 12
    same.append(open('whole.onnx', 'rb').read() == open('streamed.onnx', 'rb').read())
json.dump(same, open('same.json', 'w'))
"""


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module, which its scripts find by path."""
    monkeypatch.syspath_prepend(str(WORKER_MODULES))
    return importlib.import_module("onnx_stream")


def _model(ir_version: int, streamed: bool) -> onnx.ModelProto:
    """A model with fields before and behind the weights; those are inputs where they are ``streamed``."""
    value = helper.make_tensor_value_info("value", TensorProto.FLOAT, ["batch", 3])
    declared = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for name, array in WEIGHTS.items()
    ]
    constant = numpy_helper.from_array(np.array([1], np.float32), "constant")
    weights = [numpy_helper.from_array(array, name) for name, array in WEIGHTS.items()]
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["value", "matrix"], ["product"])],
        "graph",
        [value, *(declared if streamed or ir_version < 4 else [])],
        [helper.make_tensor_value_info("product", TensorProto.FLOAT, ["batch", 4])],
        [constant, *([] if streamed else weights)],
        doc_string="behind the weights",
        value_info=[helper.make_tensor_value_info("other", TensorProto.FLOAT, [1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)], ir_version=ir_version)
    model.producer_name = "before the graph"
    helper.set_model_props(model, {"behind": "the graph"})
    return model


def _weight(stream: Any, array: npt.NDArray[Any]) -> Any:
    return stream.Weight(array.nbytes, lambda: [array])


@pytest.mark.parametrize("ir_version", [3, 7])
def test_the_bytes_are_those_that_onnx_writes(stream: Any, tmp_path: Path, ir_version: int) -> None:
    weights = {name: _weight(stream, array) for name, array in WEIGHTS.items()}
    skeleton = _model(ir_version, streamed=True)
    stream.write(skeleton, weights, str(tmp_path / "model.onnx"))
    assert (tmp_path / "model.onnx").read_bytes() == _model(ir_version, streamed=False).SerializeToString()
    assert skeleton == _model(ir_version, streamed=True)
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]


def test_a_weight_may_lie_in_a_file(stream: Any, tmp_path: Path) -> None:
    array = np.arange((stream.PIECE + 4096) // 4, dtype=np.float32)  # read in two pieces
    (tmp_path / "weights").write_bytes(b"before" + array.tobytes() + b"behind")
    kept = {**WEIGHTS, "matrix": array.reshape(4, -1)}
    model = _model(7, streamed=True)
    model.graph.input[1].CopyFrom(
        helper.make_tensor_value_info("matrix", TensorProto.FLOAT, [4, array.size // 4])
    )
    weights = {name: _weight(stream, value) for name, value in kept.items()}
    weights["matrix"] = stream.region(str(tmp_path / "weights"), len(b"before"), array.nbytes)
    stream.write(model, weights, str(tmp_path / "model.onnx"))
    initializers = {tensor.name: tensor for tensor in onnx.load(tmp_path / "model.onnx").graph.initializer}
    np.testing.assert_array_equal(numpy_helper.to_array(initializers["matrix"]), kept["matrix"])


def test_what_no_file_can_hold_is_refused_before_a_weight_is_fetched(stream: Any, tmp_path: Path) -> None:
    def never() -> Iterator[bytes]:
        raise AssertionError

    weights = {name: _weight(stream, array) for name, array in WEIGHTS.items()}
    weights["matrix"] = stream.Weight(2**31 - 100, never)
    with pytest.raises(
        Exception, match=r"needs 21474\d+ bytes, and an ONNX file in one piece holds"
    ) as raised:
        stream.write(_model(7, streamed=True), weights, str(tmp_path / "model.onnx"))
    assert getattr(raised.value, "kind", None) == "export"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("shown", [b"too short", b"x" * 49])
def test_a_weight_of_another_length_makes_no_file(stream: Any, tmp_path: Path, shown: bytes) -> None:
    weights = {name: _weight(stream, array) for name, array in WEIGHTS.items()}
    weights["matrix"] = stream.Weight(48, lambda: [shown])
    with pytest.raises(Exception, match=rf"a weight has {len(shown)} bytes, and 48 were expected"):
        stream.write(_model(7, streamed=True), weights, str(tmp_path / "model.onnx"))
    assert not (tmp_path / "model.onnx").exists()


@pytest.mark.torchvision
def test_torch_networks_become_what_torch_itself_writes(run_in: RunIn, tmp_path: Path) -> None:
    run_in("torchvision", AS_TORCH_WRITES.format(worker=str(WORKER_MODULES)))
    assert (tmp_path / "same.json").read_text() == "[true, true, true]"
