"""The values that the tensors of a graph take on pictures, as histograms.

Pictures are fed a few at a time, twice: first for the smallest and the largest values, then for the
histograms between them. No activation is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import onnx

from quantization.errors import QuantizationError
from quantization.graph import Array, input_of
from quantization.ranges import Histogram

Pictures = Callable[[], Iterable[Array]]
"""Gives the same pictures each time: float32 (N, C, H, W), a stride at a time."""
AT_ONCE = 4
"""Pictures that go through the network together: so many times its activations are in memory."""


def calibrate(
    model: onnx.ModelProto, tensors: Sequence[str], pictures: Pictures, threads: int
) -> dict[str, Histogram]:
    """The histograms of ``tensors``, which are float32, of ``model`` on ``pictures``.

    Nothing in the network is fused. Raises QuantizationError where a value is not finite.
    """
    run = _runner(model, tensors, threads)
    bounds: dict[str, tuple[float, float]] = {}
    for stride in pictures():
        for name, values in run(stride):
            if not np.isfinite(values).all():
                raise QuantizationError(f"the tensor {name!r} is not finite on the pictures to calibrate on")
            low, high = bounds.get(name, (0.0, 0.0))
            bounds[name] = min(low, float(values.min())), max(high, float(values.max()))
    histograms = {name: Histogram(*bound) for name, bound in bounds.items()}
    for stride in pictures():
        for name, values in run(stride):
            histograms[name].add(values)
    return histograms


def _runner(
    model: onnx.ModelProto, tensors: Sequence[str], threads: int
) -> Callable[[Array], Iterable[tuple[str, Array]]]:
    import onnxruntime

    source = input_of(model)
    extended = onnx.ModelProto()
    extended.CopyFrom(model)
    del extended.graph.output[:]
    inner = [name for name in dict.fromkeys(tensors) if name != source]
    extended.graph.output.extend(onnx.ValueInfoProto(name=name) for name in inner)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        extended.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )

    def run(stride: Array) -> Iterable[tuple[str, Array]]:
        for start in range(0, len(stride), AT_ONCE):
            some = np.ascontiguousarray(stride[start : start + AT_ONCE])
            yield source, some
            yield from zip(inner, session.run(inner, {source: some}), strict=True)

    return run
