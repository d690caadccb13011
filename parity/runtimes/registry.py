"""All runtimes, by the names that records and reports use."""

from __future__ import annotations

from parity.runtimes import onnxruntime_cpu, onnxruntime_raised, opencv_cpu, openvino_cpu
from parity.runtimes.interface import Runtime

RUNTIMES: dict[str, Runtime] = {
    "onnxruntime": onnxruntime_cpu,
    "openvino": openvino_cpu,
    "opencv": opencv_cpu,
    "onnxruntime-raised": onnxruntime_raised,
}


def asked_at(opset: int) -> tuple[str, ...]:
    """The names of the runtimes that are asked about a file of ``opset``."""
    return tuple(name for name, runtime in RUNTIMES.items() if opset in runtime.OPSETS)
