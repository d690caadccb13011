"""Small ONNX files as somebody might hand them over, at opset 13 and with their weights beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper, parser

NETWORK = """\
<ir_version: 8, opset_import: ["": 13], producer_name: "somebody">
net (float[batch, 3, 8, 8] image) => (float[batch, 10] logits) {
  filtered = Conv <kernel_shape = [3, 3], pads = [1, 1, 1, 1]> (image, filters)
  active = Relu (filtered)
  axes = Constant <value = int64[2] {2, 3}> ()
  pooled = ReduceSum <keepdims = 0> (active, axes)
  logits = Gemm (pooled, weight, bias)
}"""
"""ReduceSum takes its axes as an input since opset 13."""
SHAPES = {"filters": (16, 3, 3, 3), "weight": (16, 10), "bias": (10,)}
PARAMETERS = 16 * 3 * 9 + 16 * 10 + 10


def write_file(path: Path, network: str = NETWORK, seed: int = 0) -> Path:
    """Write the network with weights in ``<name>.data`` beside it."""
    model, generator = parser.parse_model(network), np.random.default_rng(seed)
    for name, shape in SHAPES.items():
        values = generator.normal(size=shape).astype(np.float32) / 10
        model.graph.initializer.append(numpy_helper.from_array(values, name))
    path.with_suffix(".data").unlink(missing_ok=True)  # onnx would write behind what is there
    onnx.save(model, path, save_as_external_data=True, location=f"{path.stem}.data", size_threshold=0)
    return path
