"""A VGG-16 of torchvision at ten opsets, beside what anybody would write, and what it cannot be without.

``python -m benchmarks.ten_opsets`` needs the environment of torchvision and 15 GB of disk. All is in CPU
seconds, so that load does not matter:

- ours: ``run`` from 3 to 12, with both judges, all second opinions and the archives;
- the loop: at each opset from 7 on, as it cannot go below, an export by torch, one comparison in ONNX Runtime
  and an archive by :mod:`tarfile` and :mod:`gzip`, all with the interpreter started once;
- the floor: one export, with the framework's own answers, and for each opset one writing of the file and one
  session in each runtime that is asked, which computes the answers to all fixed inputs.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.promises import Figure, print_and_leave
from converters.interface import WORKER_MODULES, export_call
from converters.registry import SOURCES
from evaluation.inputs import fixed_inputs, write_npz
from evaluation.preprocessing import Preprocessing
from parity.call import RuntimeCall
from parity.runtimes.registry import RUNTIMES, asked_at
from pipeline.environments import building
from pipeline.workers.sources import computing, with_modules, worker_environment

SOURCE = SOURCES["torchvision"]
OPSETS, OF_THE_LOOP = range(3, 13), range(7, 13)
FILE = """\
publish: zoo
opsets: 3-12
models: [{source: torchvision, model: vgg16, weights: {random: 0}}]
"""
OF_LOOP, OF_FLOOR = 0.25, 1.5
EXPORT = """
import warnings
from torchvision_operators import import_torchvision
torchvision = import_torchvision()
import numpy, torch
warnings.simplefilter("ignore")
network = torchvision.models.vgg16().eval()
inputs = {"noise-1": torch.randn(1, 3, 224, 224), "noise-3": torch.randn(3, 3, 224, 224)}
with torch.no_grad():
    for name, rows in inputs.items():
        numpy.savez(name + ".npz", rows.numpy(), network(rows).numpy())
for opset in range(7, 13):
    axes = {"input": {0: "batch"}, "logits": {0: "batch"}}
    torch.onnx.export(network, (inputs["noise-1"],), f"vgg16-{opset}.onnx", opset_version=opset, dynamo=False,
                      input_names=["input"], output_names=["logits"], dynamic_axes=axes)
"""
COMPARE = """
import numpy, onnxruntime, os, tarfile
from onnx import numpy_helper
for opset in range(7, 13):
    model = f"vgg16-{opset}.onnx"
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    for number, name in enumerate(("noise-1", "noise-3")):
        rows, expected = numpy.load(name + ".npz").values()
        numpy.testing.assert_allclose(session.run(None, {"input": rows})[0], expected, atol=1e-3)
        os.makedirs(f"test_data_set_{number}", exist_ok=True)
        for kind, array in (("input", rows), ("output", expected)):
            with open(f"test_data_set_{number}/{kind}_0.pb", "wb") as stream:
                stream.write(numpy_helper.from_array(array).SerializeToString())
    with tarfile.open(f"vgg16-{opset}.tar.gz", "w:gz") as archive:
        for member in (model, "test_data_set_0", "test_data_set_1"):
            archive.add(member)
"""


def cpu_seconds(command: Sequence[str], folder: Path, variables: Mapping[str, str]) -> float:
    """What a command takes of a processor, with all that it starts and waits for."""

    def taken() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    before = taken()
    subprocess.run(command, cwd=folder, env=dict(variables), check=True, stdout=subprocess.DEVNULL)
    return taken() - before


def loop(python: Path, folder: Path) -> float:
    """CPU seconds of an opset in the obvious loop."""
    environment = worker_environment(computing({"PYTHONPATH": str(WORKER_MODULES)}))
    exported = cpu_seconds([str(python), "-c", EXPORT], folder, environment)
    compared = cpu_seconds([sys.executable, "-c", COMPARE], folder, os.environ)
    return (exported + compared) / len(OF_THE_LOOP)


def floor(python: Path, zoo: Path, preprocessing: Preprocessing, folder: Path) -> float:
    """CPU seconds of an opset without which nothing can be published; the files are those in ``zoo``."""
    inputs = folder / "inputs.npz"
    write_npz(inputs, fixed_inputs(preprocessing, [], seed=0))
    taken = _exported(python, inputs, folder)
    models = {opset: next(zoo.rglob(f"vgg16-{opset}.onnx")) for opset in OPSETS}
    for model in models.values():
        copy = "import shutil, sys; shutil.copyfile(*sys.argv[1:])"
        taken += cpu_seconds([sys.executable, "-c", copy, str(model), "copy.onnx"], folder, os.environ)
    for name in RUNTIMES:
        asked = {str(opset): model for opset, model in models.items() if name in asked_at(opset)}
        if asked:
            place = folder / name
            place.mkdir()
            call = RuntimeCall(name, asked, inputs, place)
            call.write_request()
            taken += cpu_seconds(call.command, place, worker_environment({}))
    return taken / len(OPSETS)


def _exported(python: Path, inputs: Path, folder: Path) -> float:
    weights = {"kind": "random", "seed": 0}
    call = export_call(
        SOURCE, model="vgg16", weights=weights, inputs=inputs, output_folder=folder, opset=OPSETS[-1]
    )
    (folder / "request.json").write_text(json.dumps(call.request))
    variables = worker_environment(with_modules(computing({})))
    return cpu_seconds([str(python), str(call.script), "request.json", "result.json"], folder, variables)


def measure() -> list[Figure]:
    """CPU seconds of an opset in all three ways, and their ratios."""
    python = building.ensure(SOURCE, (), stop=threading.Event(), say=print).python
    with tempfile.TemporaryDirectory() as scratch:
        places = [Path(scratch, name) for name in ("ours", "floor", "loop")]
        for place in places:
            place.mkdir()
        (places[0] / "pipeline.yaml").write_text(FILE)
        run = [sys.executable, "-m", "pipeline", "run", "pipeline.yaml"]
        ours = cpu_seconds(run, places[0], os.environ) / len(OPSETS)
        record = json.loads(next(places[0].rglob("vgg16-12.record.json")).read_text())
        preprocessing = Preprocessing.from_dict(record["preprocessing"])
        least = floor(python, places[0] / "zoo", preprocessing, places[1])
        for place in places[:2]:
            shutil.rmtree(place)
        obvious = loop(python, places[2])
    return [
        Figure("VGG-16, an opset of ten", ours, "CPU seconds"),
        Figure("the obvious loop, an opset", obvious, "CPU seconds"),
        Figure("the floor, an opset", least, "CPU seconds"),
        Figure("VGG-16 of the obvious loop", ours / obvious, at_most=OF_LOOP),
        Figure("VGG-16 of the floor", ours / least, at_most=OF_FLOOR),
    ]


if __name__ == "__main__":
    print_and_leave(measure())
