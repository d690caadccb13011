"""Measured times in a zoo: beside the record, in the lists, and gone with the bytes that they are of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from publishing.announcement import announce
from publishing.benchmarks import Benchmark, best_latency, from_json, to_json
from publishing.errors import PublishError
from publishing.inspection.lists import read_listing
from publishing.inspection.readers import reader_of
from publishing.manifest import CHECKSUMS
from publishing.record import Record
from publishing.units import publish_benchmark, unpublish
from publishing.zoo import Zoo
from tests.publishing.pages.catalogue_zoo import timed
from tests.publishing.zoos import bytes_of, description, network, pages, publish_in, zoo_in

PATH = "timm/small/model/tiny-9.benchmark.json"


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """A zoo with two models."""
    network(tmp_path / "tiny.onnx")
    for model in ("other", "tiny"):
        publish_in(tmp_path / "dist", tmp_path / "tiny.onnx", description(model))
    return tmp_path / "dist"


def _publish_times(zoo: Zoo, name: str = "timm/tiny@9", **changes: Any) -> Benchmark:
    unit = zoo.units()[name]
    benchmark = replace(timed(name, unit.record.files["onnx"].sha256), **changes)
    publish_benchmark(zoo, unit, benchmark)
    return benchmark


def test_times_are_listed_told_to_the_pages_and_kept(dist: Path) -> None:
    shown: list[Sequence[Benchmark]] = []

    def watched(records: Sequence[Record], benchmarks: Sequence[Benchmark]) -> dict[str, bytes]:
        shown.append(benchmarks)
        return pages(records, benchmarks)

    before = bytes_of(dist)
    benchmark = _publish_times(zoo_in(dist))
    announce(zoo_in(dist), watched)
    assert shown == [[benchmark]]
    after = bytes_of(dist)
    assert {path for path in after if before.get(path) != after[path]} == {PATH, CHECKSUMS}
    assert after[CHECKSUMS].decode().count(PATH) == 1
    announce(zoo_in(dist), watched)
    assert bytes_of(dist) == after
    assert read_listing(reader_of(str(dist))).findings == []


def test_times_go_with_their_unit_and_the_zoo_is_as_it_was_without_them(dist: Path, tmp_path: Path) -> None:
    zoo = zoo_in(dist)
    before = bytes_of(dist)
    _publish_times(zoo, "timm/other@9")
    announce(zoo, pages)
    unpublish(zoo, ["timm/other@9"])
    assert "timm/small/model/other-9.benchmark.json" not in bytes_of(dist)
    announce(zoo, pages)
    publish_in(dist, tmp_path / "tiny.onnx", description("other"))
    assert bytes_of(dist) == before


def test_times_of_bytes_that_were_replaced_go_at_the_next_announcement(dist: Path, tmp_path: Path) -> None:
    _publish_times(zoo_in(dist))
    announce(zoo_in(dist), pages)
    publish_in(dist, network(tmp_path / "more.onnx", 2.0), description(key="def"), factor=2.0)
    assert PATH not in bytes_of(dist)
    assert PATH not in (dist / CHECKSUMS).read_text()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": 1}', "\udcff"])
def test_what_is_no_times_is_neither_shown_nor_kept(dist: Path, text: str) -> None:
    (dist / PATH).write_bytes(text.encode("utf-8", "surrogateescape"))
    zoo = zoo_in(dist)
    assert zoo.benchmarks(zoo.units(), zoo.store.stamps()) == {}
    announce(zoo, pages)
    assert not (dist / PATH).exists()


def test_what_was_written_is_read_again() -> None:
    benchmark = timed("timm/tiny@9")
    assert from_json(to_json(benchmark)) == benchmark


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("threads",), 0),
        (("threads",), True),
        (("processor", "name"), 3),
        (("processor", "load"), "none"),
        (("runtimes", "onnxruntime", "batches", "1", "median"), -1.0),
        (("runtimes", "onnxruntime", "batches", "1", "median"), "<b>"),
        (("runtimes", "onnxruntime", "batches", "1", "ratio"), float("inf")),
        (("runtimes", "onnxruntime", "batches"), {"one": {}}),
        (("source", "title"), ["x"]),
        (("remark",), None),
        (("more",), 1),
    ],
)
def test_a_damaged_figure_is_refused(path: tuple[str, ...], value: object) -> None:
    values: dict[str, Any] = asdict(timed("timm/tiny@9"))
    inner = values
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    with pytest.raises(PublishError, match="these are no measured times"):
        from_json(json.dumps(values))


def test_the_best_latency_is_that_of_one_picture_in_the_fastest_runtime() -> None:
    assert best_latency(timed("timm/tiny@9")) == ("ONNX Runtime", 0.004)
    assert best_latency(replace(timed("timm/tiny@9"), runtimes={})) is None
