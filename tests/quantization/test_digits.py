"""A trained network: what quantisation costs it, and that the gate stops what is spoilt.

This alone shows that the gate's figures mean something for weights that have learned.
"""

from __future__ import annotations

import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from sklearn.datasets import load_digits

from parity.exact import evaluate
from quantization.calibration import calibrate
from quantization.folding import fold_batch_normalization, named
from quantization.gate import Gate, GateVerdict, judge
from quantization.ranges import ranges_of
from quantization.search import Material, search
from quantization.settings import Settings
from quantization.writer import Form, tensors_to_calibrate, write_quantized
from tests.converters.conftest import environment_of
from tests.quantization.networks import Array, run

pytestmark = pytest.mark.torchvision
TRAINED, CALIBRATED = 1000, 100


@cache
def _digits() -> tuple[Array, Array]:
    """Pictures, float32 (1797, 1, 8, 8) of 0 to 1, in an order that mixes the writers; and their classes."""
    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.target))
    pictures = (digits.images[order, None] / 16).astype(np.float32)
    return pictures, digits.target[order].astype(np.int64)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> onnx.ModelProto:
    """The network, trained on the first pictures."""
    folder = tmp_path_factory.mktemp("digits")
    pictures, labels = _digits()
    np.savez(folder / "train.npz", pictures=pictures[:TRAINED], labels=labels[:TRAINED])
    script = Path(__file__).with_name("train_digits.py")
    python = environment_of("torchvision").python
    command = [str(python), str(script), str(folder / "train.npz"), str(folder / "model.onnx")]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return named(onnx.load(folder / "model.onnx"))


@pytest.fixture(scope="module")
def material(model: onnx.ModelProto) -> Material:
    pictures, labels = _digits()
    tensors = [*tensors_to_calibrate(model), *tensors_to_calibrate(fold_batch_normalization(model))]
    some = pictures[:CALIBRATED]
    histograms = calibrate(model, list(dict.fromkeys(tensors)), lambda: [some], 2)

    def computed(graph: onnx.ModelProto, data: Array) -> Array:
        return evaluate(graph, {"image": data}, 2)[0]

    return Material(model, computed, pictures[TRAINED:], some[:8], histograms, labels[TRAINED:])


@pytest.mark.parametrize("form", ["int8", "int8-qdq", "fp16"])
def test_a_good_file_passes_and_is_as_right_in_a_session_of_users(form: str, material: Material) -> None:
    found = search(form, material, Settings())
    verdict = found.best.verdict
    assert verdict.passed
    assert verdict.reference_top1 is not None
    assert verdict.reference_top1 > 0.95  # it has learned
    assert verdict.pictures == 797
    for optimised in (False, True):
        logits = run(found.model, material.pictures, optimised=optimised)
        reference = run(material.model, material.pictures)
        assert judge(reference, logits, Gate(), material.labels).passed
    wanted = 0.55 if form == "fp16" else 0.5
    assert len(found.model.SerializeToString()) < wanted * len(material.model.SerializeToString()) + 6000


def _verdict(material: Material, graph: onnx.ModelProto, labelled: bool = True) -> GateVerdict:
    reference = run(material.model, material.pictures)
    logits = material.run(graph, material.pictures)
    return judge(reference, logits, Gate(), material.labels if labelled else None)


def _made(material: Material, form: Form, share: float = 1.0) -> onnx.ModelProto:
    ranges = ranges_of(material.histograms, "minmax", 100)
    narrow = {name: (low * share, high * share) for name, (low, high) in ranges.items()}
    return write_quantized(fold_batch_normalization(material.model), narrow, form)


@pytest.mark.parametrize("labelled", [True, False])
def test_spoilt_files_are_stopped(material: Material, labelled: bool) -> None:
    assert _verdict(material, _made(material, "int8"), labelled).passed
    saturated = _made(material, "int8", 0.15)
    assert not _verdict(material, saturated, labelled).passed
    moved = _made(material, "int8")
    moved.graph.initializer.append(numpy_helper.from_array(np.array(40, np.uint8), "wrong_zero_point"))
    for node in moved.graph.node:
        if node.op_type == "QLinearConv":
            node.input[2] = "wrong_zero_point"
    assert not _verdict(material, moved, labelled).passed


def test_ranges_of_other_pictures_are_stopped(material: Material) -> None:
    """Those of pictures nearly black: what the digits need is cut off."""
    model = material.model
    dark = material.few * np.float32(0.1)
    tensors = tensors_to_calibrate(fold_batch_normalization(model))
    other = replace(material, histograms=calibrate(model, tensors, lambda: [dark], 2))
    assert not _verdict(material, _made(other, "int8")).passed
