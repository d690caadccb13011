"""All runtimes, by the names that records and reports use."""

from __future__ import annotations

from parity.runtimes import onnxruntime_cpu, openvino_cpu
from parity.runtimes.interface import Runtime

RUNTIMES: dict[str, Runtime] = {
    "onnxruntime": onnxruntime_cpu,
    "openvino": openvino_cpu,
}
