"""What the tests of publishing publish: a small real model, and a zoo to put it in."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper, parser

import opsets
from publishing.announcement import announce
from publishing.archive import DataSet
from publishing.benchmarks import Benchmark
from publishing.record import Description, Record
from publishing.stores import open_store
from publishing.units import Material, publish
from publishing.zoo import Zoo
from tests.publishing import units

NETWORK = """
<ir_version: 3, opset_import: ["": 9]>
tiny (float[N, 4] image, float[4, 3] weight) => (float[N, 3] logits) { logits = MatMul(image, weight) }
"""
WEIGHT = np.arange(12, dtype=np.float32).reshape(4, 3)
IMAGES = np.ones((2, 4), dtype=np.float32)
PICTURE = b"a thumbnail, or so"
PICTURE_PATH = "pictures/cat-0123456789ab.jpg"


def network(file: Path, factor: float = 1.0) -> Path:
    model = parser.parse_model(NETWORK)
    model.graph.initializer.append(numpy_helper.from_array(WEIGHT * np.float32(factor), "weight"))
    onnx.save(model, file)
    return file


def description(model: str = "tiny", **changes: Any) -> Description:
    """What the pipeline would say of the model at opset 9."""
    described = units.description(name=f"timm/{model}@9", model=model, family="small", key="abc")
    return replace(described, **changes)


def seen(model: str = "tiny", **changes: Any) -> Description:
    """A description of a model that was shown a picture."""
    row = {
        "picture": "cat.png",
        "thumbnail": PICTURE_PATH,
        "thumbnail_sha256": hashlib.sha256(PICTURE).hexdigest(),
        "source": [],
    }
    return description(model, predictions=[row], **changes)


def data_sets(factor: float = 1.0) -> list[DataSet]:
    return [
        DataSet([IMAGES[:1]], [IMAGES[:1] @ WEIGHT * np.float32(factor)]),
        DataSet([IMAGES], [IMAGES @ WEIGHT * np.float32(factor)]),
    ]


def material(model_file: Path, factor: float = 1.0, pictures: Mapping[str, bytes] | None = None) -> Material:
    return Material(model_file, opsets.read_graph(model_file), data_sets(factor), pictures or {})


def pages(records: Sequence[Record], benchmarks: Sequence[Benchmark]) -> dict[str, bytes]:
    """Pages that say which models there are; the real ones have tests of their own."""
    names = sorted(record.name for record in records)
    index = {"index.html": "\n".join(names).encode()}
    return index | {f"{record.source}/{record.family}/{record.model}.html": b"one" for record in records}


def zoo_in(place: Path | str) -> Zoo:
    return Zoo(open_store(place))


def publish_in(place: Path | str, model_file: Path, described: Description, factor: float = 1.0) -> Record:
    """Publish into a folder or URL, and announce it."""
    zoo = zoo_in(place)
    pictures = {row["thumbnail"]: PICTURE for row in described.predictions}
    record = publish(zoo, material(model_file, factor, pictures), described)
    announce(zoo, pages)
    return record


def run_tool(*command: str, folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and not any(part.startswith(".") for part in file.relative_to(folder).parts)
    }
