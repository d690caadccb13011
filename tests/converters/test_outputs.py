"""A framework answers to other pictures, and shows its layers, with the network of its export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from converters.interface import WorkerCall, outputs_call, tracing
from converters.registry import SOURCES
from evaluation.inputs import read_npz, write_npz
from parity.diagnosis.graphs import Network
from parity.diagnosis.matching import are_equal
from pipeline.workers.processes import Limits
from pipeline.workers.sources import computing, run_worker
from tests.converters.conftest import NEVER, Export, Exported, environment_of

MODELS = {
    "timm": "mobilenetv3_small_050",
    "torchvision": "squeezenet1_1",
    "mmcls": "mobilenet-v2_8xb32_in1k",
    "paddle": "SqueezeNet1_1",
    "mxnet": "squeezenet1.1",
    "caffe2": "squeezenet",
}


@pytest.mark.parametrize(
    ("source", "model"), [pytest.param(*pair, marks=getattr(pytest.mark, pair[0])) for pair in MODELS.items()]
)
def test_random_weights_are_those_of_the_export(
    source: str, model: str, export: Export, tmp_path: Path
) -> None:
    exported = export(source, model)
    folder = tmp_path / "outputs"
    folder.mkdir()
    inputs, pictures = exported.model.with_name("inputs.npz"), folder / "pictures.npz"
    [single, several] = list(exported.inputs)
    # Under other names and in another order: only the fixed inputs decide about the weights.
    write_npz(pictures, {"0": exported.inputs[several], "1": exported.inputs[single]})
    asked: dict[str, Any] = {"model": model, "weights": {"kind": "random", "seed": 0}, "inputs": inputs}
    _ask(source, outputs_call(SOURCES[source], **asked, pictures=pictures, output_folder=folder), folder)
    answers = read_npz(folder / "outputs.npz")
    np.testing.assert_array_equal(answers["0"], exported.outputs[several])
    np.testing.assert_array_equal(answers["1"], exported.outputs[single])
    assert not (folder / "model.onnx").exists()
    # One export serves both tasks, as an export is most of the time.
    write_npz(pictures, {"1": exported.inputs[single]})
    call = tracing(outputs_call(SOURCES[source], **asked, pictures=pictures, output_folder=folder))
    _layers_are_in_the_file(_ask(source, call, folder)["layers"], exported, single, folder)


def _ask(source: str, call: WorkerCall, folder: Path) -> dict[str, Any]:
    return run_worker(
        call,
        python=environment_of(source).python,
        variables=computing(environment_of(source).description.variables),
        what="asking",
        folder=folder,
        limits=Limits(),
        stop=NEVER,
    )


def _layers_are_in_the_file(
    layers: list[dict[str, str]], exported: Exported, data_set: str, folder: Path
) -> None:
    """What the layers answer with are values of the ONNX file, but for a few."""
    arrays = [np.load(folder / layer["file"], allow_pickle=False) for layer in layers]
    np.testing.assert_array_equal(arrays[-1], exported.outputs[data_set])
    network = Network(onnx.load(exported.model))
    part = network.part(network.tensors, {})
    session = onnxruntime.InferenceSession(part.model.SerializeToString(), providers=["CPUExecutionProvider"])
    tensors = session.run(None, {network.inputs[0]: exported.inputs[data_set]})
    found = [any(are_equal(array, tensor, 1e-4) for tensor in tensors) for array in arrays]
    assert len(layers) > 20
    assert sum(found) > 0.9 * len(found), [
        layer["name"] for layer, each in zip(layers, found, strict=True) if not each
    ]
