"""Small graphs that are compared, as ONNX text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper, parser

SCORES = (
    '<ir_version: {ir}, opset_import: ["": {opset}]> scores (float[{batch},3,16,16] image)'
    " => (float[{batch},3] {name}) {{ z = Relu(image) p = GlobalAveragePool(z)"
    " f = Flatten(p) {name} = {operator}(f) }}"
)
WORDS = (
    '<ir_version: 8, opset_import: ["": 13]> words (int64[N,S] ids, int64[N,S] mask, bool[N] flag)'
    " => (float[N,4] y, int64[N] best) { e = Gather(table, ids) s = ReduceSum<keepdims=0>(e, axes)"
    " c = Cast<to=1>(mask) t = ReduceSum(c, axes) b = Cast<to=1>(flag) u = Unsqueeze(b, axes)"
    " q = Mul(s, t) y = Add(q, u) best = ArgMax<axis=1, keepdims=0>(y) }"
)


def scores(
    file: Path, operator: str = "Softmax", *, opset: int = 13, batch: str = "N", name: str = "scores"
) -> Path:
    """Write a classifier of pictures, float32 (batch, 3, 16, 16), that ends with ``operator``."""
    text = SCORES.format(ir=8 if opset > 8 else 3, opset=opset, batch=batch, name=name, operator=operator)
    onnx.save(parser.parse_model(text), file)
    return file


def words(file: Path, scale: float = 1.0) -> Path:
    """Write a network of ids of 30 words, a mask and a flag, which gives scores and the best of them."""
    model = parser.parse_model(WORDS)
    table = scale * np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    model.graph.initializer.append(numpy_helper.from_array(table.astype(np.float32), "table"))
    model.graph.initializer.append(numpy_helper.from_array(np.array([1], np.int64), "axes"))
    onnx.save(model, file)
    return file


def written(file: Path, text: str) -> Path:
    """Write the model of an ONNX text."""
    onnx.save(parser.parse_model(text), file)
    return file
