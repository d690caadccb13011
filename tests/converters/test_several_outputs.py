"""Networks with several outputs, and programs of a fixed batch, as frameworks write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from converters.interface import NetworkOptions
from parity.compare import Tolerance, compare
from pipeline.config.code_files import files_of_code
from pipeline.errors import WorkerError
from tests.converters.caffe2_pairs import BEGIN, SMALL
from tests.converters.conftest import Export, Exported, RunIn, run_lines

OWN_WEIGHTS = {"kind": "pretrained"}


def _pictures(*size: int) -> dict[str, Any]:
    return {
        "input_size": list(size),
        "resize": min(size[1:]),
        "crop_mode": "squash",
        "interpolation": "bilinear",
        "mean": [0.0] * 3,
        "std": [1.0] * 3,
        "colour": "RGB",
    }


def _assert_equal(exported: Exported, batch: int | str = "batch") -> onnx.GraphProto:
    """The file has one output, takes ``batch`` pictures, and computes what the framework answered with."""
    onnx.checker.check_model(str(exported.model), full_check=True)
    session = onnxruntime.InferenceSession(exported.model, providers=["CPUExecutionProvider"])
    [port], [result] = session.get_inputs(), session.get_outputs()
    assert (port.shape[0], result.shape[0]) == (batch, batch)
    for name, array in exported.inputs.items():
        parts = [array] if batch == "batch" else [array[row : row + 1] for row in range(len(array))]
        rows = np.concatenate([session.run(None, {port.name: part})[0] for part in parts])
        assert np.ptp(exported.outputs[name]) > 0.001
        assert compare(exported.outputs[name], rows, Tolerance()).passed
    return onnx.load(exported.model).graph


NET = """
from typing import Dict, NamedTuple, Optional, Tuple

import torch
from torch import nn


class Both(NamedTuple):
    logits: torch.Tensor
    middle: Optional[torch.Tensor]
    aux: torch.Tensor


class Net(nn.Module):
    def __init__(self, form="pair"):
        super().__init__()
        self.form = form
        self.features, self.head, self.other = nn.Conv2d(3, 8, 3), nn.Linear(8, 5), nn.Linear(8, 7)

    def scores(self, pictures):
        pooled = torch.relu(self.features(pictures)).mean((2, 3))
        return self.head(pooled), self.other(pooled)

    def forward(self, pictures):
        first, second = self.scores(pictures)
        return {
            "single": first,
            "pair": (first, second),
            "one": [first],
            "mapping": {"loss": None, "logits": first, "aux": {"late": second, "maps": [pictures]}},
            "fields": Both(first, None, second),
            "classes": (first, first.argmax(1)),
            "nothing": (),
        }[self.form]


class Pair(Net):
    def forward(self, pictures):
        return self.scores(pictures)


class Mapping(Net):
    def forward(self, pictures) -> Dict[str, torch.Tensor]:
        first, second = self.scores(pictures)
        return {"logits": first, "aux": second}


class Fields(Net):
    def forward(self, pictures):
        first, second = self.scores(pictures)
        return Both(first, None, second)
