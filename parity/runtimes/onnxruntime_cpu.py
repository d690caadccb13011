"""ONNX Runtime on the processor, with its optimisations, as it is used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import numpy as np

from parity.file_marks import QUANTIZED_OPERATORS, may_hold
from parity.runtimes.interface import (
    AnyArray,
    DataSets,
    InvalidModelError,
    UnsupportedError,
    as_answers,
    in_precision,
)

INDEPENDENT = True
JUDGE = True
OPSETS = range(7, 22)  # it has no kernels for most operators below
ENVIRONMENT: str | None = None
QUANTIZED = False
MODULES: tuple[str, ...] = ("numpy", "onnxruntime")

_FLOATS = {"tensor(float16)": np.float16, "tensor(double)": np.float64}


def version() -> str:
    """Return the version of the installed package."""
    return metadata.version("onnxruntime")


def run(model: Path, data_sets: DataSets, threads: int) -> dict[str, list[AnyArray]]:
    """Run every data set in one session; see :class:`parity.runtimes.interface.Runtime`."""
    # All optimisations but the last, another layout of convolutions: it copies large kernels four times.
    return run_at_level(model, data_sets, threads, "ORT_ENABLE_EXTENDED")


def run_at_level(model: Path, data_sets: DataSets, threads: int, level: str) -> dict[str, list[AnyArray]]:
    """The same, where ``level`` is the name of the optimisations in ONNX Runtime's enumeration."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    # An arena grows by doubling, and the system clears what is never used: a tenth of the time of a VGG-16.
    options.enable_cpu_mem_arena = False
    options.add_session_config_entry(
        "session.intra_op.allow_spinning", "0"
    )  # other models want the processor
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
    options.log_severity_level = 4  # errors are raised, and need not be printed as well
    with as_runtime_errors():
        exact_model, precise = _kept_exact(model)
        if precise:
            options.add_session_config_entry("session.x64quantprecision", "1")
        session = onnxruntime.InferenceSession(exact_model, options, providers=["CPUExecutionProvider"])
        ports = {port.name: _FLOATS.get(port.type, np.float32) for port in session.get_inputs()}
        return {
            data_set: as_answers(
                session.run(
                    None, {name: in_precision(array, ports[name]) for name, array in zip(ports, arrays)}
                )
            )
            for data_set, arrays in data_sets.items()
        }


def _kept_exact(file: Path) -> tuple[str | bytes, bool]:
    """The file, or the same model as bytes that is exact where this processor saturates.

    And whether it is exact only if ONNX Runtime is told not to saturate.
    """
    if not may_hold(file, QUANTIZED_OPERATORS):
        return str(file), False
    from parity.saturation import make_unsigned, saturates, wants_precision

    if not saturates():
        return str(file), False
    import onnx
    from onnx.external_data_helper import load_external_data_for_model

    model = onnx.load(file, load_external_data=False, format="protobuf")
    if not make_unsigned(model):
        return str(file), wants_precision(model)
    precise = wants_precision(model)
    load_external_data_for_model(model, str(file.parent))
    return model.SerializeToString(), precise


@contextmanager
def as_runtime_errors() -> Iterator[None]:
    """Raise what ONNX Runtime raises as the errors of :class:`parity.runtimes.interface.Runtime`."""
    from onnxruntime.capi import onnxruntime_pybind11_state as raised

    try:
        yield
    except (raised.NotImplemented, raised.Fail) as error:
        if isinstance(error, raised.NotImplemented) or _is_beyond_version(str(error)):
            raise UnsupportedError(str(error)) from error
        raise
    except raised.InvalidGraph as error:
        raise InvalidModelError(str(error)) from error


def _is_beyond_version(message: str) -> bool:
    """Tell a model that is beyond this version from one that is broken: both raise the same class.

    An operator that the opset does not have raises InvalidGraph instead.
    """
    return any(
        words in message
        for words in (
            "is not a registered function/op",  # of another domain
            "is under development",  # the opset
            "Unsupported model IR version",
        )
    )
