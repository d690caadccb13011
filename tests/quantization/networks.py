"""A small classifier with what classifiers are made of, and pictures for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import numpy_helper, parser

import opsets

Array = npt.NDArray[Any]

TEXT = """
<ir_version: 5, opset_import: ["": {opset}]>
net (float[N,3,16,16] x) => (float[N,10] y) {{
  [first] c1 = Conv<pads=[1,1,1,1]>(x, w1, b1)
  [norm] n1 = BatchNormalization(c1, s, t, m, v)
  [relu] r1 = Relu(n1)
  [depth] c2 = Conv<pads=[1,1,1,1], group=8>(r1, w2)
  [clip] r2 = {clip}
  [pool] p2 = MaxPool<kernel_shape=[2,2], strides=[2,2]>(r2)
  [grouped] c3 = Conv<group=2>(p2, w3, b3)
  [add] a3 = Add(c3, p2)
  [mean] g3 = GlobalAveragePool(a3)
  [gate] q3 = Conv(g3, w4, b4)
  [sigmoid] h3 = Sigmoid(q3)
  [scale] e3 = Mul(a3, h3)
  [left] l4 = Conv(e3, w5, b5)
  [leftrelu] lr4 = Relu(l4)
  [right] k4 = Conv<pads=[1,1,1,1]>(e3, w6, b6)
  [rightrelu] kr4 = Relu(k4)
  [join] j4 = Concat<axis=1>(lr4, kr4)
  [mean2] g4 = GlobalAveragePool(j4)
  [flat] f4 = Flatten<axis=1>(g4)
  [dense] d4 = Gemm<transB=1>(f4, w7, b7)
  [denserelu] dr4 = Relu(d4)
  [last] u = MatMul(dr4, w8)
  [bias] y = Add(u, b8)
}}"""


def network(opset: int = 12, seed: int = 0) -> onnx.ModelProto:
    """The classifier, with seeded weights whose activations stay in size."""
    if opset > 12:
        return opsets.retarget(network(12, seed), opset)
    clip = "Clip<min=0., max=6.>(c2)" if opset < 11 else "Clip(c2, low, high)"
    model = parser.parse_model(TEXT.format(opset=opset, clip=clip))
    random = np.random.default_rng(seed)

    def weight(*shape: int) -> Array:
        return random.normal(size=shape).astype(np.float32) * np.float32(1.4 / np.sqrt(np.prod(shape[1:])))

    values = {
        "w1": weight(8, 3, 3, 3), "b1": weight(8, 1).reshape(-1),
        "s": random.uniform(0.5, 2, 8).astype(np.float32), "t": weight(8, 1).reshape(-1),
        "m": weight(8, 1).reshape(-1), "v": random.uniform(0.5, 2, 8).astype(np.float32),
        "w2": weight(8, 1, 3, 3), "w3": weight(8, 4, 1, 1), "b3": weight(8, 1).reshape(-1),
        "w4": weight(8, 8, 1, 1), "b4": weight(8, 1).reshape(-1),
        "w5": weight(6, 8, 1, 1), "b5": weight(6, 1).reshape(-1),
        "w6": weight(10, 8, 3, 3), "b6": weight(10, 1).reshape(-1),
        "w7": weight(16, 16), "b7": weight(16, 1).reshape(-1),
        "w8": weight(16, 10), "b8": weight(10, 1).reshape(-1),
    }  # fmt: skip
    if opset >= 11:
        values |= {"low": np.array(0, np.float32), "high": np.array(6, np.float32)}
    model.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in values.items())
    return model


def pictures(count: int, seed: int = 0) -> Array:
    """Smooth pictures that differ: float32 (count, 3, 16, 16)."""
    random = np.random.default_rng(seed)
    small = random.normal(size=(count, 3, 4, 4)) * 1.5
    return np.ascontiguousarray(np.kron(small, np.ones((1, 1, 4, 4))), np.float32)


def run(model: onnx.ModelProto, data: Array, *, optimised: bool = False) -> Array:
    """What ONNX Runtime makes of ``data``, with nothing fused or as users run it."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    [output] = session.run(None, {session.get_inputs()[0].name: data})
    return np.asarray(output)


def error(reference: Array, other: Array) -> float:
    """The largest error relative to the largest reference value."""
    return float(np.abs(reference - other).max() / np.abs(reference).max())
