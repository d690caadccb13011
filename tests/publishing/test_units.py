"""Publishing real files: whole or not at all, the same bytes each time, nothing lost in parallel."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import tarfile
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser

import opsets
from publishing.announcement import announce
from publishing.archive import DataSet
from publishing.errors import PublishError
from publishing.graph_facts import facts_of
from publishing.manifest import CHECKSUMS, MANIFEST
from publishing.record import KINDS, RECORD_SUFFIX, from_json, parse_name, to_json
from publishing.units import Material, publish
from tests.publishing.archives import unpack
from tests.publishing.zoos import (
    IMAGES,
    NETWORK,
    PICTURE,
    PICTURE_PATH,
    WEIGHT,
    bytes_of,
    data_sets,
    description,
    network,
    pages,
    publish_in,
    run_tool,
    seen,
    zoo_in,
)

UNIT = "timm/small/model"
FILES = [*(f"tiny-9.{kind}" for kind in KINDS), f"tiny-9{RECORD_SUFFIX}"]


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    return network(tmp_path / "work.onnx")


def test_a_unit_is_published_with_all_its_files(tmp_path: Path, model_file: Path) -> None:
    folder = tmp_path / "dist"
    record = publish_in(folder, model_file, seen())
    unit, zoo = folder / UNIT, zoo_in(folder)
    assert {file.name for file in unit.iterdir()} == set(FILES)
    assert (unit / "tiny-9.onnx").read_bytes() == model_file.read_bytes()
    assert (folder / PICTURE_PATH).read_bytes() == PICTURE
    text = (unit / "tiny-9.record.json").read_text()
    assert zoo.published("timm/tiny@9") == record == from_json(text)
    assert (record.opset, record.onnx_version, record.ir_version) == (9, "1.4.1", 3)
    assert zoo.published("timm/tiny@10") is None
    assert not list((folder / ".staging").iterdir())


def test_the_manifest_is_the_hubs(tmp_path: Path, model_file: Path) -> None:
    for name in ("tiny", "small"):
        publish_in(tmp_path, model_file, description(name))
    entries = json.loads((tmp_path / MANIFEST).read_text())
    assert [entry["model_path"] for entry in entries] == [
        "timm/small/model/small-9.onnx",
        "timm/small/model/tiny-9.onnx",
    ]
    archive = tmp_path / "timm/small/model/tiny-9.tar.gz"
    assert entries[1] == {
        "model": "timm/tiny",
        "model_path": "timm/small/model/tiny-9.onnx",
        "onnx_version": "1.4.1",
        "opset_version": 9,
        "metadata": {
            "model_sha": hashlib.sha256(model_file.read_bytes()).hexdigest(),
            "model_bytes": model_file.stat().st_size,
            "tags": ["timm", "small", "model"],
            "io_ports": {
                "inputs": [{"name": "image", "shape": ["N", 4], "type": "tensor(float)"}],
                "outputs": [{"name": "logits", "shape": ["N", 3], "type": "tensor(float)"}],
            },
            "model_with_data_path": "timm/small/model/tiny-9.tar.gz",
            "model_with_data_sha": hashlib.sha256(archive.read_bytes()).hexdigest(),
            "model_with_data_bytes": archive.stat().st_size,
        },
    }


def test_sha256sum_confirms_every_published_file(tmp_path: Path, model_file: Path) -> None:
    folder = tmp_path / "dist"
    publish_in(folder, model_file, description())
    run_tool("sha256sum", "--check", "--strict", CHECKSUMS, folder=folder)
    listed = {line.split("  ", 1)[1] for line in (folder / CHECKSUMS).read_text().splitlines()}
    files = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    assert listed == files - {CHECKSUMS, ".lock"}


def test_the_archive_holds_the_test_data_with_the_graphs_names(tmp_path: Path, model_file: Path) -> None:
    publish_in(tmp_path, model_file, description())
    names = unpack(tmp_path / "timm/small/model/tiny-9.tar.gz", tmp_path / "out")
    assert names == [
        "tiny-9",
        "tiny-9/tiny-9.onnx",
        *("tiny-9/test_data_set_0" + end for end in ("", "/input_0.pb", "/output_0.pb")),
        *("tiny-9/test_data_set_1" + end for end in ("", "/input_0.pb", "/output_0.pb")),
    ]
    for port, expected in (("input_0", IMAGES), ("output_0", IMAGES @ WEIGHT)):
        tensor = onnx.load_tensor(tmp_path / f"out/tiny-9/test_data_set_1/{port}.pb")
        assert tensor.name == {"input_0": "image", "output_0": "logits"}[port]
        np.testing.assert_array_equal(numpy_helper.to_array(tensor), expected)


@pytest.fixture
def another_time_zone() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Pacific/Kiritimati"
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


def test_the_same_inputs_give_the_same_bytes(
    tmp_path: Path, model_file: Path, request: pytest.FixtureRequest
) -> None:
    publish_in(tmp_path / "a", model_file, description())
    request.getfixturevalue("another_time_zone")
    os.utime(model_file, (1, 1))
    model_file.chmod(0o600)
    before = os.umask(0o027)
    publish_in(tmp_path / "b", model_file, description())
    os.umask(before)
    assert bytes_of(tmp_path / "a") == bytes_of(tmp_path / "b")


def test_an_archive_of_several_blocks_is_whole(tmp_path: Path) -> None:
    model = parser.parse_model(NETWORK.replace("float[4, 3] weight", "float[1000, 1500] weight"))
    weight = np.random.default_rng(0).normal(size=(1000, 1500)).astype(np.float32)
    model.graph.initializer.append(numpy_helper.from_array(weight, "weight"))
    onnx.save(model, tmp_path / "big.onnx")
    publish_in(tmp_path / "dist", tmp_path / "big.onnx", description())
    archive = tmp_path / "dist/timm/small/model/tiny-9.tar.gz"
    run_tool("gzip", "--test", str(archive), folder=tmp_path)
    with tarfile.open(archive) as opened:
        member = opened.extractfile("tiny-9/tiny-9.onnx")
        assert member is not None
        assert member.read() == (tmp_path / "big.onnx").read_bytes()


def is_published(folder: Path) -> bool:
    zoo = zoo_in(folder)
    unit = zoo.units().get("timm/tiny@9")
    return unit is not None and zoo.is_intact(unit, zoo.listed())


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("damage", ["flipped", "cut", "gone"])
def test_a_damaged_unit_is_not_published_and_can_be_published_again(
    tmp_path: Path, model_file: Path, file: str, damage: str
) -> None:
    folder = tmp_path / "dist"
    record = publish_in(folder, model_file, description())
    target = folder / UNIT / file
    content = target.read_bytes()
    if damage == "gone":
        target.unlink()
    else:
        target.write_bytes(content[:-1] if damage == "cut" else bytes([content[0] ^ 1]) + content[1:])
    if (file, damage) != ("tiny-9.record.json", "cut"):  # the last line break is not part of what it says
        assert not is_published(folder)
    assert publish_in(folder, model_file, description()) == record
    assert zoo_in(folder).published("timm/tiny@9") == record
    assert is_published(folder)


def test_a_newer_publication_replaces_the_older(tmp_path: Path, model_file: Path) -> None:
    folder = tmp_path / "dist"
    publish_in(folder, model_file, description())
    newer = publish_in(folder, network(tmp_path / "n.onnx", 2.0), description(key="def"), 2.0)
    record = zoo_in(folder).published("timm/tiny@9")
    assert record == newer
    assert record is not None
    assert record.key == "def"
    assert len(json.loads((folder / MANIFEST).read_text())) == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"verdict": {"status": "failed"}}, "only what passed is published"),
        ({"verdict": {}}, "only what passed is published"),
        ({"name": "timm/tiny@10"}, "the file is of opset 9"),
        ({"name": "timm/other@9"}, "does not fit"),
        ({"rewrites": [float("nan")]}, "JSON cannot say"),
        ({"rewrites": [Path("x")]}, "JSON cannot say"),
    ],
)
def test_what_is_not_fit_leaves_the_published_one_alone(
    tmp_path: Path, model_file: Path, changes: dict[str, Any], words: str
) -> None:
    folder = tmp_path / "dist"
    publish_in(folder, model_file, description())
    before = bytes_of(folder)
    with pytest.raises(PublishError, match=words):
        publish_in(folder, model_file, description(**changes))
    assert bytes_of(folder) == before
    assert not list((folder / ".staging").iterdir())


def test_a_large_model_is_published_without_holding_its_weights(tmp_path: Path, model_file: Path) -> None:
    model = onnx.load(model_file)
    model.graph.initializer.append(numpy_helper.from_array(np.ones(16 << 20, np.float32), "large"))
    onnx.save(model, tmp_path / "large.onnx")
    del model
    tracemalloc.start()
    try:
        record = publish_in(tmp_path / "dist", tmp_path / "large.onnx", description())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert record.files["onnx"].bytes > 64 << 20
    assert peak < 16 << 20


def test_facts_are_the_same_without_the_weights(tmp_path: Path) -> None:
    model = onnx.load(network(tmp_path / "tiny.onnx"))
    expected = facts_of(model)
    model.graph.initializer.append(numpy_helper.from_array(np.ones(4096, np.float32), "large"))
    onnx.save(model, tmp_path / "large.onnx")
    facts = facts_of(opsets.read_graph(tmp_path / "large.onnx"))
    assert facts == expected
    assert [port.name for port in facts.inputs] == ["image"]


def test_wrong_numbers_of_arrays_and_models_of_other_operators_are_refused(
    tmp_path: Path, model_file: Path
) -> None:
    wrong = Material(model_file, opsets.read_graph(model_file), [DataSet([IMAGES, IMAGES], [IMAGES])])
    with pytest.raises(PublishError, match=r"1 input\(s\) and a data set has 2"):
        publish(zoo_in(tmp_path / "dist"), wrong, description())
    model = onnx.load(model_file)
    with pytest.raises(PublishError, match=r"absent\.onnx: No such file"):
        publish(
            zoo_in(tmp_path / "dist"), Material(tmp_path / "absent.onnx", model, data_sets()), description()
        )
    model.opset_import[0].domain = "com.example"
    with pytest.raises(PublishError, match="'tiny' imports no opset of the standard operators"):
        publish(zoo_in(tmp_path / "dist"), Material(model_file, model, data_sets()), description())
    assert zoo_in(tmp_path / "dist").published("timm/tiny@9") is None


def test_a_folder_that_is_a_file_is_told(tmp_path: Path, model_file: Path) -> None:
    (tmp_path / "dist").write_text("in the way")
    with pytest.raises(PublishError, match="nothing that was published is harmed"):
        publish_in(tmp_path / "dist", model_file, description())


def test_a_full_disk_is_told_and_harms_nothing(tmp_path: Path, model_file: Path) -> None:
    resource = pytest.importorskip("resource")
    publish_in(tmp_path / "dist", model_file, description())
    before = bytes_of(tmp_path / "dist")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))  # EFBIG, as a quota says it
        with pytest.raises(PublishError, match="Make room"):
            publish_in(tmp_path / "dist", model_file, description(key="def"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert bytes_of(tmp_path / "dist") == before


def publish_some(folder: Path, model_file: Path, first: int) -> None:
    for number in range(first, first + 6):
        publish_in(folder, model_file, description(f"model{number}"))


def test_parallel_runs_lose_nothing(tmp_path: Path, model_file: Path) -> None:
    folder = tmp_path / "dist"
    context = multiprocessing.get_context("spawn")
    runs = [context.Process(target=publish_some, args=(folder, model_file, 6 * n)) for n in range(3)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert [run.exitcode for run in runs] == [0, 0, 0]
    assert len(json.loads((folder / MANIFEST).read_text())) == 18
    run_tool("sha256sum", "--check", "--strict", CHECKSUMS, folder=folder)


def test_what_a_killed_run_left_is_taken_away(tmp_path: Path, model_file: Path) -> None:
    folder = tmp_path / "dist"
    publish_in(folder, model_file, description())
    ended = multiprocessing.get_context("spawn").Process(target=int)
    ended.start()
    ended.join()
    left = folder / ".staging" / f"publish-{os.uname().nodename}-{ended.pid}-abcd"
    left.mkdir()
    running = folder / ".staging" / f"publish-{os.uname().nodename}-{os.getppid()}-abcd"
    running.mkdir()
    publish_in(folder, model_file, description())
    assert list((folder / ".staging").iterdir()) == [running]


def test_refresh_forgets_what_was_removed_by_hand(tmp_path: Path, model_file: Path) -> None:
    for name in ("tiny", "small"):
        publish_in(tmp_path, model_file, description(name))
    (tmp_path / "timm/small/model/small-9.onnx").unlink()
    announce(zoo_in(tmp_path), pages)
    assert [entry["model"] for entry in json.loads((tmp_path / MANIFEST).read_text())] == ["timm/tiny"]
    assert "small-9" not in (tmp_path / CHECKSUMS).read_text()
    assert not (tmp_path / "timm/small/small.html").exists()


@pytest.mark.parametrize(
    "name", ["tiny@9", UNIT, "timm/../x@9", "timm/.hidden@9", "timm/a b@9", "timm/x@0", "../x@9", ""]
)
def test_names_that_no_folder_should_have_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="a name is source/model@opset"):
        zoo_in(tmp_path).published(name)


def test_a_name_falls_into_its_parts() -> None:
    unit = parse_name("mxnet/mobilenetv2_1.0@12-int8")
    assert (unit.stem, unit.opset) == ("mobilenetv2_1.0-12-int8", 12)


def test_records_go_there_and_back(tmp_path: Path, model_file: Path) -> None:
    record = publish_in(tmp_path, model_file, description())
    assert to_json(from_json(to_json(record))) == to_json(record)
    for broken in ("", "[]", "{}", '{"files": 1}', to_json(record).replace('"key"', '"keys"')):
        with pytest.raises(PublishError, match="not a record"):
            from_json(broken)
