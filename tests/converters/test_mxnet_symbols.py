"""Folders with a symbol of MXNet's and its parameters: what is taken, and what is said of those that are not.

All are made and looked at by one process of the framework; tests/pipeline/commands/test_own_networks.py
publishes one.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from converters.interface import WORKER_MODULES
from converters.registry import SOURCES
from tests.converters.conftest import environment_of

pytestmark = pytest.mark.mxnet

MAKE_AND_LOAD = """
import json, os, sys, warnings
warnings.filterwarnings("ignore")
import mxnet as mx
import numpy as np
import mxnet_symbols
from protocol import TaskError

mx.random.seed(3)
generator = np.random.default_rng(0)

def network(head):
    data = mx.sym.var("data")
    layer = mx.sym.Convolution(data, kernel=(3, 3), num_filter=4, name="conv")
    layer = mx.sym.BatchNorm(layer, name="norm", fix_gamma=True)
    layer = mx.sym.Activation(layer, act_type="relu")
    layer = mx.sym.Pooling(layer, global_pool=True, pool_type="avg", kernel=(1, 1))
    return head(mx.sym.FullyConnected(layer, num_hidden=5, name="fc"))

def save(name, symbol, change=lambda arguments, states: None, text=lambda text: text, epochs=(0,)):
    os.makedirs(name)
    shapes, _, state_shapes = symbol.infer_shape(data=(2, 3, 8, 8))
    fill = lambda shape: mx.nd.array(generator.uniform(0.1, 1, shape).astype("float32"))
    arguments = {key: fill(shape) for key, shape in zip(symbol.list_arguments(), shapes)
                 if key not in ("data", "softmax_label")}
    states = {key: fill(shape) for key, shape in zip(symbol.list_auxiliary_states(), state_shapes)}
    change(arguments, states)
    for epoch in epochs:
        mx.model.save_checkpoint(name + "/net", epoch, symbol, arguments, states)
    file = name + "/net-symbol.json"
    with open(file) as stream:
        content = stream.read()
    with open(file, "w") as stream:
        stream.write(text(content))

scores = network(lambda scores: scores)
labelled = network(lambda scores: mx.sym.SoftmaxOutput(scores, name="softmax"))
save("scores", scores)
save("labelled", labelled)
save("probabilities", network(lambda scores: mx.sym.softmax(scores)))
save("surplus", scores, lambda arguments, states: arguments.update(old_weight=mx.nd.ones((2,))))
save("missing", scores, lambda arguments, states: arguments.pop("conv_weight"))
save("others", scores, lambda arguments, states: arguments.update(fc_weight=mx.nd.ones((7, 4))))
save("two inputs", network(lambda scores: scores + mx.sym.var("softmax_label")))
save("two outputs", network(lambda scores: mx.sym.Group([scores, mx.sym.softmax(scores, name="other")])))
pair = network(lambda scores: mx.sym.Group([mx.sym.SoftmaxOutput(scores, name="softmax"), scores * 2]))
save("labelled pair", pair)
save("no network", scores, text=lambda text: text[:100])
save("reads files", scores, text=lambda text: text.replace('"Activation"', '"_cvimread"'))
save("a circle", scores, text=lambda text: text.replace('"inputs": [[0, 0, 0]', '"inputs": [[9, 0, 0]'))
save("two epochs", scores, epochs=(0, 3))
save("cut off", scores)
with open("cut off/net-0000.params", "r+b") as stream:
    stream.truncate(300)

pictures = generator.normal(size=(2, 3, 8, 8)).astype("float32")
told = {}
for name in sorted(os.listdir(".")):
    try:
        loaded = mxnet_symbols.load(mxnet_symbols.Folder(os.path.abspath(name)), pictures.shape)
        answer = loaded.block(mx.nd.array(pictures)).asnumpy()
        symbol, arguments, states = mx.model.load_checkpoint(name + "/net", 0)
        module = mx.mod.Module(symbol, label_names=[n for n in symbol.list_arguments() if "label" in n])
        module.bind([("data", pictures.shape)], for_training=False)
        module.set_params(arguments, states, allow_extra=True)
        module.forward(mx.io.DataBatch([mx.nd.array(pictures)]), is_train=False)
        [expected] = module.get_outputs()
        expected = expected.asnumpy()
        softmax = np.exp(answer) / np.exp(answer).sum(1, keepdims=True)
        told[name] = {
            "answers": loaded.answers,
            "surplus": loaded.surplus,
            "learned": len(mxnet_symbols.learned_of(loaded.block)),
            "as the framework": bool(np.allclose(answer, expected, atol=1e-5)),
            "softmax as the framework": bool(np.allclose(softmax, expected, atol=1e-5)),
        }
    except TaskError as error:
        told[name] = str(error)
