"""Archives of a model at ten opsets: weights compressed once, beside an archive alone and Python's own way.

``python -m benchmarks.archives_of_a_model``: a model of 0.5 GB of random weights, as large as a VGG-16's, is
put into ten archives: with :mod:`tarfile` and :mod:`gzip` as anybody would, each by itself, and all with the
same weights. Printed are CPU seconds for each archive, so that load does not matter. The promise: with the
same weights at most 0.65 of what an archive alone takes, and a tenth of Python's own way; the exit code is 1
where it is broken. The temporary folder takes 11 GB.
"""

from __future__ import annotations

import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper, parser

import opsets
from benchmarks.promises import Figure, print_and_leave
from publishing.archive import DataSet, write_archive
from publishing.deflated import DeflatedWeights

OPSETS = range(3, 13)
LAYERS, ROWS, COLUMNS = 16, 2048, 4096
OF_ALONE, OF_PYTHON = 0.65, 0.1
NETWORK = """
<ir_version: 3, opset_import: ["": {opset}]>
net (float[N, 4] image, float[4, 3] weight) => (float[N, 3] logits) {{ logits = MatMul(image, weight) }}
"""


def written(folder: Path, opset: int) -> Path:
    """A model at ``opset``: the same weights as at any other."""
    model = parser.parse_model(NETWORK.format(opset=opset))
    generator = np.random.default_rng(0)
    model.graph.initializer.append(numpy_helper.from_array(np.ones((4, 3), np.float32), "weight"))
    for layer in range(LAYERS):
        array = generator.normal(size=(ROWS, COLUMNS)).astype(np.float32)
        model.graph.initializer.append(numpy_helper.from_array(array, f"layer{layer}"))
    file = folder / f"net-{opset}.onnx"
    onnx.save(model, file)
    return file


def cpu_seconds(work: Callable[[], object]) -> float:
    """What ``work`` takes of a processor."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def with_tarfile(model: Path) -> None:
    """Pack ``model`` as its users would."""
    with tarfile.open(model.with_suffix(".plain.tar.gz"), "w:gz") as archive:
        archive.add(model, model.name)
    model.with_suffix(".plain.tar.gz").unlink()


def archived(model: Path, weights: DeflatedWeights) -> None:
    """Pack ``model`` as the pipeline does."""
    array = np.ones((1, 4), np.float32)
    data = [DataSet([array], [array[:, :3]])]
    write_archive(model, opsets.read_graph(model), data, model.with_suffix(".tar.gz"), weights)


def measure() -> list[Figure]:
    """CPU seconds of an archive in three ways, and their ratios."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        models = [written(folder, opset) for opset in OPSETS]
        python = cpu_seconds(lambda: with_tarfile(models[0]))
        with DeflatedWeights(folder) as weights:
            alone = cpu_seconds(lambda: archived(models[0], weights))
        with DeflatedWeights(folder) as weights:
            together = cpu_seconds(lambda: [archived(model, weights) for model in models]) / len(models)
    return [
        Figure("tarfile with gzip", python, "CPU seconds"),
        Figure("an archive alone", alone, "CPU seconds"),
        Figure("each of ten with the same weights", together, "CPU seconds"),
        Figure("each of ten of one alone", together / alone, at_most=OF_ALONE),
        Figure("each of ten of tarfile with gzip", together / python, at_most=OF_PYTHON),
    ]


if __name__ == "__main__":
    print_and_leave(measure())
