"""Random weights for Caffe2's nets: under them, logits answer to the input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluation.inputs import fixed_inputs, write_npz
from evaluation.preprocessing import Preprocessing
from tests.converters.conftest import MOST_RESIDENT, RunIn

pytestmark = pytest.mark.caffe2

ROOT = Path(__file__).parents[2]

THIN: dict[str, dict[str, Any]] = {
    "vgg19": {"channels": (8, 8, 16, 16, 16), "widths": (64, 48)},
    "bvlc_alexnet": {"channels": (16, 16, 24, 32, 16), "widths": (64, 48)},
    "zfnet512": {"channels": (12, 16, 24, 24, 16), "widths": (64, 48)},
    "resnet50": {"stem": 8, "inner": (4, 8, 8, 16)},
    "shufflenet": {"stem": 8, "channels": (24, 48, 64), "groups": 2},
    "densenet121": {"stem": 8, "growth": 4, "depths": (2, 2, 3, 2)},
}

START = f"""
import json, sys
sys.path[:0] = [{str(ROOT / "converters/caffe2")!r}, {str(ROOT / "converters/worker")!r}]
import numpy as np
import caffe2_lively, caffe2_nets
from caffe2.python import workspace
"""

FILL = """
def logits_of(name, inputs, seed, **channels):
    net, shapes = caffe2_nets.build(name, **channels)
    caffe2_lively.fill(net, shapes, inputs, seed)
    held = {blob for blob in workspace.Blobs() if workspace.C.get_blob_size_bytes(blob)}
    assert held == set(shapes), f"not only parameters are left behind: {held ^ set(shapes)}"
    return net, shapes, rerun(net, inputs)

def rerun(net, inputs):
    *_, last = (operator for operator in net.op)
    logits = last.input[0] if last.type == "Softmax" else last.output[0]
    workspace.FeedBlob("data", inputs)
    for operator in net.op:
        if operator.type != "Softmax":
            workspace.RunOperatorOnce(operator)
    return workspace.FetchBlob(logits).reshape(len(inputs), -1)

with np.load("inputs.npz", allow_pickle=False) as archive:
    inputs = np.concatenate([archive[name] for name in archive.files])
"""


def _write_inputs(folder: Path) -> None:
    """Inputs of a Caffe kind: BGR, around 0, up to 150."""
    caffe = Preprocessing(
        input_size=(3, 224, 224),
        resize=256,
        crop_mode="center",
        interpolation="bilinear",
        mean=(104 / 255, 117 / 255, 123 / 255),
        std=(1 / 255, 1 / 255, 1 / 255),
        colour="BGR",
    )
    write_npz(folder / "inputs.npz", fixed_inputs(caffe, [], seed=0, batch=3))


@pytest.mark.parametrize(
    ("name", "channels"),
    [*THIN.items(), ("squeezenet", {}), ("inception_v1", {}), ("shufflenet", {})],
)
def test_random_weights_make_logits_that_answer_to_the_input(
    run_in: RunIn, tmp_path: Path, name: str, channels: dict[str, Any]
) -> None:
    _write_inputs(tmp_path)
    code = f"""
net, shapes, logits = logits_of({name!r}, inputs, 0, **{channels!r})
np.savez("made.npz", logits=logits, **{{name: workspace.FetchBlob(name) for name in shapes}})
"""
    run_in("caffe2", START + FILL + code)
    with np.load(tmp_path / "made.npz", allow_pickle=False) as archive:
        arrays = {key: archive[key] for key in archive.files}
    logits = arrays.pop("logits")
    assert logits.shape == (4, 1000)
    assert logits.std(axis=1).mean() == pytest.approx(1, rel=1e-3)
    # As for the other sources; ten draws of pictures lay between 0.79 and 0.9975, a dead network is at 1.
    assert np.corrcoef(logits)[np.triu_indices(4, 1)].max() < 0.999
    for key, value in arrays.items():
        assert value.dtype == np.float32
        assert np.isfinite(value).all()
        assert value.any(), f"{key} is 0"
        assert value.ndim == 1 or value.std() > 0, f"{key} is constant"


def test_a_seed_decides_the_weights(run_in: RunIn, tmp_path: Path) -> None:
    _write_inputs(tmp_path)
    code = f"""
logits = [logits_of("shufflenet", inputs, seed, **{THIN["shufflenet"]!r})[2] for seed in (3, 3, 4)]
np.save("logits.npy", logits)
"""
    run_in("caffe2", START + FILL + code)
    first, again, other = np.load(tmp_path / "logits.npy", allow_pickle=False)
    np.testing.assert_array_equal(first, again)
    assert abs(np.corrcoef(first.ravel(), other.ravel())[0, 1]) < 0.9


@pytest.mark.parametrize("name", ["bvlc_alexnet", "zfnet512"])
def test_a_wrong_local_response_normalisation_would_be_seen(run_in: RunIn, tmp_path: Path, name: str) -> None:
    _write_inputs(tmp_path)
    code = f"""
net, shapes, right = logits_of({name!r}, inputs, 0, **{THIN[name]!r})
first = next(operator for operator in net.op if operator.type == "LRN")
next(argument for argument in first.arg if argument.name == "size").i = 3
np.save("logits.npy", [right, rerun(net, inputs)])
"""
    run_in("caffe2", START + FILL + code)
    right, wrong = np.load(tmp_path / "logits.npy", allow_pickle=False)
    assert np.abs(right - wrong).max() > 0.05


def test_constant_logits_are_refused(run_in: RunIn, tmp_path: Path) -> None:
    code = f"""
from protocol import TaskError
net, shapes = caffe2_nets.build("vgg19", **{THIN["vgg19"]!r})
try:
    caffe2_lively.fill(net, shapes, np.full((2, 3, 224, 224), np.nan, np.float32), 0)
except TaskError as error:
    with open("said.json", "w") as stream:
        json.dump([error.kind, str(error)], stream)
"""
    run_in("caffe2", START + code)
    kind, message = json.loads((tmp_path / "said.json").read_text())
    assert kind == "weights"
    assert "take another seed, or real weights" in message


def test_filling_takes_less_than_three_times_the_weights(run_in: RunIn, tmp_path: Path) -> None:
    """With a first matrix that is most of the weights, as in VGG-19."""
    code = """
inputs = np.random.default_rng(0).standard_normal((2, 3, 224, 224), dtype=np.float32)
before = most_resident()
net, shapes = caffe2_nets.build("vgg19", channels=(4, 4, 8, 16, 256), widths=(4096, 1024))
caffe2_lively.fill(net, shapes, inputs, 0)
taken = most_resident() - before
weights = 4 * sum(int(np.prod(shape)) for shape in shapes.values())
with open("said.json", "w") as stream:
    json.dump([taken, weights], stream)
"""
    run_in("caffe2", START + MOST_RESIDENT + code, fresh=True)
    taken, weights = json.loads((tmp_path / "said.json").read_text())
    assert weights > 200e6
    assert weights < taken < 2.5 * weights