"""
"""Networks of one module that answer in the ways of their makers."""


@pytest.fixture
def net(tmp_path: Path) -> Path:
    (tmp_path / "code").mkdir()
    (tmp_path / "code/net.py").write_text(NET)
    return tmp_path / "code/net.py"


@pytest.mark.pytorch
@pytest.mark.parametrize(
    ("form", "output", "classes", "said"),
    [
        ("pair", 0, 5, {"index": 0, "name": "", "of": 2}),
        ("pair", 1, 7, {"index": 1, "name": "", "of": 2}),
        ("one", None, 5, None),
        ("single", 0, 5, None),
        ("mapping", "logits", 5, {"index": 0, "name": "logits", "of": 3}),
        ("mapping", "aux.late", 7, {"index": 1, "name": "aux.late", "of": 3}),
        ("fields", "aux", 7, {"index": 1, "name": "aux", "of": 2}),
    ],
)
def test_an_output_of_a_module_is_exported_with_the_names_of_its_weights(
    net: Path, export: Export, form: str, output: int | str | None, classes: int, said: Any
) -> None:
    trusted = NetworkOptions(arguments={"form": form}, trusted_code=files_of_code(net), output=output)
    exported = export("pytorch", f"{net}:Net", options=trusted, **_pictures(3, 12, 12))
    assert exported.answer["head"]["classes"] == classes
    assert exported.answer.get("output") == said
    graph = _assert_equal(exported)
    head = "other" if classes == 7 else "head"
    wanted = {f"{layer}.{kind}" for layer in ("features", head) for kind in ("weight", "bias")}
    assert {tensor.name for tensor in graph.initializer} == wanted


@pytest.mark.pytorch
@pytest.mark.parametrize(
    ("form", "output", "expected"),
    [
        (
            "pair",
            None,
            "net.py:Net answers with 2 outputs (0: float32 (1, 5); 1: float32 (1, 7)); say which of them "
            "holds the scores with `output: 0`, or another, in its entry",
        ),
        (
            "mapping",
            None,
            "answers with 3 outputs (0 'logits': float32 (1, 5); 1 'aux.late': float32 (1, 7); "
            "2 'aux.maps.0': float32 (1, 3, 12, 12)); say which of them holds the scores with "
            "`output: logits`, or another, in its entry",
        ),
        ("mapping", "logit", "has no output 'logit'. It answers with 3 outputs (0 'logits': "),
        ("mapping", "logit", "did you mean 'logits'?"),
        ("mapping", 2, "with a tensor of shape (1, 3, 12, 12), not (pictures, classes)"),
        ("single", "logits", "has no output 'logits'. It answers with 1 output (0: float32 (1, 5)): correct"),
        ("classes", 1, "answers with a tensor of torch.int64, not with one tensor of logits"),
        ("nothing", None, "answers with a tuple, not with one tensor of logits"),
    ],
)
def test_outputs_of_a_module_are_listed_where_none_can_be_taken(
    net: Path, export: Export, form: str, output: int | str | None, expected: str
) -> None:
    trusted = NetworkOptions(arguments={"form": form}, trusted_code=files_of_code(net), output=output)
    with pytest.raises(WorkerError) as caught:
        export("pytorch", f"{net}:Net", options=trusted, **_pictures(3, 12, 12))
    assert expected in str(caught.value)
    assert "ends with" not in str(caught.value)


@pytest.mark.pytorch
@pytest.mark.parametrize(("kind", "output"), [("Pair", 1), ("Mapping", "aux"), ("Fields", "aux")])
def test_an_output_of_an_archive_is_exported(net: Path, export: Export, kind: str, output: int | str) -> None:
    code = f"import torch, net; torch.manual_seed(1); torch.jit.script(net.{kind}()).save('net.pt')"
    run_lines("pytorch", code, net.parent)
    archive = net.with_name("net.pt")
    trusted = NetworkOptions(trusted_code=(archive,), output=output)
    exported = export("pytorch", str(archive), options=trusted, **_pictures(3, 12, 12))
    assert exported.answer["head"]["classes"] == 7
    assert exported.answer["output"]["index"] == 1
    _assert_equal(exported)


PADDLE = """
import paddle

class Net(paddle.nn.Layer):
    def __init__(self, last=False, levels=False):
        super().__init__()
        self.last, self.levels = last, levels
        self.features, self.head = paddle.nn.Conv2D(3, 8, 3), paddle.nn.Linear(8, 5)

    def forward(self, pictures):
        if self.levels:
            pictures = pictures.astype("float32") / 255
        if self.last:
            pictures = pictures.transpose([0, 3, 1, 2])
        scores = self.head(paddle.nn.functional.relu(self.features(pictures)).mean([2, 3]))
        if self.last or self.levels:
            return scores
        values, indices = paddle.topk(paddle.nn.functional.softmax(scores), 3)
        return values, indices, scores

def save(folder, shape, kind="float32", **arguments):
    paddle.seed(1)
    network = Net(**arguments)
    network.eval()
    spec = [paddle.static.InputSpec(shape, kind, "x")]
    program = paddle.jit.to_static(network, input_spec=spec, full_graph=True)
    paddle.jit.save(program, folder + "/inference")

