"""Files in lower precisions and in the simplified form, through the real stages of the fake source."""

from __future__ import annotations

import json
import re
import tarfile
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import numpy_helper
from PIL import Image

from parity.exact import evaluate
from pipeline.errors import UsageError
from pipeline.planning.selection import Selection
from pipeline.stages.gate_pictures import require_readable
from pipeline.stages.model import run_model
from pipeline.system.interrupts import Interrupted
from quantization.pictures import Choice
from tests.pipeline.fake_source import FakeSource

SETTINGS = "quantization: {images: pictures, min_agreement: 0.5, min_cosine: 0.95}"


@pytest.fixture
def pictures(tiny: FakeSource) -> Path:
    """Twelve pictures of one colour each, which the network tells apart."""
    folder = tiny.folder / "pictures"
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(12):
        pixels = np.tile(random.integers(0, 255, 3).astype(np.uint8), (12, 12, 1))
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def _record(tiny: FakeSource, version: str) -> dict[str, Any]:
    place = tiny.folder / f"dist/tiny/net/model/net-{version}.record.json"
    record: dict[str, Any] = json.loads(place.read_text())
    return record


def _model(tiny: FakeSource, version: str) -> onnx.ModelProto:
    return onnx.load(tiny.folder / f"dist/tiny/net/model/net-{version}.onnx")


def _test_data(tiny: FakeSource, version: str) -> dict[str, npt.NDArray[Any]]:
    """The tensors of an archive by the names of their files."""
    with tarfile.open(tiny.folder / f"dist/tiny/net/model/net-{version}.tar.gz") as archive:
        read = {
            member.name.split("/", 1)[1]: archive.extractfile(member) for member in archive.getmembers()[1:]
        }
        return {
            name: numpy_helper.to_array(onnx.TensorProto.FromString(file.read()))
            for name, file in read.items()
            if file and name.endswith(".pb")
        }


@pytest.mark.slow
def test_all_versions_are_published_and_the_same_again(tiny: FakeSource, pictures: Path) -> None:
    more = "precisions: {fp32: [9, 12], int8: [10, 12], int8-qdq: 12, fp16: 12}\nsimplify: true\n" + SETTINGS
    path = tiny.write("net", opsets="9, 12", more=more)
    answer = tiny.command("run", path.name)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    versions = ["10-int8", "12", "12-fp16", "12-int8", "12-int8-qdq", "12-sim", "9", "9-sim"]
    assert tiny.published == sorted(f"net-{version}.onnx" for version in versions)
    for version in versions:
        onnx.checker.check_model(_model(tiny, version), full_check=True)
        assert {entry.domain for entry in _model(tiny, version).opset_import} == {""}
    again = tiny.command("run", path.name)
    assert "all 8 units are published" in again.stdout + again.stderr
    before = {file: file.read_bytes() for file in (tiny.folder / "dist").rglob("*") if file.is_file()}
    assert tiny.command("run", path.name, "--fresh").returncode == 0
    assert {file: file.read_bytes() for file in (tiny.folder / "dist").rglob("*") if file.is_file()} == before
    checked = tiny.command("verify", "dist")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert not (tiny.folder / "work/tiny/net").exists()


@pytest.mark.slow
def test_the_test_data_of_int8_is_what_exact_arithmetic_makes_of_it(tiny: FakeSource, pictures: Path) -> None:
    """And the entry's own pictures serve for calibration and gate where there is no folder of others."""
    files = ", ".join(f"pictures/{picture.name}" for picture in sorted(pictures.iterdir()))
    settings = SETTINGS.replace("images: pictures, ", "")
    path = tiny.write("net", more=f"precisions: [fp32, int8]\nimages: {{files: [{files}]}}\n{settings}")
    assert tiny.command("run", path.name).returncode == 0
    model, record, tensors = _model(tiny, "12-int8"), _record(tiny, "12-int8"), _test_data(tiny, "12-int8")
    sets = sorted({name.split("/")[-2] for name in tensors})
    assert sets
    for data_set in sets:
        name = next(name for name in tensors if data_set in name and "input_0" in name)
        [exact] = evaluate(model, {"image": tensors[name]})
        assert np.array_equal(exact, tensors[name.replace("input_0", "output_0")])
    reduction = record["reduction"]
    assert reduction["chosen"]["gate"]["passed"]
    assert reduction["calibration pictures"] == 6
    assert reduction["gate pictures"] == 6
    assert reduction["processor"]
    assert set(reduction["runtimes"]) == {"onnxruntime", "openvino"}
    framework = _test_data(tiny, "12")
    for number, data_set in enumerate(reduction["source framework"].values()):
        for version, logits in ((framework, "logits"), (tensors, "logits here")):
            np.testing.assert_allclose(version[f"test_data_set_{number}/output_0.pb"], data_set[logits], 1e-5)
    assert _record(tiny, "12")["reduction"] == {}


