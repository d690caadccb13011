"""Every source for real: its exports compute what it computes.

Of the small networks of each: tests/pipeline/sweeps/slice_of_each_source.py has larger ones.
"""

from __future__ import annotations

import subprocess
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from converters.catalogue import read_catalogue
from converters.interface import WORKER_MODULES
from converters.registry import SOURCES
from parity.compare import Tolerance, compare
from parity.liveliness import lifeless
from tests.converters.conftest import Export, Exported, RunIn, environment_of

GATE = Tolerance()


def _source(name: str, *values: Any) -> Any:
    return pytest.param(name, *values, marks=getattr(pytest.mark, name))


MODELS = [
    _source("timm", "mobilenetv3_small_050"),
    _source("timm", "vit_tiny_patch16_224"),
    _source("torchvision", "shufflenet_v2_x0_5"),
    _source("mmcls", "mobilenet-v2_8xb32_in1k"),
    _source("mmcls", "lenet5_mnist"),
    _source("paddle", "MobileNetV3_small_x0_35"),
    _source("paddle", "DeiT_tiny_patch16_224"),
    _source("paddle", "mobilenet_v3_small"),
    _source("mxnet", "mobilenet0.25"),
    _source("mxnet", "mobilenetv2_0.25"),
    _source("caffe2", "squeezenet"),
    _source("caffe2", "shufflenet"),
]


def _logits(outputs: Any) -> Any:
    """The outputs, or their logarithms where the network ends with a Softmax."""
    return np.log(outputs) if np.allclose(outputs.sum(axis=1), 1) else outputs


def _assert_equal(exported: Exported) -> None:
    """The file computes the framework's own outputs, at batch 1 and at a larger batch."""
    onnx.checker.check_model(str(exported.model), full_check=True)
    session = onnxruntime.InferenceSession(exported.model, providers=["CPUExecutionProvider"])
    [port] = session.get_inputs()
    assert isinstance(port.shape[0], str), "the batch axis is dynamic"
    assert {array.shape[0] for array in exported.inputs.values()} == {1, 3}
    for name, array in exported.inputs.items():
        [output] = session.run(None, {port.name: array})
        comparison = compare(exported.outputs[name], output, GATE)
        assert comparison.passed, f"{name}: {comparison.reason}"


@pytest.mark.parametrize(("source", "model"), MODELS)
def test_an_export_computes_what_the_framework_computes(export: Export, source: str, model: str) -> None:
    exported = export(source, model)
    _assert_equal(exported)
    assert exported.answer["parameters"] == read_catalogue(SOURCES[source])[model].parameters
    logits = _logits(np.concatenate(list(exported.outputs.values())))
    assert lifeless(exported.outputs, Tolerance()) == ""
    assert 0.3 < logits.std(axis=1).mean() < 3
    assert np.abs(np.corrcoef(logits)[np.triu_indices(len(logits), 1)]).max() < 0.999


COMPILER = """
import sys; sys.path.insert(0, {worker!r})
from torchvision_operators import import_torchvision
import_torchvision()
assert 'torch._dynamo' not in sys.modules
answer = sys.modules['torchvision.ops.roi_align'].is_compile_supported('cpu')
from torch._dynamo.utils import is_compile_supported
assert answer == is_compile_supported('cpu')
"""


@pytest.mark.parametrize("source", [_source("torchvision"), _source("mmcls")])
def test_the_compiler_of_torch_is_imported_when_it_is_asked(run_in: RunIn, source: str) -> None:
    """Its import takes longer than that of torch, and no export needs it."""
    run_in(source, COMPILER.format(worker=str(WORKER_MODULES)))


LICENSES = """
import importlib.metadata, sys
package = importlib.metadata.distribution(sys.argv[1])
named = [package.metadata["License"] or "", *(package.metadata.get_all("Classifier") or ())]
texts = [file.read_text(encoding="utf-8") for file in package.files if file.name == "LICENSE"]
print(*named, *texts)
"""
CLAUSES = {
    "Apache-2.0": ("Apache Software License",),
    "BSD-3-Clause": ("BSD", "Redistributions of source code", "in binary form", "endorse or promote"),
}
"""What the metadata and the licence files of a package under each licence say."""


@pytest.mark.parametrize(
    ("source", "package"),
    [
        _source("timm", "timm"),
        _source("torchvision", "torchvision"),
        _source("mmcls", "mmcls"),
        _source("paddle", "paddlepaddle"),
        _source("paddle", "paddleclas"),
        _source("mxnet", "mxnet"),
        _source("caffe2", "torch"),
    ],
)
def test_the_license_of_a_source_is_that_of_its_package(source: str, package: str) -> None:
    command = [str(environment_of(source).python), "-c", LICENSES, package]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert [name for name, clauses in CLAUSES.items() if all(clause in text for clause in clauses)] == [
        SOURCES[source].license
    ]


@pytest.mark.parametrize(
    ("source", "model"),
    [
        _source("torchvision", "squeezenet1_1"),
        _source("paddle", "SqueezeNet1_1"),
        _source("mxnet", "squeezenet1.1"),
        _source("caffe2", "squeezenet"),
    ],
)
def test_a_seed_decides_the_weights(export: Export, source: str, model: str) -> None:
    first, again = export(source, model), export(source, model)
    other = export(source, model, {"kind": "random", "seed": 1})
    assert first.model.read_bytes() == again.model.read_bytes()
    for name, logits in first.outputs.items():
        np.testing.assert_array_equal(logits, again.outputs[name])
        assert np.abs(_logits(logits) - _logits(other.outputs[name])).max() > 0.1
