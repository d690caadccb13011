"""A real zoo of small classifiers that can tell pictures apart, published into any store."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper, parser

from publishing.announcement import Signer, announce
from publishing.archive import DataSet
from publishing.benchmarks import Benchmark
from publishing.graph_facts import ir_version
from publishing.manifest import CHECKSUMS
from publishing.record import RECORD_SUFFIX, Description, PublishedFile, Record, from_json, to_json
from publishing.stores import open_store
from publishing.units import Material, publish
from publishing.zoo import Zoo
from tests.publishing import units

Array = npt.NDArray[np.float32]

_GENERATOR = np.random.default_rng(11)
KERNEL: Array = _GENERATOR.normal(size=(7, 3)).astype(np.float32)
BIAS: Array = _GENERATOR.normal(size=7).astype(np.float32)
INPUTS: dict[str, Array] = {
    "noise-1": _GENERATOR.normal(size=(1, 3, 8, 8)).astype(np.float32),
    "noise-3": (3 * _GENERATOR.normal(size=(3, 3, 1, 1)) + np.zeros((3, 3, 8, 8))).astype(np.float32),
}
_NETWORK = """
<ir_version: {ir}, opset_import: ["": {opset}]>
classifier (float[N, 3, 8, 8] image) => (float[N, 7] logits)
{{
    rectified = Relu(image)
    pooled = GlobalAveragePool(rectified)
    flat = Flatten(pooled)
    logits = Gemm<transB = 1{broadcast}>(flat, kernel, bias)
}}
"""


def outputs() -> dict[str, Array]:
    """Return what NumPy computes for the data sets, float32 (N, 7) each."""
    return {
        name: (np.maximum(images, 0).mean(axis=(2, 3)) @ KERNEL.T + BIAS).astype(np.float32)
        for name, images in INPUTS.items()
    }


def network(opset: int, kernel: Array = KERNEL) -> onnx.ModelProto:
    """Return the classifier as it is said at an opset, with the stamps that such a file has."""
    ir = ir_version(opset)
    broadcast = ", broadcast = 1" if opset < 7 else ""
    model = parser.parse_model(_NETWORK.format(ir=ir, opset=opset, broadcast=broadcast))
    for name, values in (("kernel", kernel), ("bias", BIAS)):
        model.graph.initializer.append(numpy_helper.from_array(values, name))
        if ir == 3:
            model.graph.input.append(helper.make_tensor_value_info(name, 1, values.shape))
    return model


def data_sets() -> list[DataSet]:
    """Return the test data as it goes into an archive."""
    expected = outputs()
    return [DataSet([array], [expected[name]]) for name, array in INPUTS.items()]


def pages(records: Sequence[Record], benchmarks: Sequence[Benchmark]) -> Mapping[str, bytes]:
    """Return a page for all and one for each family."""
    families = {f"{record.source}/{record.family}" for record in records}
    return {"README.md": b"# A zoo\n"} | {f"{family}/README.md": b"# A family\n" for family in families}


def make(
    place: str | Path, folder: Path, opsets: Sequence[int] = (7, 12), signer: Signer | None = None
) -> Zoo:
    """Publish the classifier at some opsets into a store; ``folder`` is for files on the way."""
    zoo = Zoo(open_store(place))
    for opset in opsets:
        put(zoo, folder, network(opset), opset)
    announce(zoo, pages, signer)
    return zoo


def put(
    zoo: Zoo, folder: Path, model: onnx.ModelProto, opset: int, tested: Sequence[DataSet] | None = None
) -> None:
    """Publish one model, announced as the classifier at ``opset``, with its test data or another."""
    file = folder / f"work-{opset}.onnx"
    onnx.save(model, file)
    sets = data_sets() if tested is None else tested
    publish(zoo, Material(file, model, sets, pictures()), description(opset))


def list_again(folder: Path, opset: int) -> None:
    """Let record and lists say of a changed unit what is there now, as somebody would who wants no notice."""
    file = folder / f"timm/small/model/tiny-{opset}{RECORD_SUFFIX}"
    record = from_json(file.read_text())
    files = {
        kind: PublishedFile(published.path, len(content), hashlib.sha256(content).hexdigest())
        for kind, published in record.files.items()
        for content in [(folder / published.path).read_bytes()]
    }
    file.write_text(to_json(replace(record, files=files)))
    (folder / CHECKSUMS).unlink()  # a record that is listed keeps its digest
    announce(Zoo(open_store(folder)), pages)


def pictures() -> dict[str, bytes]:
    """Return the one thumbnail of the zoo."""
    content = b"no real JPEG, and nobody looks into it"
    return {f"pictures/cat-{hashlib.sha256(content).hexdigest()[:12]}.jpg": content}


def described_inputs() -> list[dict[str, Any]]:
    """Return what a record says of the inputs of the data sets."""
    return [
        {"name": name, "shape": list(array.shape), "sha256": hashlib.sha256(array.tobytes()).hexdigest()}
        for name, array in INPUTS.items()
    ]


def description(opset: int, **changes: Any) -> Description:
    """Return what the pipeline would say of the classifier."""
    [(thumbnail, content)] = pictures().items()
    return units.description(
        name=f"timm/tiny@{opset}",
        model="tiny",
        family="small",
        inputs=described_inputs(),
        predictions=[
            {
                "picture": "cat.jpg",
                "thumbnail": thumbnail,
                "thumbnail_sha256": hashlib.sha256(content).hexdigest(),
                "source": [],
            }
        ],
        **changes,
    )
