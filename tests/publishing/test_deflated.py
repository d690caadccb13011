"""Archives whose weights were deflated for another one: every reader takes them, and they are the same."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from isal import igzip
from onnx import numpy_helper, parser

import opsets
from publishing.archive import write_archive
from publishing.deflated import SMALLEST, DeflatedWeights
from tests.publishing.archives import unpack
from tests.publishing.zoos import data_sets, run_tool

READERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "zlib": lambda data: zlib.decompress(data, wbits=31),
    "igzip": igzip.decompress,
}
LARGE, COUNT = 3, 5
"""Of so many weights of a model so many are large enough to be deflated by themselves."""


def _network(file: Path, opset: int, *, order: int = 1) -> Path:
    """A model with weights of several sizes, the same for each opset, in one order or the other."""
    model = parser.parse_model(
        f'<ir_version: 3, opset_import: ["": {opset}]> tiny (float[N, 4] image, float[4, 3] weight)'
        " => (float[N, 3] logits) { logits = MatMul(image, weight) }"
    )
    weights = {"weight": np.arange(12, dtype=np.float32).reshape(4, 3)}
    for number in range(1, COUNT):
        size = (SMALLEST // 4 if number <= LARGE else 100) * number
        noise = np.random.default_rng(number).normal(size=size).astype(np.float32)
        weights[f"other{number}"] = noise if number != LARGE else np.zeros_like(noise)
    for name, array in list(weights.items())[::order]:
        model.graph.initializer.append(numpy_helper.from_array(array, name))
    onnx.save(model, file)
    return file


def _written(model: Path, archive: Path, weights: DeflatedWeights) -> bytes:
    digest = write_archive(model, opsets.read_graph(model), data_sets(), archive, weights)
    assert digest == hashlib.sha256(archive.read_bytes()).hexdigest()
    return archive.read_bytes()


def test_an_archive_is_the_same_whether_another_was_made_before_or_not(tmp_path: Path) -> None:
    first, second = _network(tmp_path / "9.onnx", 9), _network(tmp_path / "7.onnx", 7, order=-1)
    with DeflatedWeights(tmp_path) as weights:
        alone = _written(second, tmp_path / "net-7.tar.gz", weights)
    with DeflatedWeights(tmp_path) as weights:
        _written(first, tmp_path / "net-9.tar.gz", weights)
        deflated = weights.bytes
        assert _written(second, tmp_path / "net-7.tar.gz", weights) == alone
        assert weights.bytes == deflated, "weights were deflated twice"
        assert 0 < deflated < len(alone)


def test_wherever_the_disk_is_full_it_is_told(tmp_path: Path) -> None:
    """Here as the largest size of a file; in a weight, too, the bytes of which are mapped into memory."""
    resource = pytest.importorskip("resource")
    model, archive = _network(tmp_path / "9.onnx", 9), tmp_path / "net-9.tar.gz"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with DeflatedWeights(tmp_path) as weights:
        size = len(_written(model, archive, weights))
        for most in range(0, size, size // 12):
            try:
                resource.setrlimit(resource.RLIMIT_FSIZE, (most, limits[1]))
                with pytest.raises(OSError, match="File too large"):
                    _written(model, archive, weights)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("reader", [*READERS, "tar"])
def test_every_reader_takes_an_archive_with_weights_from_another(tmp_path: Path, reader: str) -> None:
    first, second = _network(tmp_path / "9.onnx", 9), _network(tmp_path / "7.onnx", 7, order=-1)
    with DeflatedWeights(tmp_path) as weights:
        _written(first, tmp_path / "net-9.tar.gz", weights)
        content = _written(second, tmp_path / "net-7.tar.gz", weights)
    archive, found = tmp_path / "net-7.tar.gz", tmp_path / "found"
    if reader == "tar":
        found.mkdir()
        run_tool("tar", "--extract", "--gzip", "--file", str(archive), folder=found)
    else:
        archive.write_bytes(gzip.compress(READERS[reader](content)))
        unpack(archive, found)
    assert (found / "net-7/net-7.onnx").read_bytes() == second.read_bytes()
    assert len(list(found.rglob("*.pb"))) == 4


def test_what_is_deflated_is_a_file_without_a_name(tmp_path: Path) -> None:
    with DeflatedWeights(tmp_path / "work") as weights:
        _written(_network(tmp_path / "9.onnx", 9), tmp_path / "net-9.tar.gz", weights)
        assert weights.bytes > 0
        assert list((tmp_path / "work").iterdir()) == []
