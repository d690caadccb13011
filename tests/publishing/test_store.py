"""Publishing real files: whole or not at all, the same bytes each time, nothing lost in parallel."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import subprocess
import tarfile
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser

import opsets
from publishing.archive import DataSet
from publishing.errors import PublishError
from publishing.graph import facts_of
from publishing.manifest import CHECKSUMS, MANIFEST
from publishing.record import Description, Record, from_json, parse_name, to_json
from publishing.store import publish, published, refresh

NETWORK = """
<ir_version: 3, opset_import: ["": 9]>
tiny (float[N, 4] image, float[4, 3] weight) => (float[N, 3] logits) { logits = MatMul(image, weight) }
"""
WEIGHT = np.arange(12, dtype=np.float32).reshape(4, 3)
IMAGES = np.ones((2, 4), dtype=np.float32)


def network(file: Path, factor: float = 1.0) -> Path:
    model = parser.parse_model(NETWORK)
    model.graph.initializer.append(numpy_helper.from_array(WEIGHT * np.float32(factor), "weight"))
    onnx.save(model, file)
    return file


def publish_file(folder: Path, model_file: Path, said: Description, tested: Sequence[DataSet]) -> Record:
    return publish(folder, model_file, opsets.read_graph(model_file), said, tested)


def description(model: str = "tiny", **changes: Any) -> Description:
    made = Description(
        name=f"timm/{model}@9",
        source="timm",
        model=model,
        key="abc",
        provenance={"weights": {"sha256": "00"}, "environment": {"packages": {"timm": "1.0.31"}}},
        preprocessing={"input_size": [3, 224, 224]},
        inputs=[{"name": "noise-1", "shape": [1, 4], "sha256": "11"}],
        verdict={"status": "passed", "reason": ""},
        predictions=[],
        rewrites=[],
        bounds=[],
        figures={"parameters": 12, "reported": []},
    )
    return replace(made, **changes)


def data_sets(factor: float = 1.0) -> list[DataSet]:
    return [
        DataSet([IMAGES[:1]], [IMAGES[:1] @ WEIGHT * np.float32(factor)]),
        DataSet([IMAGES], [IMAGES @ WEIGHT * np.float32(factor)]),
    ]


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    return network(tmp_path / "work.onnx")


def test_a_unit_is_published_with_all_its_files(tmp_path: Path, model_file: Path) -> None:
    folder = tmp_path / "dist"
    record = publish_file(folder, model_file, description(), data_sets())
    unit = folder / "timm" / "tiny"
    assert {file.name for file in unit.iterdir()} == {"tiny-9.onnx", "tiny-9.tar.gz", "tiny-9.json"}
    assert (unit / "tiny-9.onnx").read_bytes() == model_file.read_bytes()
    assert published(folder, "timm/tiny@9") == record == from_json((unit / "tiny-9.json").read_text())
    assert (record.opset, record.onnx_version, record.ir_version) == (9, "1.4.1", 3)
    assert published(folder, "timm/tiny@10") is None
    assert not list((folder / ".staging").iterdir())


def test_the_manifest_is_the_hubs(tmp_path: Path, model_file: Path) -> None:
    for name in ("tiny", "small"):
        publish_file(tmp_path, model_file, description(name), data_sets())
    entries = json.loads((tmp_path / MANIFEST).read_text())
    assert [entry["model_path"] for entry in entries] == ["timm/small/small-9.onnx", "timm/tiny/tiny-9.onnx"]
    archive = tmp_path / "timm/tiny/tiny-9.tar.gz"
    assert entries[1] == {
        "model": "tiny",
        "model_path": "timm/tiny/tiny-9.onnx",
        "onnx_version": "1.4.1",
        "opset_version": 9,
        "metadata": {
            "model_sha": hashlib.sha256(model_file.read_bytes()).hexdigest(),
            "model_bytes": model_file.stat().st_size,
            "tags": ["timm", "tiny"],
            "io_ports": {
                "inputs": [{"name": "image", "shape": ["N", 4], "type": "tensor(float)"}],
                "outputs": [{"name": "logits", "shape": ["N", 3], "type": "tensor(float)"}],
            },
            "model_with_data_path": "timm/tiny/tiny-9.tar.gz",
            "model_with_data_sha": hashlib.sha256(archive.read_bytes()).hexdigest(),
            "model_with_data_bytes": archive.stat().st_size,
        },
    }


def test_sha256sum_confirms_every_published_file(tmp_path: Path, model_file: Path) -> None:
    folder = tmp_path / "dist"
    publish_file(folder, model_file, description(), data_sets())
    run_tool("sha256sum", "--check", "--strict", CHECKSUMS, folder=folder)
    listed = {line.split("  ", 1)[1] for line in (folder / CHECKSUMS).read_text().splitlines()}
    files = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    assert listed == files - {CHECKSUMS, ".lock"}


def test_the_archive_holds_the_test_data_with_the_graphs_names(tmp_path: Path, model_file: Path) -> None:
    publish_file(tmp_path, model_file, description(), data_sets())
    with tarfile.open(tmp_path / "timm/tiny/tiny-9.tar.gz") as archive:
        names = archive.getnames()
        archive.extractall(tmp_path / "out", filter="data")
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


def run_tool(*command: str, folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()
    }


def test_the_same_inputs_give_the_same_bytes(
    tmp_path: Path, model_file: Path, request: pytest.FixtureRequest
) -> None:
    publish_file(tmp_path / "a", model_file, description(), data_sets())
    request.getfixturevalue("another_time_zone")
    os.utime(model_file, (1, 1))
    model_file.chmod(0o600)
    before = os.umask(0o027)
    publish_file(tmp_path / "b", model_file, description(), data_sets())
    os.umask(before)
    assert bytes_of(tmp_path / "a") == bytes_of(tmp_path / "b")


def test_an_archive_of_several_blocks_is_whole(tmp_path: Path) -> None:
    model = parser.parse_model(NETWORK.replace("float[4, 3] weight", "float[1000, 1500] weight"))
    weight = np.random.default_rng(0).normal(size=(1000, 1500)).astype(np.float32)
    model.graph.initializer.append(numpy_helper.from_array(weight, "weight"))
    onnx.save(model, tmp_path / "big.onnx")
    publish_file(tmp_path / "dist", tmp_path / "big.onnx", description(), [])
    archive = tmp_path / "dist/timm/tiny/tiny-9.tar.gz"
    run_tool("gzip", "--test", str(archive), folder=tmp_path)
    with tarfile.open(archive) as opened:
        member = opened.extractfile("tiny-9/tiny-9.onnx")
        assert member is not None
        assert member.read() == (tmp_path / "big.onnx").read_bytes()


@pytest.mark.parametrize("file", ["tiny-9.onnx", "tiny-9.tar.gz", "tiny-9.json"])
@pytest.mark.parametrize("damage", ["flipped", "cut", "gone"])
def test_a_damaged_unit_is_not_published_and_can_be_published_again(
    tmp_path: Path, model_file: Path, file: str, damage: str
) -> None:
    folder = tmp_path / "dist"
    record = publish_file(folder, model_file, description(), data_sets())
    target = folder / "timm/tiny" / file
    content = target.read_bytes()
    if damage == "gone":
        target.unlink()
    else:
        target.write_bytes(content[:-1] if damage == "cut" else bytes([content[0] ^ 1]) + content[1:])
    if (file, damage) != ("tiny-9.json", "cut"):  # the last line break is not part of what it says
        assert published(folder, "timm/tiny@9") is None
    assert publish_file(folder, model_file, description(), data_sets()) == record
    assert published(folder, "timm/tiny@9") == record


def test_a_newer_publication_replaces_the_older(tmp_path: Path, model_file: Path) -> None:
    folder = tmp_path / "dist"
    publish_file(folder, model_file, description(), data_sets())
    newer = publish_file(folder, network(tmp_path / "n.onnx", 2.0), description(key="def"), data_sets(2.0))
    found = published(folder, "timm/tiny@9")
    assert found == newer
    assert found is not None
    assert found.key == "def"
    assert len(json.loads((folder / MANIFEST).read_text())) == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"verdict": {"status": "failed"}}, "only what passed is published"),
        ({"verdict": {}}, "only what passed is published"),
        ({"name": "timm/tiny@10"}, "the file is of opset 9"),
        ({"name": "timm/other@9"}, "does not fit"),
        ({"provenance": {"error": float("nan")}}, "JSON cannot say"),
        ({"provenance": {"path": Path("x")}}, "JSON cannot say"),
    ],
)
def test_what_is_not_fit_leaves_the_published_one_alone(
    tmp_path: Path, model_file: Path, changes: dict[str, Any], words: str
) -> None:
    folder = tmp_path / "dist"
    publish_file(folder, model_file, description(), data_sets())
    before = bytes_of(folder)
    with pytest.raises(PublishError, match=words):
        publish_file(folder, model_file, description(**changes), data_sets())
    assert bytes_of(folder) == before
    assert not list((folder / ".staging").iterdir())


def test_a_large_model_is_published_without_holding_its_weights(tmp_path: Path, model_file: Path) -> None:
    model = onnx.load(model_file)
    model.graph.initializer.append(numpy_helper.from_array(np.ones(16 << 20, np.float32), "large"))
    onnx.save(model, tmp_path / "large.onnx")
    del model
    tracemalloc.start()
    try:
        record = publish_file(tmp_path / "dist", tmp_path / "large.onnx", description(), data_sets())
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
    with pytest.raises(PublishError, match=r"1 input\(s\) and a data set has 2"):
        publish_file(tmp_path / "dist", model_file, description(), [DataSet([IMAGES, IMAGES], [IMAGES])])
    model = onnx.load(model_file)
    with pytest.raises(PublishError, match=r"absent\.onnx: No such file"):
        publish(tmp_path / "dist", tmp_path / "absent.onnx", model, description(), data_sets())
    model.opset_import[0].domain = "com.example"
    with pytest.raises(PublishError, match="'tiny' imports no opset of the standard operators"):
        publish(tmp_path / "dist", model_file, model, description(), data_sets())
    assert published(tmp_path / "dist", "timm/tiny@9") is None


def test_a_folder_that_is_a_file_is_told(tmp_path: Path, model_file: Path) -> None:
    (tmp_path / "dist").write_text("in the way")
    with pytest.raises(PublishError, match="nothing that was published is harmed"):
        publish_file(tmp_path / "dist", model_file, description(), data_sets())


def test_a_full_disk_is_told_and_harms_nothing(tmp_path: Path, model_file: Path) -> None:
    resource = pytest.importorskip("resource")
    publish_file(tmp_path / "dist", model_file, description(), data_sets())
    before = bytes_of(tmp_path / "dist")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))  # EFBIG, as a quota says it
        with pytest.raises(PublishError, match="Make room"):
            publish_file(tmp_path / "dist", model_file, description(key="def"), data_sets())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert bytes_of(tmp_path / "dist") == before


def publish_some(folder: Path, model_file: Path, first: int) -> None:
    for number in range(first, first + 6):
        publish_file(folder, model_file, description(f"model{number}"), data_sets())


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
    publish_file(folder, model_file, description(), data_sets())
    ended = multiprocessing.get_context("spawn").Process(target=int)
    ended.start()
    ended.join()
    left = folder / ".staging" / f"{os.uname().nodename}-{ended.pid}-abcd"
    left.mkdir()
    running = folder / ".staging" / f"{os.uname().nodename}-{os.getppid()}-abcd"
    running.mkdir()
    publish_file(folder, model_file, description(), data_sets())
    assert list((folder / ".staging").iterdir()) == [running]


def test_refresh_forgets_what_was_removed_by_hand(tmp_path: Path, model_file: Path) -> None:
    for name in ("tiny", "small"):
        publish_file(tmp_path, model_file, description(name), data_sets())
    (tmp_path / "timm/small/small-9.onnx").unlink()
    refresh(tmp_path)
    assert [entry["model"] for entry in json.loads((tmp_path / MANIFEST).read_text())] == ["tiny"]
    assert "small" not in (tmp_path / CHECKSUMS).read_text()


@pytest.mark.parametrize(
    "name", ["tiny@9", "timm/tiny", "timm/../x@9", "timm/.hidden@9", "timm/a b@9", "timm/x@0", "../x@9", ""]
)
def test_names_that_no_folder_should_have_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="a name is source/model@opset"):
        published(tmp_path, name)


def test_a_name_falls_into_its_parts() -> None:
    unit = parse_name("mxnet/mobilenetv2_1.0@12-int8")
    assert (unit.folder, unit.stem, unit.opset) == ("mxnet/mobilenetv2_1.0", "mobilenetv2_1.0-12-int8", 12)


def test_records_go_there_and_back(tmp_path: Path, model_file: Path) -> None:
    record = publish_file(tmp_path, model_file, description(), data_sets())
    assert to_json(from_json(to_json(record))) == to_json(record)
    for broken in ("", "[]", "{}", '{"files": 1}', to_json(record).replace('"key"', '"keys"')):
        with pytest.raises(PublishError, match="not a record"):
            from_json(broken)
