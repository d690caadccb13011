"""The runtimes as their users have them: default options, and the threads that they are given.

Those of the parity check differ from these: there, what is computed has to be the same each time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Run = Callable[[Array], Array]


@dataclass(frozen=True)
class TimedRuntime:
    """One way to run an ONNX file. Its package is imported when it is asked for something."""

    title: str
    version: Callable[[], str]
    """Of what is imported, which is asked in the process that runs it."""
    available: Callable[[], bool]
    """Whether this machine and the installed package have it."""
    load: Callable[[Path, int], Run]
    """Load a model of one input and one output for so many threads; what computes its output."""


def _load_onnxruntime(provider: str, model: Path, threads: int) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4  # errors are raised, and need not be printed as well
    session = onnxruntime.InferenceSession(str(model), options, providers=[provider])
    if session.get_providers()[0] != provider:  # it goes on without a provider that does not start
        raise RuntimeError(f"{provider} cannot be used on this machine")
    name = session.get_inputs()[0].name
    return lambda array: np.asarray(session.run(None, {name: array})[0])


def _onnxruntime_version() -> str:
    """Not that of a distribution: the builds for other processors are distributed under other names."""
    import onnxruntime

    return str(onnxruntime.__version__)


def _has_provider(provider: str) -> bool:
    import onnxruntime

    return provider in onnxruntime.get_available_providers()


def _load_openvino(model: Path, threads: int) -> Run:
    import openvino

    # One request at a time; and in float32 as the others, where the processor would do less.
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "f32",
    }
    request = openvino.Core().compile_model(str(model), "CPU", settings).create_infer_request()
    return lambda array: np.asarray(request.infer([array])[0])


def _load_opencv(model: Path, threads: int) -> Run:
    import cv2

    cv2.setNumThreads(threads)
    network: Any = cv2.dnn.readNetFromONNX(str(model), cv2.dnn.ENGINE_NEW)
    if network.empty():
        raise RuntimeError("it does not load the model")

    def run(array: Array) -> Array:
        network.setInput(array)
        return np.asarray(network.forward())

    return run


def _onnxruntime(title: str, provider: str) -> TimedRuntime:
    return TimedRuntime(
        title,
        _onnxruntime_version,
        partial(_has_provider, provider),
        partial(_load_onnxruntime, provider),
    )


RUNTIMES = {
    "onnxruntime": _onnxruntime("ONNX Runtime", "CPUExecutionProvider"),
    "onnxruntime-cuda": _onnxruntime("ONNX Runtime, CUDA", "CUDAExecutionProvider"),
    "onnxruntime-tensorrt": _onnxruntime("ONNX Runtime, TensorRT", "TensorrtExecutionProvider"),
    "openvino": TimedRuntime("OpenVINO", partial(metadata.version, "openvino"), lambda: True, _load_openvino),
    "opencv": TimedRuntime(
        "OpenCV", partial(metadata.version, "opencv-python-headless"), lambda: True, _load_opencv
    ),
}
"""By the names that files and reports use."""


def available_runtimes() -> list[str]:
    """The names of those that this machine has."""
    return [name for name, runtime in RUNTIMES.items() if runtime.available()]
