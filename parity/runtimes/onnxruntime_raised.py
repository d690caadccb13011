"""ONNX Runtime on the file raised to opset 9: a second opinion on files that it refuses as they are.

The raising is ours, so this does not count as independent. It holds the file to the rules of its
own opset, which the runtimes that take old files do not.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from parity.runtimes import onnxruntime_cpu
from parity.runtimes.interface import AnyArray, DataSets

INDEPENDENT = False
JUDGE = False
OPSETS = range(3, 7)
ENVIRONMENT: str | None = None
QUANTIZED = False
MODULES: tuple[str, ...] = ("numpy", "onnx", "onnxruntime")


def version() -> str:
    """Return the version of the installed package, and what is done before it."""
    return f"{onnxruntime_cpu.version()}, on the file raised to opset 9 by our own rules"


def run(model: Path, data_sets: DataSets, threads: int) -> dict[str, list[AnyArray]]:
    """Run every data set in one session; see :class:`parity.runtimes.interface.Runtime`."""
    beside = model.parent if os.access(model.parent, os.W_OK) else None  # there is room for another model
    with tempfile.TemporaryDirectory(dir=beside) as folder:
        raised = Path(folder) / "raised.onnx"
        _raise(model, raised)
        return onnxruntime_cpu.run(raised, data_sets, threads)


def _raise(model: Path, raised: Path) -> None:
    """Write ``model`` raised to opset 9 to ``raised``, its weights beside it.

    One tensor after the other goes into a file of its own kind: serialised as a whole, a large model
    would be in memory four times.
    """
    import onnx

    from parity.raising import raise_to_9

    whole = onnx.load(model, format="protobuf")
    raise_to_9(whole)
    onnx.save(whole, raised, save_as_external_data=True, location=f"{raised.name}.data")
