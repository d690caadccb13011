"""Classifiers exported by both of torch's exporters, at older opsets, with the numbers of torch itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import onnx
import pytest

from converters.interface import Source, WorkerCall
from evaluation.inputs import fixed_inputs, read_npz, write_npz
from evaluation.preprocessing import Preprocessing
from opsets import RetargetError, ir_version, retarget
from parity import call as runtimes
from parity.compare import Array, Tolerance, compare
from parity.liveliness import lifeless
from pipeline.environments import building
from pipeline.workers.processes import Limits
from pipeline.workers.sources import computing, run_worker

pytestmark = pytest.mark.torch_exports

SOURCE = Source(
    "torch-exports", "Both exporters of torch", Path(__file__).parent, (), "BSD-3-Clause", "org.pytorch"
)

MODELS = (
    "convnext",
    "mobilenet_v3",
    "shufflenet_v2",
    "swin",
    "swin_fused",
    "vit_fused",
    "vit_multihead",
)
TRACED = ("shufflenet_v2", "swin_fused", "vit_multihead")
"""By the older exporter too: it is that of the PyTorch sources, whose own tests have most of it."""
EXPORTERS = {
    model: ("torchscript-17", "dynamo-18") if model in TRACED else ("dynamo-18",) for model in MODELS
}
TARGETS = (12, 7, 3)

REFUSED = {
    "dynamo-18/swin_fused": "Failed to decompose the FX graph",
}
"""What an exporter itself cannot say, and a part of its reason."""

TOLERANCE = Tolerance(relative=1e-5)
PICTURES = 15
"""In the larger batch; on as many the random weights become lively without blowing up rounding errors."""

NEVER = threading.Event()


@dataclass(frozen=True)
class Exports:
    """The folder that the export script filled, and why an export is missing from it, or ""."""

    folder: Path
    reasons: dict[str, str]

    def inputs(self, model: str) -> Path:
        return self.folder / "inputs" / f"{model}.npz"

    def logits(self, model: str) -> dict[str, Array]:
        """The logits of torch itself, float32 (N, classes) per data set."""
        return read_npz(self.folder / "outputs" / f"{model}.npz")


@dataclass(frozen=True)
class Lowered:
    """All exports of one model at all targets: the files, why one is missing, and how they ran.

    ``logits`` are torch's own, float32 (N, classes) per data set; ``runs`` are by runtime and file.
    """

    logits: dict[str, Array]
    files: dict[str, Path]
    failures: dict[str, str]
    runs: dict[str, dict[str, runtimes.Run]]


@pytest.fixture(scope="session")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exports]:
    """Every model by every exporter, made once."""
    environment = building.ensure(SOURCE, stop=NEVER, say=print)
    folder = tmp_path_factory.mktemp("torch-exports")
    (folder / "inputs").mkdir()
    models = building.list_models(environment.description, environment.description.folder, NEVER)
    for model, listed in models.items():
        preprocessing = Preprocessing.from_dict(listed["preprocessing"])
        pictures = fixed_inputs(preprocessing, [], seed=0, batch=PICTURES)
        write_npz(folder / "inputs" / f"{model}.npz", pictures)
    request = {
        "task": "export all",
        "exporters": EXPORTERS,
        "seed": 0,
        "inputs": str(folder / "inputs"),
        "output_folder": str(folder),
    }
    answer = run_worker(
        WorkerCall(SOURCE.script, request),
        python=environment.python,
        variables=computing(environment.description.variables),
        what="exporting torch's classifiers",
        folder=folder,
        limits=Limits(),
        stop=NEVER,
    )
    yield Exports(folder, answer["exports"])
    shutil.rmtree(folder)  # hundreds of megabytes, which pytest would keep for three sessions


@pytest.fixture(scope="session")
def lowered(exports: Exports, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Lowered]]:
    """What becomes of a model, made once and kept while tests ask for the same model."""
    folder = tmp_path_factory.mktemp("lowered")

    @lru_cache(maxsize=1)
    def lower(model: str) -> Lowered:
        shutil.rmtree(folder)
        folder.mkdir()
        return lower_all(model, exports, folder)

    yield lower
    shutil.rmtree(folder)


def lower_all(model: str, exports: Exports, folder: Path) -> Lowered:
    """One model: every export of it at every target, and what the runtimes make of them."""
    files, failures = {}, {}
    for exporter in EXPORTERS[model]:
        if exports.reasons[f"{exporter}/{model}"]:
            continue
        original = onnx.load(exports.folder / exporter / f"{model}.onnx")
        for target in TARGETS:
            try:
                result = retarget(original, target)
            except RetargetError as error:
                failures[f"{exporter}@{target}"] = str(error)
                continue
            path = folder / f"{exporter}@{target}.onnx"
            onnx.save(result, path)
            files[f"{exporter}@{target}"] = path
    inputs = exports.inputs(model)
    runs = {name: run(name, files, inputs, folder / name) for name in ("onnxruntime", "openvino")}
    return Lowered(exports.logits(model), files, failures, runs)


def run(runtime: str, files: dict[str, Path], inputs: Path, folder: Path) -> dict[str, runtimes.Run]:
    """Run the files that ``runtime`` knows the opsets of, in one process of its own."""
    known = {key: file for key, file in files.items() if runtime in judges(int(key.split("@")[1]))}
    folder.mkdir()
    call = runtimes.RuntimeCall(runtime, known, inputs, folder, threads=1)
    call.write_request()
    done = subprocess.run(call.command, env={**os.environ, **call.environment}, cwd=folder, check=False)
    return runtimes.read_runs(call, "exited" if done.returncode == 0 else "crashed")


def judges(opset: int) -> tuple[str, ...]:
    """The runtimes that have to give torch's numbers: ONNX Runtime knows no operators below 7."""
    return ("onnxruntime", "openvino") if opset >= 7 else ("openvino",)


