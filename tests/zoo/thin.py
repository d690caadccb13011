"""Our side of ``thin_worker.py``: exports of thin networks, and their verdicts at every opset."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converters.catalogue import read_catalogue
from converters.interface import WorkerCall, export_call
from converters.registry import SOURCES
from evaluation.inputs import fixed_inputs, read_npz, write_npz
from evaluation.preprocessing import Preprocessing
from opsets import retarget_file
from pipeline.config.schema import Parity
from pipeline.stages.parity import Verification, verify
from pipeline.workers.processes import Limits
from pipeline.workers.sources import computing, run_worker
from tests.converters.conftest import NEVER, environment_of

OPSETS = range(3, 13)
DIVISOR = 8
WORKER = Path(__file__).parent / "thin_worker.py"


@dataclass(frozen=True)
class Thin:
    """A thin network's native export, and what the worker said of it."""

    folder: Path
    """Holds inputs.npz, model.onnx and outputs.npz."""
    operators: Sequence[str]
    """Those of the network as it is."""
    thin_operators: Sequence[str]
    answer: Mapping[str, Any]

    @property
    def model(self) -> Path:
        return self.folder / "model.onnx"


def export_thin(source: str, models: Sequence[str], folder: Path, *, fused: bool) -> dict[str, Thin]:
    """Export ``models`` of ``source`` with an eighth of their channels, all in one process.

    With ``fused`` they are RepVGGs, and are exported re-parameterised.
    """
    environment = environment_of(source)
    request = {
        "task": "thin",
        "script": str(SOURCES[source].script),
        "layers": f"thin_{source}",
        "blocks": fused,
        "divisor": DIVISOR,
        "exports": [
            _request(
                source, model, read_catalogue(SOURCES[source])[model].preprocessing, folder / model, fused
            )
            for model in models
        ],
    }
    answer = run_worker(
        WorkerCall(WORKER, request),
        python=environment.python,
        variables=computing(environment.description.variables),
        what=f"exporting thin networks of {source}",
        folder=folder,
        limits=Limits(),
        stop=NEVER,
    )
    return {model: Thin(folder / model, **exported) for model, exported in answer["models"].items()}


def _request(
    source: str, model: str, preprocessing: Mapping[str, Any], folder: Path, fused: bool
) -> dict[str, Any]:
    folder.mkdir()
    inputs = fixed_inputs(Preprocessing.from_dict(preprocessing), [], seed=0, batch=3)
    write_npz(folder / "inputs.npz", inputs)
    call = export_call(
        SOURCES[source],
        model=model,
        weights={"kind": "random", "seed": 0},
        reparameterise=fused,
        inputs=folder / "inputs.npz",
        output_folder=folder,
        opset=12,
    )
    return dict(call.request)


def growth(thin: Thin) -> float:
    """The size of the largest file of any opset, as a multiple of the native export's."""
    with _at_every_opset(thin) as files:
        return max(file.stat().st_size for file in files.values()) / thin.model.stat().st_size


def judge(thin: Thin) -> dict[int, Verification]:
    """The verdict of every runtime at every opset."""
    with _at_every_opset(thin) as files:
        return verify(
            files,
            thin.folder / "inputs.npz",
            read_npz(thin.folder / "outputs.npz"),
            parity=Parity(),
            folder=thin.folder / "parity",
            limits=Limits(),
            stop=NEVER,
            environment_of=lambda source: environment_of(source.name),
        )


@contextmanager
def _at_every_opset(thin: Thin) -> Iterator[dict[int, Path]]:
    """The files by their opsets, for as long as they are looked at."""
    with tempfile.TemporaryDirectory(dir=thin.folder) as folder:
        files = {opset: Path(folder) / f"{opset}.onnx" for opset in OPSETS}
        for opset, file in files.items():
            retarget_file(thin.model, opset, file)
        yield files
