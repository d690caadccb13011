"""The command that times models, and the key of a pipeline file that asks for it.

The times themselves prove nothing here, and no test looks at them.
"""

from __future__ import annotations

import html
import json
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import psutil
import pytest
from onnx import parser

from pipeline.estimates.history import read_history
from publishing.benchmarks import from_json
from tests.pipeline.fake_source import FakeSource
from tests.tiny_source import NAME

pytestmark = pytest.mark.slow
QUICK = ("--rounds", "1", "--batch", "1", "--batch", "3")
KIND = "benchmark.json"


def _published(tiny: FakeSource, *models: str, opsets: str = "12", more: str = "") -> None:
    tiny.write(*models, opsets=opsets, more=more)
    run = tiny.command("run", "pipeline.yaml")
    assert run.returncode == 0, run.stderr


def _times(tiny: FakeSource, model: str = "net", opset: int = 12) -> Path:
    return tiny.folder / f"dist/{NAME}/{model}/model/{model}-{opset}.{KIND}"


def _plan(tiny: FakeSource) -> Any:
    done = tiny.command("plan", "pipeline.yaml", "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _bytes(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _write_model(file: Path, text: str) -> None:
    onnx.save(parser.parse_model(text), file)


def test_a_published_unit_is_timed_beside_its_source_and_the_zoo_is_left_alone(published: FakeSource) -> None:
    before = _bytes(published.folder / "dist")
    done = published.command("benchmark", f"{NAME}/net", "--threads", "1", *QUICK)
    assert done.returncode == 0, done.stderr
    assert _bytes(published.folder / "dist") == before
    for words in ("tiny/net@12", "1 threads on processors", "Tiny tiny 1.0", "ONNX Runtime", "OpenVINO"):
        assert words in done.stdout
    assert "batch" in done.stdout
    assert "of the" in done.stdout
    assert "random" not in done.stdout  # the model's own are of that seed


def test_saved_times_are_listed_shown_verified_and_withdrawn_with_their_unit(tiny: FakeSource) -> None:
    _published(tiny, "net", "third")
    done = tiny.command("benchmark", "pipeline.yaml", "--threads", "1", "--save", *QUICK)
    assert done.returncode == 0, done.stderr
    times = from_json(_times(tiny).read_text())
    assert times.name == "tiny/net@12"
    assert times.threads == 1
    assert times.pinned == [min(os.sched_getaffinity(0))]
    assert times.source is not None
    assert times.source["version"] == "tiny 1.0"
    assert set(times.source["batches"]) == set(times.runtimes["onnxruntime"]["batches"]) == {"1", "3"}
    for measured in (times.source, times.runtimes["onnxruntime"], times.runtimes["openvino"]):
        assert measured["processors"] == times.pinned  # of all their threads, in the end
    for batch, figures in times.runtimes["onnxruntime"]["batches"].items():
        quotient = figures["median"] / times.source["batches"][batch]["median"]
        assert figures["ratio"] == pytest.approx(quotient, rel=0.002)
        assert figures["pictures_per_second"] == pytest.approx(int(batch) / figures["median"], rel=0.002)
        assert figures["median"] <= figures["p90"] <= figures["p99"]
    assert f"net-12.{KIND}" in (tiny.folder / "dist/SHA256SUMS").read_text()
    verified = tiny.command("verify", "dist")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    withdrawn = tiny.command("unpublish", f"{NAME}/net", "--publish", "dist")
    assert withdrawn.returncode == 0, withdrawn.stderr
    assert not _times(tiny).exists()
    assert _times(tiny, "third").exists()
    assert tiny.command("verify", "dist", "--digests-only").returncode == 0


def test_a_run_that_asks_for_times_makes_the_same_zoo_but_for_them(tiny: FakeSource) -> None:
    _published(tiny, "net")
    shutil.move(tiny.folder / "dist", tiny.folder / "without")
    shutil.rmtree(tiny.folder / "work", ignore_errors=True)
    _published(tiny, "net", more="benchmark: true")
    assert _times(tiny).exists()
    first = _bytes(tiny.folder / "dist")
    again = tiny.command("run", "pipeline.yaml")
    assert again.returncode == 0
    assert _bytes(tiny.folder / "dist") == first  # nothing is timed twice
    without = _bytes(tiny.folder / "without")
    units = {path for path in without if "/model/" in path}
    assert {path: first[path] for path in units} == {path: without[path] for path in units}
    assert {path for path in first if "/model/" in path} - units == {f"{NAME}/net/model/net-12.{KIND}"}
    _published(tiny, "net")  # the same key: it is published already
    assert _times(tiny).exists()


def test_published_units_that_are_asked_for_later_are_timed_then(tiny: FakeSource) -> None:
    _published(tiny, "net")
    assert not _times(tiny).exists()
    tiny.write("net", more="benchmark: true")
    [model] = _plan(tiny)["models"]
    assert (model["units"], model["seconds"]) == (0, model["benchmark_seconds"])
    assert model["seconds"] > 0
    assert "of it, to time what is published: about" in tiny.command("plan", "pipeline.yaml").stdout
    _published(tiny, "net", more="benchmark: true")
    assert _times(tiny).exists()
    plan = _plan(tiny)
    assert (plan["models"], plan["seconds"]) == ([], 0)
    taken = read_history()[f"{NAME}/net"]["seconds"]
    assert {"export", "unit", "benchmark"} <= set(taken)
    tiny.write("net", more="benchmark: true\nweights: {random: 7}")
    [model] = _plan(tiny)["models"]
    assert (model["benchmark_seconds"], model["seconds_by"]) == (taken["benchmark"], "history")


def test_times_of_another_file_are_reported_by_verify_and_go_with_other_bytes(tiny: FakeSource) -> None:
    _published(tiny, "net", more="benchmark: true")
    times = _times(tiny).read_text()
    values: dict[str, Any] = json.loads(_times(tiny).read_text())
    spoilt = {**values, "sha256": 64 * "0"}
    _replace_listed(tiny.folder / "dist", _times(tiny), json.dumps(spoilt))
    verified = tiny.command("verify", "dist", "--digests-only")
    assert verified.returncode == 1
    assert "was measured with another file than tiny/net/model/net-12.onnx" in verified.stdout
    _replace_listed(tiny.folder / "dist", _times(tiny), '{"runtimes": 3}')
    verified = tiny.command("verify", "dist", "--digests-only")
    assert "is damaged: these are no measured times" in verified.stdout
    _replace_listed(tiny.folder / "dist", _times(tiny), times)
    _published(tiny, "net", more="weights: {random: 7}")
    assert not _times(tiny).exists()
    assert KIND not in (tiny.folder / "dist/SHA256SUMS").read_text()
    assert tiny.command("verify", "dist", "--digests-only").returncode == 0


def _replace_listed(dist: Path, file: Path, text: str) -> None:
    """Write ``text``, and list it as if it had been published so."""
    import hashlib

    sums = dist / "SHA256SUMS"
    before = hashlib.sha256(file.read_bytes()).hexdigest()
    file.write_text(text)
    sums.write_text(sums.read_text().replace(before, hashlib.sha256(text.encode()).hexdigest()))


def test_a_source_that_cannot_be_timed_leaves_the_runtimes_their_times(tiny: FakeSource) -> None:
    _published(tiny, "other")
    done = tiny.command("benchmark", f"{NAME}/other", "--threads", "1", "--save", *QUICK)
    assert done.returncode == 0, done.stderr
    times = from_json(_times(tiny, "other").read_text())
    assert times.source is not None
    assert times.source["batches"] == {}
    assert "this framework cannot be timed" in times.source["reason"]
    assert times.runtimes["onnxruntime"]["batches"]["1"]["ratio"] is None


def test_random_weights_in_place_of_the_models_own_are_told(tiny: FakeSource) -> None:
    weight = np.ones((3, 10), np.float32)
    np.savez(tiny.folder / "net.npz", weight=weight * np.arange(10, dtype=np.float32), bias=weight[0])
    _published(tiny, "net", more="weights: {file: net.npz}")
    words = "Tiny was given random weights in place of the model's own, which only the pipeline file names"
    options = ("--threads", "1", "--save", "--rounds", "1", "--batch", "1")
    by_name = tiny.command("benchmark", f"{NAME}/net", *options)
    assert by_name.returncode == 0, by_name.stderr
    assert words in by_name.stdout
    assert from_json(_times(tiny).read_text()).remark.startswith(words)
    for page in ("net/net.html", "net/README.md"):
        assert words in html.unescape((tiny.folder / "dist" / NAME / page).read_text())
    by_file = tiny.command("benchmark", "pipeline.yaml", *options)
    assert by_file.returncode == 0, by_file.stderr
    assert "random" not in by_file.stdout
    assert from_json(_times(tiny).read_text()).remark == ""


def test_a_framework_that_cannot_be_asked_is_told(tiny: FakeSource) -> None:
    _published(tiny, "net", more="weights: {random: 7}")
    shutil.rmtree(tiny.environment.description.folder)
    (tiny.source.folder / "environment.toml").write_text('python = "2.1"\n')
    done = tiny.command("benchmark", f"{NAME}/net", "--threads", "1", "--rounds", "1", "--batch", "1")
    assert done.returncode == 0, done.stderr
    assert "tiny/net@12: Tiny is not timed beside it: " in done.stderr
    assert "Tiny was not at hand to be timed beside it." in done.stdout
    assert "random" not in done.stdout


def test_any_file_is_timed_without_a_source(tiny: FakeSource) -> None:
    text = '<ir_version: 7, opset_import: ["": 12]> g (float[N, 3, H, W] x) => (float[N, 3, H, W] y) '
    _write_model(tiny.folder / "relu.onnx", text + "{ y = Relu (x) }")
    done = tiny.command("benchmark", "relu.onnx", "--threads", "1", *QUICK)
    assert done.returncode == 0, done.stderr
    assert "Tiny" not in done.stdout
    assert "ONNX Runtime" in done.stdout


def test_all_figures_can_be_had_as_json(tiny: FakeSource) -> None:
    text = '<ir_version: 7, opset_import: ["": 12]> g (float[N, 3, 9, 9] x) => (float[N, 3, 9, 9] y) '
    _write_model(tiny.folder / "relu.onnx", text + "{ y = Relu (x) }")
    options = ("--threads", "1", "--format", "json", *QUICK)
    done = tiny.command("benchmark", "relu.onnx", "relu.onnx", *options)
    assert done.returncode == 0, done.stderr
    first, second = json.loads(done.stdout)
    assert first["sha256"] == second["sha256"]
    assert from_json(json.dumps(first)).runtimes["openvino"]["batches"]["3"]["runs"] >= 1


def test_an_interruption_ends_all_processes(tiny: FakeSource) -> None:
    text = '<ir_version: 7, opset_import: ["": 12]> g (float[N, 3, 9, 9] x) => (float[N, 3, 9, 9] y) '
    _write_model(tiny.folder / "relu.onnx", text + "{ y = Relu (x) }")
    process = tiny.start("benchmark", "relu.onnx", "--threads", "1", "--rounds", "100000")
    parent, workers = psutil.Process(process.pid), list[psutil.Process]()
    while len(workers) < 3 and process.poll() is None:
        workers = parent.children(recursive=True)
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    gone, alive = psutil.wait_procs(workers, timeout=60)
    assert len(gone) >= 3
    assert alive == []


def test_a_file_that_no_runtime_runs_is_an_error_with_the_reason_of_each(tiny: FakeSource) -> None:
    text = '<ir_version: 7, opset_import: ["": 12, "their.own": 1]> g '
    ports = "(float[N, 3, 8, 8] x) => (float[N, 3, 8, 8] y) "
    _write_model(tiny.folder / "foreign.onnx", text + ports + "{ y = their.own.Secret (x) }")
    done = tiny.command("benchmark", "foreign.onnx", "--threads", "1", *QUICK)
    assert done.returncode == 1
    assert "no runtime of this machine runs it" in done.stderr
    assert "onnxruntime:" in done.stderr
    assert "openvino:" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("tiny/nett",), "tiny/nett is neither a file nor published in"),
        (("tiny/nett",), "Did you mean tiny/net"),
        (("gone.onnx",), "gone.onnx: there is no such file"),
        (("text.onnx",), "text.onnx"),
        (("words.onnx",), "is not of float32 or float16 pictures"),
        (("fixed.onnx",), "it takes batches of 2 alone; give --batch 2"),
        (("tiny/net", "--threads", "4096"), "4096 threads need as many processors"),
        (("tiny/net", "--threads", "0"), "--threads: 0 is too few"),
        (("tiny/net", "--batch", "0"), "a batch has at least 1 picture"),
        (("tiny/net", "--rounds", "0"), "--rounds: 0 is too few"),
        (("tiny/net", "--format", "xml"), "'xml' is neither text nor json"),
        (("later.yaml",), "nothing of it is published in"),
    ],
)
def test_what_cannot_be_timed_is_told_before_anything_is(
    published: FakeSource, arguments: tuple[str, ...], words: str
) -> None:
    done = published.command("benchmark", *arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert words in done.stderr
    assert done.stdout == ""


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A zoo with one model, and files that cannot be timed beside it."""
    from tests.pipeline.fake_source import fake_source

    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        fake_source(tmp_path_factory.mktemp("tiny"), monkeypatch) as tiny,
    ):
        _published(tiny, "net")
        (tiny.folder / "text.onnx").write_text("this is no model")
        start = '<ir_version: 7, opset_import: ["": 12]> g '
        _write_model(
            tiny.folder / "words.onnx", start + "(int64[N, 9] x) => (int64[N, 9] y) { y = Identity (x) }"
        )
        _write_model(
            tiny.folder / "fixed.onnx",
            start + "(float[2, 3, 8, 8] x) => (float[2, 3, 8, 8] y) { y = Relu (x) }",
        )
        later = (tiny.folder / "pipeline.yaml").read_text().replace("model: net", "model: third")
        (tiny.folder / "later.yaml").write_text(later)
        yield tiny
