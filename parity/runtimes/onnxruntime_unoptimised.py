"""ONNX Runtime on the processor without any of its optimisations: each node by itself, as the file has it.

No verdict asks it, as nobody uses it so; whoever looks for the node that computes something else does.
"""

from __future__ import annotations

from pathlib import Path

from parity.runtimes import onnxruntime_cpu
from parity.runtimes.interface import AnyArray, DataSets

INDEPENDENT = True
JUDGE = False
OPSETS = range(0)
ENVIRONMENT: str | None = None
QUANTIZED = False
MODULES = onnxruntime_cpu.MODULES


def version() -> str:
    """Return the version of the installed package."""
    return onnxruntime_cpu.version()


def run(model: Path, data_sets: DataSets, threads: int) -> dict[str, list[AnyArray]]:
    """Run every data set in one session; see :class:`parity.runtimes.interface.Runtime`."""
    return onnxruntime_cpu.run_at_level(model, data_sets, threads, "ORT_DISABLE_ALL")