@pytest.mark.slow
def test_float16_may_be_taken_and_given_and_every_command_does_so(tiny: FakeSource, pictures: Path) -> None:
    settings = SETTINGS.replace("}", ", keep_io_types: false}")
    path = tiny.write("net", more=f"precisions: [fp16]\n{settings}")
    answer = tiny.command("run", path.name)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    graph = _model(tiny, "12-fp16").graph
    types = {port.type.tensor_type.elem_type for port in (*graph.input, *graph.output)}
    assert types == {onnx.TensorProto.FLOAT16}
    assert "Cast" not in {node.op_type for node in graph.node}
    assert {array.dtype.name for array in _test_data(tiny, "12-fp16").values()} == {"float16"}
    name = "tiny/net@12-fp16"
    for command in (
        ("verify", "dist"),
        ("benchmark", name, "--batch", "1", "--rounds", "1"),
        ("dataset", "npz", "pictures", "prepared", "--for", name),
    ):
        answer = tiny.command(*command)
        assert answer.returncode == 0, answer.stdout + answer.stderr
    with np.load(tiny.folder / "prepared/0.npz", allow_pickle=False) as prepared:
        assert {prepared[key].dtype.name for key in prepared.files} == {"float16"}
    (tiny.folder / "labels.txt").write_text("0\n" * 12)
    answer = tiny.command("evaluate", name, "--data", "pictures", "--labels", "labels.txt")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert _record(tiny, "12-fp16")["accuracy"]


@pytest.mark.slow
def test_a_gate_that_is_missed_publishes_nothing_and_says_what_was_tried(
    tiny: FakeSource, pictures: Path
) -> None:
    settings = "quantization: {images: pictures, min_agreement: 1, min_cosine: 1}"
    path = tiny.write("net", more=f"precisions: [fp32, int8]\n{settings}")
    answer = tiny.command("run", path.name)
    assert answer.returncode == 1
    assert tiny.published == ["net-12.onnx"]
    assert "the gate is missed: the mean cosine of the logits is" in answer.stdout + answer.stderr
    [log] = (tiny.folder / "work").rglob("reduction-result.json")
    assert len(json.loads(log.read_text())["tries"]) >= 4


@pytest.mark.slow
def test_what_is_made_of_a_wrong_file_is_not_published(tiny: FakeSource, pictures: Path) -> None:
    path = tiny.write("wrong", more=f"precisions: [int8]\n{SETTINGS}")
    answer = tiny.command("run", path.name)
    assert answer.returncode == 1
    assert tiny.published == []
    assert "the file in float32 that it is made of is not right" in answer.stdout + answer.stderr


@pytest.mark.slow
def test_a_precision_alone_and_one_after_the_other_give_the_same_files(
    tiny: FakeSource, pictures: Path
) -> None:
    path = tiny.write("net", more=f"precisions: [fp32, int8]\n{SETTINGS}")
    assert tiny.command("run", path.name, "--only", "tiny/net@12-int8").returncode == 0
    assert tiny.published == ["net-12-int8.onnx"]
    first = (tiny.folder / "dist/tiny/net/model/net-12-int8.onnx").read_bytes()
    assert tiny.command("run", path.name).returncode == 0
    assert tiny.published == ["net-12-int8.onnx", "net-12.onnx"]
    assert (tiny.folder / "dist/tiny/net/model/net-12-int8.onnx").read_bytes() == first


def test_other_pictures_or_settings_are_another_file_and_fp32_stays(tiny: FakeSource, pictures: Path) -> None:
    def keys(more: str) -> dict[str, str]:
        return {unit.name: unit.key for unit in tiny.plan("net", more=more).units}

    before = keys(f"precisions: [fp32, int8]\n{SETTINGS}")
    stricter = keys(f"precisions: [fp32, int8]\n{SETTINGS.replace('0.95', '0.96')}")
    Image.fromarray(np.zeros((12, 12, 3), np.uint8)).save(pictures / "1.png")
    others = keys(f"precisions: [fp32, int8]\n{SETTINGS}")
    for after in (stricter, others):
        assert after["tiny/net@12"] == before["tiny/net@12"]
        assert after["tiny/net@12-int8"] != before["tiny/net@12-int8"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (
            "precisions: [fp32, int8]\nopsets: 9-12",
            "int8 cannot be said at opset 9; the lowest possible is 10",
        ),
        ("precisions: {int8: [8, 9, 10]}", "int8 cannot be said at opset 8, 9; the lowest possible is 10"),
        ("precisions: {fp16: 3-12}", "fp16 cannot be said at opset 3, 4, 5, 6; the lowest possible is 7"),
        ("precisions: [int4]", "unknown precision 'int4'; there are fp32, int8, int8-qdq, fp16"),
        ("precisions: []", "precisions are a list such as"),
        (
            "precisions: [int8]",
            "a lower precision needs pictures. Give quantization: {images: DIR}",
        ),
        ("precisions: [int8]\nquantization: {images: nowhere}", "there is no folder"),
        ("precisions: [int8]\nquantization: {images: empty}", "pictures are too few, being 0"),
        (
            "precisions: [int8]\nquantization: {images: pictures, labels: none.txt}",
            "Correct the path of the labels",
        ),
        ("precisions: [int8]\nquantization: {percentil: 99}", "Did you mean 'percentile'?"),
        ("precisions: [int8]\nquantization: {percentile: 12}", "percentile"),
    ],
)
def test_wrong_input_is_told_before_anything_starts(
    tiny: FakeSource, pictures: Path, more: str, words: str
) -> None:
    (tiny.folder / "empty").mkdir()
    with pytest.raises(UsageError) as raised:
        tiny.plan("net", more=more)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    "content", [b"no picture", b"", b"\x89PNG\r\n\x1a\n" + bytes(40)], ids=["words", "empty", "signature"]
)
def test_what_is_no_picture_is_told_when_the_file_is_read(
    tiny: FakeSource, pictures: Path, content: bytes
) -> None:
    for name in ("3.png", "4.png", "5.png", "6.png"):
        (pictures / name).write_bytes(content)
    path = tiny.write("net", more=f"precisions: [int8]\n{SETTINGS}")
    answer = tiny.command("run", path.name)
    assert answer.returncode == 2
    said = " ".join((answer.stdout + answer.stderr).split())
    assert "pipeline.yaml:7: pictures: 4 of 12 pictures cannot be used: pictures/" in said
    assert len(re.findall(r" pictures/\d\.png: ", said)) == 3
    assert "; and 1 more. Remove or replace them." in said
    assert not (tiny.folder / "dist").exists()


