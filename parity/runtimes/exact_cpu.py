"""Quantised graphs as they are written: integers exactly, the rest in ONNX Runtime with nothing fused.

What it computes does not depend on the processor. The arithmetic is ours, so this does not count as
independent.
"""

from __future__ import annotations

from pathlib import Path

from parity.runtimes import onnxruntime_cpu
from parity.runtimes.interface import AnyArray, DataSets, as_answers

INDEPENDENT = False
JUDGE = True
OPSETS = range(10, 22)  # there is no quantised operator below
ENVIRONMENT: str | None = None
QUANTIZED = True
MODULES: tuple[str, ...] = ("numpy", "onnx", "onnxruntime")


def version() -> str:
    """Return the version of the installed package, and what is done without it."""
    return f"{onnxruntime_cpu.version()} without optimisations, and our own exact arithmetic of integers"


def run(model: Path, data_sets: DataSets, threads: int) -> dict[str, list[AnyArray]]:
    """Run every data set; see :class:`parity.runtimes.interface.Runtime`."""
    import onnx

    from parity.exact import answers_of

    whole = onnx.load(model, format="protobuf")
    with onnxruntime_cpu.as_runtime_errors():
        return {
            data_set: as_answers(answers_of(whole, arrays, threads)) for data_set, arrays in data_sets.items()
        }
