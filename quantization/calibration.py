"""The values that the tensors of a graph take on pictures, as histograms.

Pictures are fed a few at a time, twice: first for the smallest and the largest values, then for the
histograms between them. No activation is kept.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import onnx

from quantization.errors import QuantizationError
from quantization.graph import LARGE, Array, batches, fixed_batch, input_of
from quantization.ranges import Histogram

Pictures = Callable[[], Iterable[Array]]
"""Gives the same pictures each time: float32 (N, C, H, W), a stride at a time."""
_PAGE = 4096
AT_ONCE = 2
"""Pictures that go through the network together: so many times its activations are in memory."""


def calibrate(
    model: onnx.ModelProto, tensors: Sequence[str], pictures: Pictures, threads: int
) -> dict[str, Histogram]:
    """The histograms of ``tensors``, which are float32, of ``model`` on ``pictures``.

    Nothing in the network is fused. Raises QuantizationError where a value is not finite.
    """
    with tempfile.TemporaryDirectory() as folder:
        run = _runner(model, tensors, threads, Path(folder))
        bounds: dict[str, tuple[float, float]] = {}
        for stride in pictures():
            for name, values in run(stride):
                if not np.isfinite(values).all():
                    raise QuantizationError(f"the tensor {name!r} is not finite on the calibration pictures")
                low, high = bounds.get(name, (0.0, 0.0))
                bounds[name] = min(low, float(values.min())), max(high, float(values.max()))
        histograms = {name: Histogram(*bound) for name, bound in bounds.items()}
        for stride in pictures():
            for name, values in run(stride):
                histograms[name].add(values)
    return histograms


def _runner(
    model: onnx.ModelProto, tensors: Sequence[str], threads: int, folder: Path
) -> Callable[[Array], Iterable[tuple[str, Array]]]:
    """What computes the tensors. The weights lie in ``folder``, and are in memory once beside ``model``."""
    import onnxruntime

    source, fixed = input_of(model), fixed_batch(model)
    inner = [name for name in dict.fromkeys(tensors) if name != source]
    extended = _with_weights_in(folder / "weights", model)
    extended.graph.output.extend(onnx.ValueInfoProto(name=name) for name in inner)
    path = folder / "extended.onnx"
    onnx.save(extended, path)
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.disable_prepacking", "1")  # which copies every weight
    options.intra_op_num_threads = threads
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def run(stride: Array) -> Iterable[tuple[str, Array]]:
        for some in batches(stride, AT_ONCE, fixed):
            yield source, some
            yield from zip(inner, session.run(inner, {source: some}), strict=True)

    return run


def _with_weights_in(file: Path, model: onnx.ModelProto) -> onnx.ModelProto:
    """``model`` without outputs, and with its large weights in ``file``, from where runtimes map them."""
    result = onnx.ModelProto(ir_version=model.ir_version, opset_import=model.opset_import)
    result.graph.name = model.graph.name
    result.graph.node.extend(model.graph.node)
    result.graph.input.extend(model.graph.input)
    with file.open("wb") as stream:
        for tensor in model.graph.initializer:
            if len(tensor.raw_data) < LARGE:
                result.graph.initializer.append(tensor)
                continue
            stream.write(bytes(-stream.tell() % _PAGE))
            entries = {"location": file.name, "offset": stream.tell(), "length": len(tensor.raw_data)}
            stream.write(tensor.raw_data)
            outside = onnx.TensorProto(name=tensor.name, data_type=tensor.data_type, dims=tensor.dims)
            outside.data_location = onnx.TensorProto.EXTERNAL
            for key, value in entries.items():
                outside.external_data.add(key=key, value=str(value))
            result.graph.initializer.append(outside)
    return result
