"""The smallest model that shows what was found, its inputs, and a script that runs it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import helper

from evaluation.inputs import write_npz
from opsets.files.storage import write
from parity.diagnosis.difference import Values
from parity.diagnosis.graphs import Given
from parity.runtimes.registry import RUNTIMES
from pipeline.diagnosis.findings import Finding
from pipeline.diagnosis.running import OPENVINO, OPTIMISED, UNOPTIMISED, given_of

_SESSION = """\
import onnxruntime

options = onnxruntime.SessionOptions()
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.{level}
session = onnxruntime.InferenceSession("model.onnx", options, providers=["CPUExecutionProvider"])
[answer] = session.run(None, inputs)
"""
_RUNS = {
    UNOPTIMISED: _SESSION.format(level="ORT_DISABLE_ALL"),
    OPTIMISED: _SESSION.format(level="ORT_ENABLE_EXTENDED"),
    OPENVINO: """\
import openvino

compiled = openvino.Core().compile_model("model.onnx", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
[answer] = compiled(list(inputs.values())).to_tuple()
""",
}
_SCRIPT = """\
import numpy as np

inputs = dict(np.load("inputs.npz"))
[expected] = np.load("expected.npz").values()
{run}
finite = np.isfinite(expected) & np.isfinite(answer)
error = np.abs(np.subtract(answer, expected, dtype=np.float64))[finite]
print("expected", expected.ravel()[:8])
print("computed", answer.ravel()[:8])
print("largest difference", error.max(initial=0), "of", np.abs(expected[finite]).max(initial=0))
print("not finite in one alone:", np.count_nonzero(np.isfinite(expected) != np.isfinite(answer)))
"""


def write_reproduction(finding: Finding, folder: Path) -> None:
    """Write ``model.onnx``, ``inputs.npz``, ``expected.npz`` and ``reproduce.py`` into ``folder``, a new one.

    The model is the nodes of the finding, at their opset, with the weights that they read. The folder appears
    complete or not at all. Raises OSError.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".diagnosis-", dir=folder.parent) as staging:
        whole = Path(staging) / "whole"
        whole.mkdir()
        _write(finding, whole)
        whole.rename(folder)


def _write(finding: Finding, folder: Path) -> None:
    given = {name: Given(ports.element, finding.given[name].shape) for name, ports in _given(finding).items()}
    part = finding.side.network.part([finding.tensor], given)
    [output] = part.model.graph.output
    output.CopyFrom(_port(finding))
    write(part.model, folder / "model.onnx")
    names = [value.name for value in part.model.graph.input]
    weights = {tensor.name for tensor in part.model.graph.initializer}
    ports = [name for name in names if name not in weights]
    arrays = {
        port: _in_type(finding.given[name], given[name].element)
        for port, name in zip(ports, part.inputs, strict=True)
    }
    write_npz(folder / "inputs.npz", arrays)
    write_npz(folder / "expected.npz", {"expected": finding.expected})
    script = _SCRIPT.format(run=_RUNS[finding.side.runtime].rstrip())
    package, version = finding.side.runtime.partition("-")[0], RUNTIMES[finding.side.runtime].version()
    made_with = f"# numpy {np.__version__}, {package} {version}; run it in this folder."
    (folder / "reproduce.py").write_text(f"{made_with}\n{script}", encoding="utf-8")


def _given(finding: Finding) -> Mapping[str, Given]:
    return given_of([*finding.given], {finding.worst.data_set: finding.given}, finding.side.facts)


def _in_type(array: Values, element: int) -> Values:
    """``array`` in the type that the model wants: floats of 16 bits were handed on as ones of 32."""
    return array.astype(helper.tensor_dtype_to_np_dtype(element), copy=False)


def _port(finding: Finding) -> onnx.ValueInfoProto:
    """The output, of open lengths: they may be what differs."""
    expected = finding.expected
    element = finding.side.facts.elements.get(finding.tensor) or int(
        helper.np_dtype_to_tensor_dtype(expected.dtype)
    )
    return helper.make_tensor_value_info(finding.tensor, element, [None] * expected.ndim)