def test_every_model_is_exported_but_for_what_an_exporter_cannot_say(exports: Exports) -> None:
    assert set(exports.reasons) == {
        f"{exporter}/{model}" for model in MODELS for exporter in EXPORTERS[model]
    }
    failed = {pair: reason for pair, reason in exports.reasons.items() if reason}
    assert set(failed) == set(REFUSED)
    for pair, reason in failed.items():
        assert REFUSED[pair] in reason


@pytest.mark.parametrize("model", MODELS)
def test_the_logits_of_torch_answer_to_the_pictures(model: str, exports: Exports) -> None:
    logits = exports.logits(model)
    assert [len(rows) for rows in logits.values()] == [1, PICTURES]
    assert lifeless(logits, Tolerance(relative=0.1)) == ""


@pytest.mark.parametrize(
    ("model", "exporter", "target"),
    [
        (model, exporter, target)
        for model in MODELS
        for exporter in EXPORTERS[model]
        if f"{exporter}/{model}" not in REFUSED
        for target in TARGETS
    ],
)
def test_an_export_comes_down_with_the_numbers_of_torch(
    model: str, exporter: str, target: int, lowered: Callable[[str], Lowered]
) -> None:
    found, key = lowered(model), f"{exporter}@{target}"
    assert key in found.files, found.failures[key]
    assert_is_clean(onnx.load(found.files[key]), target)
    for runtime in judges(target):
        result = found.runs[runtime][key]
        assert result.outcome == "ran", f"{runtime}: {result.reason}"
        for name, logits in found.logits.items():
            comparison = compare(logits, result.outputs[name], TOLERANCE)
            assert comparison.passed, f"{runtime}, {name}: {comparison.reason}"


def assert_is_clean(model: onnx.ModelProto, opset: int) -> None:
    """``model`` is valid at ``opset``, with torch's names and an open batch."""
    onnx.checker.check_model(model, full_check=True)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", opset)]
    assert model.ir_version == ir_version(opset)
    weights = {tensor.name for tensor in model.graph.initializer}
    ports = [value for value in model.graph.input if value.name not in weights] + list(model.graph.output)
    assert [port.name for port in ports] == ["input", "logits"]
    assert [port.type.tensor_type.shape.dim[0].dim_param for port in ports] == ["batch", "batch"]