save("several", [None, 3, 32, 32])
save("one picture", [1, 3, 32, 32])
save("last", [None, 32, 32, 3], last=True)
save("open last", [None, None, None, 3], last=True)
save("levels", [None, 3, 32, 32], "uint8", levels=True)
"""


@pytest.fixture(scope="module", params=["1", "0"])
def programs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what Paddle saves, in its format and in the one that it had before version 3."""
    folder = tmp_path_factory.mktemp("programs")
    (folder / "saving.py").write_text(PADDLE)  # Paddle translates the source of what it saves
    code = f"import os; os.environ['FLAGS_enable_pir_api'] = '{request.param}'\nimport saving"
    run_lines("paddle", code, folder, fresh=request.param == "0")
    return folder


@pytest.mark.paddle
def test_scores_beside_top_k_and_a_batch_of_one_in_a_program(export: Export, programs: Path) -> None:
    size = _pictures(3, 32, 32)
    with pytest.raises(WorkerError) as caught:
        export("paddle", str(programs / "several"), OWN_WEIGHTS, **size)
    message = str(caught.value)
    assert "the model answers with 3 outputs (0 '" in message
    assert "': float32 [-1, 3]; 1 '" in message
    assert "': int64 [-1, 3]; 2 '" in message
    assert "': float32 [-1, 5]); say which of them holds the scores with `output: " in message
    scores = export(
        "paddle", str(programs / "several"), OWN_WEIGHTS, options=NetworkOptions(output=2), **size
    )
    assert (scores.answer["output"]["index"], scores.answer["output"]["of"]) == (2, 3)
    assert scores.answer["head"]["classes"] == 5
    assert "TopK" not in {node.op_type for node in _assert_equal(scores).node}
    name = NetworkOptions(output=scores.answer["output"]["name"])
    again = export("paddle", str(programs / "several"), OWN_WEIGHTS, options=name, **size)
    assert again.model.read_bytes() == scores.model.read_bytes()
    with pytest.raises(WorkerError, match=r"answers with arrays int64 \(1, 3\)"):
        export("paddle", str(programs / "several"), OWN_WEIGHTS, options=NetworkOptions(output=1), **size)

    folder = str(programs / "one picture")
    with pytest.raises(WorkerError, match="takes batches of 1 alone: give `batches: 1` in its entry"):
        export("paddle", folder, OWN_WEIGHTS, options=NetworkOptions(output=2), **size)
    one = export("paddle", folder, OWN_WEIGHTS, options=NetworkOptions(output=2, batch=1), **size)
    assert {len(rows) for rows in one.outputs.values()} == {1, 3}
    _assert_equal(one, batch=1)
    for data_set, rows in one.outputs.items():
        assert compare(scores.outputs[data_set], rows, Tolerance()).passed


@pytest.mark.paddle
def test_a_program_that_takes_no_float32_pictures_is_refused(export: Export, programs: Path) -> None:
    for folder, expected in (
        (
            "last",
            "takes pictures with the channels last, [-1, 32, 32, 3] (-1 is any size), and files are made",
        ),
        ("open last", "takes pictures with the channels last, [-1, -1, -1, 3] (-1 is any size)"),
        ("levels", "takes pictures of uint8 [-1, 3, 32, 32], and is given float32: save it without what it"),
    ):
        with pytest.raises(WorkerError) as caught:
            export("paddle", str(programs / folder), OWN_WEIGHTS, **_pictures(3, 32, 32))
        assert expected in str(caught.value)
        assert "ends with" not in str(caught.value)


MXNET = """
import warnings
warnings.filterwarnings("ignore")
import mxnet as mx
from mxnet.gluon import nn

class Own(nn.HybridBlock):
    def __init__(self):
        super().__init__()
        self.features, self.pool = nn.Conv2D(6, 3), nn.GlobalAvgPool2D()
        self.head, self.other = nn.Dense(5, prefix="head_"), nn.Dense(7, prefix="other_")

    def hybrid_forward(self, F, pictures):
        pooled = self.pool(F.relu(self.features(pictures)))
        return self.head(pooled), self.other(pooled)

mx.random.seed(1)
network = Own()
network.initialize(mx.init.Normal(0.5))
network.hybridize()
network(mx.nd.zeros((1, 3, 12, 12)))
import os; os.mkdir("own")
network.export("own/net")
"""


