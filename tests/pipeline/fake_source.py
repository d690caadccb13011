"""A source without a framework: a small real script, run by our own interpreter in a process of its own.

It lets models go through the real stages, runtimes and publishing in seconds. Its networks compute the mean
of each channel of a picture, which is multiplied by a matrix; the script computes the same with NumPy. What
goes wrong is in the name of the model. A file with weights for other classes gets a head for them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from converters.catalogue import ListedModel, catalogue_file, catalogue_text
from converters.interface import Source
from converters.registry import SOURCES
from pipeline.environments import building
from pipeline.environments.run_environments import RunEnvironments
from pipeline.environments.spec import spec_of
from pipeline.planning.completion import look_at_published
from pipeline.planning.jobs import Plan
from pipeline.planning.planner import make_plan, read_checked
from pipeline.planning.selection import Selection
from pipeline.stages.model_run import ModelRun
from pipeline.system.files import cache_folder, write_note
from pipeline.terminal.progress import PlainProgress
from tests.commands import run_command
from tests.tiny_source import NAME, source_in

ROOT = Path(__file__).parents[2]
MODELS = ("net", "other", "third", "dead", "wrong", "slow", "hungry", "raising")
PREPROCESSING = {
    "input_size": [3, 8, 8],
    "resize": 9,
    "crop_mode": "center",
    "interpolation": "bilinear",
    "mean": [0.5, 0.5, 0.5],
    "std": [0.5, 0.5, 0.5],
    "colour": "RGB",
}
EXPORT = f"""\
import os
import time

import numpy as np
import onnx
from answering import outputs_task, read_arrays, write_outputs
from model_details import details, details_task
from onnx import numpy_helper, parser
from protocol import EXPORT, WEIGHTS, TaskError, main
from timed_network import latency_task
from tracing import trace_task

MODELS = {MODELS!r}
PREPROCESSING = {PREPROCESSING!r}
CLASSES = int(os.environ.get("TINY_CLASSES", "10"))
NETWORK = '''
<ir_version: 7, opset_import: ["": 12]>
tiny (float[batch, channels, height, width] image) => (float[batch, classes] logits) {{
  pooled = GlobalAveragePool (image)
  flat = Flatten <axis = 1> (pooled)
  logits = Gemm (flat, weight, bias)
}}'''


def catalogue(request):
    return {{"models": {{name: {{"family": name, "preprocessing": PREPROCESSING}} for name in MODELS}}}}


def weights_of(request, arrays):
    asked, classes = request["weights"], request["options"]["classes"]
    channels = next(iter(arrays.values())).shape[1]
    if asked["kind"] == "file":
        with np.load(asked["path"]) as file:
            if set(file.files) != {{"weight", "bias"}}:
                raise TaskError(WEIGHTS, "the file does not hold weight and bias")
            who = "the framework" if len(file["bias"]) == CLASSES else "the weights file"
            return file["weight"], file["bias"], "a file", {{"classes": len(file["bias"]), "from": who}}
    seed, count = asked.get("seed", 0), classes or CLASSES
    generator = np.random.default_rng(seed)
    weight = generator.normal(size=(channels, count)).astype(np.float32)
    head = {{"classes": count, "from": "the pipeline file" if classes else "the framework"}}
    return weight, np.arange(count, dtype=np.float32) / count, f"random weights, seed {{seed}}", head


def load(request, inputs):
    weight, bias, *_ = weights_of(request, inputs)
    return lambda array: array.mean(axis=(2, 3)) @ weight + bias


def export(request):
    name = request["model"]
    if name == "slow":
        time.sleep(600)
    if name == "hungry":
        block = bytearray(1 << 30)
        block[::4096] = b"x" * len(block[::4096])
        time.sleep(600)
    if name == "raising":
        raise TaskError(EXPORT, "this one cannot be said")
    arrays = read_arrays(request["inputs"])
    weight, bias, origin, head = weights_of(request, arrays)
    if name == "dead":
        weight = np.zeros_like(weight)
    model = parser.parse_model(NETWORK)
    image, logits = model.graph.input[0].type.tensor_type.shape, model.graph.output[0].type.tensor_type.shape
    for axis, length in zip(image.dim[1:], next(iter(arrays.values())).shape[1:]):
        axis.dim_value = length
    logits.dim[1].dim_value = weight.shape[1]
    model.graph.initializer.append(numpy_helper.from_array(weight, "weight"))
    model.graph.initializer.append(numpy_helper.from_array(bias, "bias"))
    onnx.save(model, os.path.join(request["output_folder"], "model.onnx"))
    if name == "wrong":
        weight = weight[::-1]
    write_outputs(request["output_folder"], lambda array: array.mean(axis=(2, 3)) @ weight + bias, arrays)
    return {{
        "opset": 12,
        "exporter": "onnx.parser",
        "parameters": weight.size + bias.size,
        "head": head,
        "weights": {{"origin": origin, "sha256": None, "tensors": 2}},
    }}


def load_traced(request, inputs, recorder):
    if request["options"]["arguments"].get("opaque"):
        raise TaskError(EXPORT, "its layers take no hooks")
    weight, bias, *_ = weights_of(request, inputs)
    if request["model"] == "wrong":
        weight = weight[::-1]

    def run(array):
        pooled = array.mean(axis=(2, 3))
        recorder.note("pool", "AvgPool2d", pooled)
        recorder.note("again", "Identity", pooled)
        recorder.note("head", "Linear", pooled @ weight + bias)
        return pooled @ weight + bias

    return run


