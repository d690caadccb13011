"""All runtimes, by the names that records and reports use."""

from __future__ import annotations

from collections.abc import Collection

from parity.runtimes import (
    caffe2_cpu,
    exact_cpu,
    onnxruntime_cpu,
    onnxruntime_raised,
    onnxruntime_unoptimised,
    opencv_cpu,
    openvino_cpu,
)
from parity.runtimes.interface import Runtime

RUNTIMES: dict[str, Runtime] = {
    "exact": exact_cpu,
    "onnxruntime": onnxruntime_cpu,
    "openvino": openvino_cpu,
    "opencv": opencv_cpu,
    "onnxruntime-raised": onnxruntime_raised,
    "onnxruntime-unoptimised": onnxruntime_unoptimised,
    "caffe2": caffe2_cpu,
}


def asked_at(opset: int, environments: Collection[str] = (), *, quantized: bool = False) -> tuple[str, ...]:
    """The names of the runtimes that are asked about a file of ``opset``, whose graph may be ``quantized``.

    Those that need an environment of their own are asked where it is among ``environments``.
    """
    return tuple(
        name
        for name, runtime in RUNTIMES.items()
        if opset in runtime.OPSETS
        and (quantized or not runtime.QUANTIZED)
        and (runtime.ENVIRONMENT is None or runtime.ENVIRONMENT in environments)
    )
