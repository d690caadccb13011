"""A small real classifier and its wrong conversions, as ONNX files; the reference is NumPy's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper, parser

from parity.compare import Array

CLASSES = 7
_GENERATOR = np.random.default_rng(11)
KERNEL: Array = _GENERATOR.normal(size=(CLASSES, 3)).astype(np.float32)
BIAS: Array = _GENERATOR.normal(size=CLASSES).astype(np.float32)
INPUTS: dict[str, Array] = {
    "noise-1": _GENERATOR.normal(size=(1, 3, 8, 8)).astype(np.float32),
    "noise-3": (3 * _GENERATOR.normal(size=(3, 3, 1, 1)) + np.zeros((3, 3, 8, 8))).astype(np.float32),
}

NETWORK = """
<ir_version: 7, opset_import: ["": 12]>
classifier (float[N, 3, 8, 8] image) => (float[N, 7] logits)
{
    rectified = Relu(image)
    pooled = GlobalAveragePool(rectified)
    flat = Flatten(pooled)
    logits = Gemm<transB = 1>(flat, kernel, bias)
}
"""


def reference() -> dict[str, Array]:
    """Return what NumPy computes for the data sets, float32 (N, 7) each."""
    return {
        name: (np.maximum(images, 0).mean(axis=(2, 3)) @ KERNEL.T + BIAS).astype(np.float32)
        for name, images in INPUTS.items()
    }


def write(file: Path, kernel: Array = KERNEL, bias: Array = BIAS, network: str = NETWORK) -> Path:
    """Write the network with these weights."""
    model = parser.parse_model(network)
    for name, values in (("kernel", kernel), ("bias", bias)):
        model.graph.initializer.append(numpy_helper.from_array(values, name))
    onnx.save(model, file)
    return file