def load_timed(request, inputs):
    if request["model"] == "other":
        raise RuntimeError("this framework cannot be timed")
    return load(request, inputs)


main(
    {{
        "catalogue": catalogue,
        "export": export,
        "outputs": outputs_task(load),
        "trace": trace_task(load_traced),
        "details": details_task(lambda name: details(4 * CLASSES, 16 * CLASSES, False)),
        "latency": latency_task(load_timed, "tiny 1.0"),
    }}
)
"""


def make_source(folder: Path) -> Source:
    """The source with its files in ``folder``; its environment has not been made."""
    folder.mkdir(parents=True)
    (folder / "export.py").write_text(EXPORT)
    (folder / "requirements.in").write_text("tiny==1.0\n")
    (folder / "requirements.lock").write_text("# nothing\n")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    (folder / "environment.toml").write_text(f'python = "{version}"\ngigabytes = 0.001\n')
    source = source_in(folder)
    models = {name: ListedModel(name, PREPROCESSING, 40, 160, False) for name in MODELS}
    catalogue_file(source).write_text(catalogue_text(models))
    return source


def make_environment(source: Source) -> building.Environment:
    """The environment of the source in the cache folder: our own interpreter, with what is installed here."""
    description = spec_of(source)
    python = description.folder / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')  # a link would not find its packages
    python.chmod(0o755)
    installed = description.folder / f"lib/python{description.python}/site-packages/tiny-1.0.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
    (installed / "RECORD").touch()
    write_note(description.folder / "packages.json", {"python": sys.version.split()[0], "tiny": "1.0"})
    environment = building.existing(source)
    assert environment
    return environment


class FakeSource:
    """The source, registered and built, and a folder with pipeline files that name its models."""

    def __init__(self, folder: Path, source: Source) -> None:
        self.folder, self.source, self.environment = folder, source, make_environment(source)
        self.cache = cache_folder()
        self._started: list[subprocess.Popen[str]] = []

    def write(self, *models: str, opsets: str = "12", more: str = "") -> Path:
        """Write a pipeline file; ``more`` are lines that hold for each entry."""
        lines = "".join(f"    {line}\n" for line in more.splitlines())
        entries = "".join(f"  - source: {NAME}\n    model: {model}\n{lines}" for model in models)
        path = self.folder / "pipeline.yaml"
        path.write_text(f"publish: dist\nopsets: [{opsets}]\nmodels:\n{entries}", encoding="utf-8")
        return path

    def plan(self, *models: str, opsets: str = "12", more: str = "") -> Plan:
        """The plan of such a file, with what is done marked."""
        checked = read_checked(self.write(*models, opsets=opsets, more=more))
        return look_at_published(make_plan(checked, Selection()))

    def run(self, plan: Plan, stop: threading.Event | None = None) -> ModelRun:
        """The first job of a plan, ready to be run."""
        from rich.console import Console

        stop = stop or threading.Event()
        progress = PlainProgress(Console(stderr=True))
        return ModelRun(plan.jobs[0], plan, progress, RunEnvironments(stop=stop, say=print), stop)

    @property
    def published(self) -> list[str]:
        """The names of the ONNX files that are published."""
        return sorted(path.name for path in (self.folder / "dist").rglob("*.onnx"))

    def start(
        self, *arguments: str, before: tuple[str, ...] = (), folder: Path | None = None, **variables: str
    ) -> subprocess.Popen[str]:
        """Begin ``python -m pipeline`` with ``arguments``, in a process that knows of the source too.

        ``before`` is a command that runs it, ``folder`` another folder to run it in.
        """
        process = subprocess.Popen(
            [*before, sys.executable, "-c", LAUNCH, str(self.source.folder), *arguments],
            cwd=folder or self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        )
        self._started.append(process)
        return process

    def end(self) -> None:
        """End the processes that a test which failed has left."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
                process.communicate()

    def command(
        self, *arguments: str, before: tuple[str, ...] = (), folder: Path | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run ``python -m pipeline`` with ``arguments`` to its end, as :meth:`start`."""
        if not before:
            place = folder or self.folder
            done = run_command(*arguments, folder=place, tiny=self.source.folder, **variables)
        else:
            with self.start(*arguments, before=before, folder=folder, **variables) as process:
                output, errors = process.communicate()
            done = subprocess.CompletedProcess(arguments, process.returncode, output, errors)
        assert "Traceback" not in done.stdout + done.stderr
        return done

    def record(self, model: str = "net", opset: int = 12) -> dict[str, object]:
        """The record of a published unit."""
        place = self.folder / f"dist/{NAME}/{model}/model/{model}-{opset}.record.json"
        record: dict[str, object] = json.loads(place.read_text())
        return record


LAUNCH = """\
import sys
from pathlib import Path
from tests.tiny_source import register
register(Path(sys.argv.pop(1)))
from pipeline.__main__ import start
start()
"""


@contextmanager
def fake_source(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSource]:
    """The source in the registry, built, in a cache folder of this test's own below ``folder``."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    source = make_source(folder / "source")
    monkeypatch.setitem(SOURCES, NAME, source)
    (folder / "files").mkdir()
    fake = FakeSource(folder / "files", source)
    try:
        yield fake
    finally:
        fake.end()
