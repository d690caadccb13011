"""A small real CNN in the forms of opsets 3 to 6, and the same network at opset 12 as its reference."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper, parser

from parity.compare import Array
from parity.runtimes import onnxruntime_cpu

OLD_OPSETS = (3, 4, 5, 6)
_GENERATOR = np.random.default_rng(3)


def _weight(*shape: int) -> Array:
    values = _GENERATOR.normal(size=shape) / np.sqrt(np.prod(shape[1:]))
    return np.asarray(values, np.float32)


WEIGHTS: dict[str, Array] = {
    "kernel": _weight(8, 3, 3, 3),
    "bias": _weight(8),
    "scale": 1 + np.float32(0.1) * _weight(8),
    "shift": _weight(8),
    "mean": np.float32(0.1) * _weight(8),
    "variance": np.abs(1 + np.float32(0.1) * _weight(8)),
    "grouped": _weight(8, 4, 3, 3),
    "added": _weight(8),
    "factor": np.array([1.5], np.float32),
    "dense": _weight(128, 7),
    "offset": _weight(7),
}
# As high and as wide behind the pooling as there are channels: an axis that is ignored goes unnoticed.
INPUTS: dict[str, Array] = {
    "noise-1": _GENERATOR.normal(size=(1, 3, 16, 16)).astype(np.float32),
    "noise-3": (2 * _GENERATOR.normal(size=(3, 3, 16, 16))).astype(np.float32),
}

WITH_AXIS, WITHOUT_AXIS = "Add<broadcast = 1, axis = 1>(convolved, added)", "Sum(convolved, pooled)"

_OLD = """
<ir_version: 3, opset_import: ["": {opset}]>
classifier (float[N, 3, 16, 16] image{weights}) => (float[N, 7] logits)
{{
    first = Conv<pads = [1, 1, 1, 1], kernel_shape = [3, 3]>(image, kernel, bias)
    normal = BatchNormalization<is_test = 1{memory}>(first, scale, shift, mean, variance)
    rectified = Relu(normal)
    pooled = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(rectified)
    convolved = Conv<pads = [1, 1, 1, 1], kernel_shape = [3, 3], group = 2>(pooled, grouped)
    moved = {addition}
    scaled = Mul<broadcast = 1>(moved, factor)
    summed = Sum(scaled, pooled)
    kept = Dropout<is_test = 1>(summed)
    small = AveragePool<kernel_shape = [2, 2], strides = [2, 2]>(kept)
    flat = {reshape}
    logits = Gemm<broadcast = 1>(flat, dense, offset)
}}
"""
_NEW = """
<ir_version: 7, opset_import: ["": 12]>
classifier (float[N, 3, 16, 16] image) => (float[N, 7] logits)
{{
    first = Conv<pads = [1, 1, 1, 1], kernel_shape = [3, 3]>(image, kernel, bias)
    normal = BatchNormalization(first, scale, shift, mean, variance)
    rectified = Relu(normal)
    pooled = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(rectified)
    convolved = Conv<pads = [1, 1, 1, 1], kernel_shape = [3, 3], group = 2>(pooled, grouped)
    column = Unsqueeze<axes = [1, 2]>(added)
    moved = {addition}
    scaled = Mul(moved, factor)
    summed = Add(scaled, pooled)
    small = AveragePool<kernel_shape = [2, 2], strides = [2, 2]>(summed)
    flat = Flatten(small)
    logits = Gemm(flat, dense, offset)
}}
"""


def _with_weights(text: str, weights: dict[str, Array]) -> onnx.ModelProto:
    model = parser.parse_model(text)
    model.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in weights.items())
    return model


def old_model(opset: int, addition: str = WITHOUT_AXIS, **weights: Array) -> onnx.ModelProto:
    """The network at ``opset``, with ``weights`` in the place of its own; valid for the checker."""
    used = WEIGHTS | weights
    listed = "".join(f", float[{', '.join(map(str, array.shape))}] {name}" for name, array in used.items())
    text = _OLD.format(
        opset=opset,
        addition=addition,
        weights=listed if opset < 5 else f"{listed}, int64[2] shape",
        memory=", consumed_inputs = [0, 0, 0, 1, 1]" if opset < 6 else "",
        reshape="Reshape<shape = [0, -1]>(small)" if opset < 5 else "Reshape(small, shape)",
    )
    model = _with_weights(text, used)
    if opset >= 5:
        model.graph.initializer.append(helper.make_tensor("shape", onnx.TensorProto.INT64, [2], [0, -1]))
    onnx.checker.check_model(model, full_check=True)
    return model


def references(folder: Path, addition: str = WITHOUT_AXIS) -> dict[str, Array]:
    """What ONNX Runtime computes from the same network at opset 12, float32 (N, 7) per data set."""
    operator = "Add(convolved, column)" if addition == WITH_AXIS else "Add(convolved, pooled)"
    onnx.save(_with_weights(_NEW.format(addition=operator), WEIGHTS), folder / "new.onnx")
    answers = onnxruntime_cpu.run(folder / "new.onnx", {name: [array] for name, array in INPUTS.items()}, 1)
    return {name: output for name, [output] in answers.items()}