def cut_off(picture: Path) -> None:
    """Make it a photograph whose end is missing."""
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(picture, "JPEG")
    picture.write_bytes(picture.read_bytes()[:-1000])


def test_a_picture_that_is_cut_off_is_told_before_the_framework_starts(
    tiny: FakeSource, pictures: Path
) -> None:
    cut_off(pictures / "3.jpg")
    plan = tiny.plan("raising", more=f"precisions: [fp32, int8]\n{SETTINGS}")
    results = run_model(tiny.run(plan))
    assert [result.status for result in results] == ["failed", "failed"]
    for result in results:
        assert result.reason.startswith(f"{pictures}: 1 of 13 pictures cannot be used: {pictures}/3.jpg: ")
        assert "truncated" in result.reason
        assert result.reason.endswith("Remove or replace them")
    assert tiny.published == []


def test_a_run_that_is_to_end_looks_at_no_more_pictures(pictures: Path) -> None:
    stop = threading.Event()
    stop.set()
    cut_off(pictures / "3.jpg")
    with pytest.raises(Interrupted):
        require_readable(Choice((pictures / "3.jpg",), ()), "pictures", stop)


def test_pictures_for_calibration_are_not_looked_at_where_nothing_is_calibrated(
    tiny: FakeSource, pictures: Path
) -> None:
    cut_off(pictures / "3.jpg")
    run = tiny.run(tiny.plan("raising", more=f"precisions: [fp32, int8]\n{SETTINGS}"))
    whole, reduced = run.job.units
    run = replace(run, job=replace(run.job, units=(whole, replace(reduced, done=True))))
    failed, done = run_model(run)
    assert failed.reason == "exporting tiny/raising failed: this one cannot be said"
    assert done.status == "done before"


def test_versions_are_picked_by_their_names(tiny: FakeSource, pictures: Path) -> None:
    plan = tiny.plan("net", opsets="11, 12", more=f"precisions: [fp32, int8]\n{SETTINGS}")
    names = [unit.name for unit in plan.units]
    assert names == [f"tiny/net@{version}" for version in ("11", "11-int8", "12", "12-int8")]
    picked = {
        pattern: [
            unit.name for unit in plan.units if Selection(only=(pattern,)).takes("tiny/net", unit.version)
        ]
        for pattern in ("tiny/*@12", "tiny/*@*-int8", "tiny/net", "tiny/net@{11,12-int8}")
    }
    assert picked == {
        "tiny/*@12": ["tiny/net@12"],
        "tiny/*@*-int8": ["tiny/net@11-int8", "tiny/net@12-int8"],
        "tiny/net": names,
        "tiny/net@{11,12-int8}": ["tiny/net@11", "tiny/net@12-int8"],
    }


@pytest.mark.slow
def test_a_calibration_that_runs_out_of_its_memory_costs_its_own_unit_alone(tiny: FakeSource) -> None:
    """Export and runtimes take a few pictures at a time and fit in; the gate holds all of its own, 290 MB."""
    (tiny.folder / "pictures").mkdir()
    for number in range(82):
        Image.new("RGB", (9, 9), (3 * number, 9, 99)).save(tiny.folder / f"pictures/{number}.png")
    path = tiny.write("other", "net")
    path.write_text(
        path.read_text()
        + "    precisions: [fp32, int8]\n"
        + "    preprocessing: {input_size: [3, 768, 768]}\n"
        + "    quantization: {images: pictures, pictures: 2, gate_pictures: 80}\n"
        + "    limits: {memory_gib: 0.25}\n"
    )
    answer = tiny.command("run", path.name)
    assert answer.returncode == 1
    said = " ".join((answer.stdout + answer.stderr).split())
    assert "quantising tiny/net@12-int8 grew past its memory limit of 0.25 GiB: where the machine" in said
    assert "limits: {seconds: N, memory_gib: N} in the pipeline file" in said
    assert tiny.published == ["net-12.onnx", "other-12.onnx"]