@pytest.mark.mxnet
def test_an_output_of_a_block_of_gluon_is_exported(export: Export, run_in: RunIn, tmp_path: Path) -> None:
    run_in("mxnet", MXNET)
    size, folder = _pictures(3, 12, 12), str(tmp_path / "own")
    with pytest.raises(WorkerError) as caught:
        export("mxnet", folder, OWN_WEIGHTS, **size)
    listed = (
        "answers with 2 outputs (0 'head_fwd_output': of shape (1, 5); 1 'other_fwd_output': of shape (1, 7))"
    )
    assert listed in str(caught.value)
    asked = NetworkOptions(output="other_fwd_output")
    exported = export("mxnet", folder, OWN_WEIGHTS, options=asked, **size)
    assert exported.answer["output"] == {"index": 1, "name": "other_fwd_output", "of": 2}
    assert exported.answer["head"]["classes"] == 7
    names = {tensor.name for tensor in _assert_equal(exported).initializer}
    assert not [name for name in names if name.startswith("head_")]
    assert "without head_weight, head_bias, which no operator needs" in exported.answer["weights"]["origin"]


@pytest.mark.caffe2
def test_an_output_of_a_net_is_exported(export: Export, run_in: RunIn, tmp_path: Path) -> None:
    run_in("caffe2", f"{BEGIN}{SMALL}predict_net.external_output.append('scores')\nsave('probabilities')\n")
    size, folder = _pictures(3, 12, 10), str(tmp_path / "pair")
    exported = export("caffe2", folder, OWN_WEIGHTS, options=NetworkOptions(output="scores"), **size)
    assert exported.answer["output"] == {"index": 0, "name": "scores", "of": 2}
    assert "Softmax" not in {node.op_type for node in _assert_equal(exported).node}
    probable = export("caffe2", folder, OWN_WEIGHTS, options=NetworkOptions(output=1), **size)
    assert _assert_equal(probable).node[-1].op_type == "Softmax"


@pytest.mark.parametrize(
    ("source", "model"),
    [
        pytest.param("timm", "lcnet_035", marks=pytest.mark.timm),
        pytest.param("paddle", "SqueezeNet1_1", marks=pytest.mark.paddle),
        pytest.param("mxnet", "squeezenet1.1", marks=pytest.mark.mxnet),
        pytest.param("caffe2", "squeezenet", marks=pytest.mark.caffe2),
    ],
)
def test_a_network_of_one_output_has_no_other(export: Export, source: str, model: str) -> None:
    with pytest.raises(WorkerError, match=f"{model} has no output 1. It answers with 1 output"):
        export(source, model, options=NetworkOptions(output=1))


@pytest.mark.paddle
@pytest.mark.parametrize(("output", "index"), [(None, 0), (2, 2)])
def test_an_auxiliary_head_of_a_network_of_paddle_is_taken_where_it_is_asked_for(
    export: Export, output: int | None, index: int
) -> None:
    asked = NetworkOptions(classes=7, output=output)
    exported = export("paddle", "GoogLeNet", options=asked)
    assert exported.answer["output"] == {"index": index, "name": "", "of": 3}
    assert exported.answer["head"]["classes"] == 7
    _assert_equal(exported)


DISTILLED = """
import torch
from torch import nn


class Distilled(nn.Module):
    def __init__(self, doubled=0):
        super().__init__()
        self.features, self.norm = nn.Conv2d(3, 8, 3), nn.LayerNorm(8)
        self.head, self.head_dist = nn.Linear(8, 5), nn.Linear(8, 5)

    def forward(self, pictures):
        pooled = 0.01 * self.norm(self.features(pictures).mean((2, 3)))
        return self.head(pooled), self.head_dist(pooled)
"""


@pytest.mark.pytorch
@pytest.mark.parametrize("output", [0, 1])
def test_random_weights_are_lively_in_either_of_two_heads_of_one_length(
    tmp_path: Path, export: Export, output: int
) -> None:
    """As distilled transformers have them: the last layer of that length may not be the one that counts."""
    (tmp_path / "code").mkdir()
    net = tmp_path / "code/net.py"
    net.write_text(DISTILLED)
    trusted = NetworkOptions(trusted_code=files_of_code(net), output=output)
    exported = export("pytorch", f"{net}:Distilled", options=trusted, **_pictures(3, 12, 12))
    assert 0.5 <= exported.outputs["noise-3"].std(axis=1).mean() <= 2.5
    _assert_equal(exported)
