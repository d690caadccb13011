"""ONNX Runtime on the file raised to opset 9: a second opinion on files that it refuses as they are.

The raising is ours, so this does not count as independent. It holds the file to the rules of its
own opset, which the runtimes that take old files do not.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from parity.runtimes import onnxruntime_cpu
from parity.runtimes.interface import Array

INDEPENDENT = False
JUDGE = False
OPSETS = range(3, 7)


def version() -> str:
    """Return the version of the installed package, and what is done before it."""
    return f"{onnxruntime_cpu.version()}, on the file raised to opset 9 by our own rules"


def run(model: Path, inputs: Mapping[str, Array], threads: int) -> dict[str, Array]:
    """Run every data set in one session; see :class:`parity.runtimes.interface.Runtime`."""
    import onnx

    from parity.raising import raise_to_9

    raised = onnx.load(model, format="protobuf")
    raise_to_9(raised)
    content = raised.SerializeToString()
    del raised  # large models stand in memory twice by now
    return onnxruntime_cpu.run_session(content, inputs, threads)