for name, size in (("small", (2, 3, 1, 1)), ("grey", (2, 1, 8, 8))):
    try:
        mxnet_symbols.load(mxnet_symbols.Folder(os.path.abspath("scores")), size)
    except TaskError as error:
        told[name] = str(error)
for name, output in (("two outputs", "other_output"), ("two outputs", 0), ("two outputs", "other"),
                     ("two outputs", 2), ("labelled pair", "softmax_output")):
    try:
        folder = mxnet_symbols.Folder(os.path.abspath(name))
        loaded = mxnet_symbols.load(folder, pictures.shape, output)
        answer = loaded.block(mx.nd.array(pictures)).asnumpy()
        told[f"{output} of {name}"] = [loaded.output, loaded.answers, answer.sum(axis=1).tolist()]
    except TaskError as error:
        told[f"{output} of {name}"] = str(error)
with open("told.json", "w") as stream:
    json.dump(told, stream)
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What is said of each folder."""
    folder = tmp_path_factory.mktemp("symbols")
    environment = environment_of("mxnet")
    answer = subprocess.run(
        [str(environment.python), "-c", MAKE_AND_LOAD],
        cwd=folder,
        env={
            **environment.description.variables,
            "PYTHONPATH": f"{WORKER_MODULES}:{SOURCES['mxnet'].folder}",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return json.loads(Path(folder, "told.json").read_text())


def test_scores_are_those_of_the_framework(told: Any) -> None:
    assert told["scores"] == {
        "answers": "it answers with logits",
        "surplus": [],
        "learned": 6,
        "as the framework": True,
        "softmax as the framework": False,
    }


def test_a_training_head_is_left_out_and_asks_for_no_labels(told: Any) -> None:
    assert told["labelled"]["answers"] == "without SoftmaxOutput, which takes labels: it answers with logits"
    assert told["labelled"]["softmax as the framework"]
    assert not told["labelled"]["as the framework"]


def test_probabilities_stay_and_are_told(told: Any) -> None:
    assert told["probabilities"]["answers"] == "with its softmax: it answers with probabilities"
    assert told["probabilities"]["as the framework"]


def test_arrays_that_no_operator_needs_are_named(told: Any) -> None:
    assert told["surplus"]["surplus"] == ["old_weight"]
    assert told["surplus"]["as the framework"]


def test_one_of_several_outputs_is_taken_by_its_name_or_position(told: Any) -> None:
    said, answers, sums = told["other_output of two outputs"]
    assert said == {"output": {"index": 1, "name": "other_output", "of": 2}}
    assert answers == "with its softmax: it answers with probabilities"
    assert sums == pytest.approx([1, 1])
    said, answers, sums = told["0 of two outputs"]
    assert said["output"]["name"] == "fc_output"
    assert answers == "it answers with logits"
    assert sums != pytest.approx([1, 1])
    said, answers, sums = told["softmax_output of labelled pair"]
    assert said["output"]["index"] == 0
    assert answers == "without SoftmaxOutput, which takes labels: it answers with logits"
    assert sums != pytest.approx([1, 1])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("missing", "takes 2 arrays that net-0000.params does not hold (data, conv_weight)"),
        (
            "others",
            "net-0000.params does not fit net-symbol.json: fc_weight has (7, 4), where (5, 4) is needed",
        ),
        ("two inputs", "takes 2 arrays that net-0000.params does not hold (data, softmax_label)"),
        (
            "two outputs",
            "answers with 2 outputs (0 'fc_output': of shape (2, 5); 1 'other_output': of shape (2, 5)); say "
            "which of them holds the scores with `output: fc_output`, or another, in its entry",
        ),
        ("labelled pair", "1 '_mulscalar0_output': of shape (2, 5)"),
        ("other of two outputs", "has no output 'other'. It answers with 2 outputs (0 'fc_output': "),
        ("2 of two outputs", "has no output 2. It answers with 2 outputs (0 'fc_output': "),
        ("no network", "net-symbol.json cannot be read as a symbol of MXNet's: JSONDecodeError"),
        ("reads files", "holds _cvimread: these operators have no translation to ONNX, and are not run"),
        ("a circle", "node 3 takes what comes after it"),
        ("two epochs", "holds 2 files *.params: net-0000.params, net-0003.params; it needs one"),
        ("cut off", "it ends at byte 300"),
        ("small", "net-symbol.json does not take pictures of [3, 1, 1]"),
        ("grey", "conv_weight has (4, 3, 3, 3), where (4, 1, 3, 3) is needed"),
    ],
)
def test_what_cannot_be_taken_is_said(told: Any, name: str, expected: str) -> None:
    assert expected in told[name]
    assert "\n" not in told[name]
