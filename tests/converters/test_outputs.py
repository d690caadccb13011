"""A framework answers to other pictures with the very network that its export is compared with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from converters.interface import outputs_call
from converters.registry import SOURCES
from evaluation.inputs import read_npz, write_npz
from pipeline.workers.processes import Limits
from pipeline.workers.sources import run_worker
from tests.converters.conftest import NEVER, Export, environment_of

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
    variables = {"OMP_NUM_THREADS": "2", **environment_of(source).description.variables}
    run_worker(
        outputs_call(
            SOURCES[source],
            model=model,
            weights={"kind": "random", "seed": 0},
            inputs=inputs,
            pictures=pictures,
            output_folder=folder,
        ),
        python=environment_of(source).python,
        variables=variables,
        what="asking",
        folder=folder,
        limits=Limits(),
        stop=NEVER,
    )
    answers = read_npz(folder / "outputs.npz")
    np.testing.assert_array_equal(answers["0"], exported.outputs[several])
    np.testing.assert_array_equal(answers["1"], exported.outputs[single])
    assert not (folder / "model.onnx").exists()
