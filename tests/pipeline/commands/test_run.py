"""The command line run as a user runs it, with real frameworks; bad models, bad files, interruptions."""

from __future__ import annotations

import hashlib
import json
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from converters.registry import SOURCES
from pipeline.environments import building

pytestmark = pytest.mark.mxnet

TWO_MODELS = """\
publish: dist
opsets: 12
models:
  - source: mxnet
    model: mobilenet0.25
{extra}
  - source: mxnet
    model: squeezenet1.1
"""


def _pipeline(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipeline", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def _write(folder: Path, extra: str = "") -> None:
    text = TWO_MODELS.format(extra="".join(f"    {line}\n" for line in extra.splitlines()))
    (folder / "pipeline.yaml").write_text(text, encoding="utf-8")


def _published(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "dist").rglob("*.onnx"))


def _no_traceback(answer: subprocess.CompletedProcess[str]) -> None:
    assert "Traceback" not in answer.stderr + answer.stdout


def _run_expecting_one_failure(folder: Path, reason: str, verdict: str = "failed") -> str:
    """The MXNet model fails for ``reason``; the other one is published all the same."""
    answer = _pipeline(folder, "run", "pipeline.yaml")
    assert answer.returncode == 1, answer.stderr
    _no_traceback(answer)
    assert _published(folder) == ["squeezenet1.1-12.onnx"]
    row = next(line for line in answer.stdout.splitlines() if line.startswith("mxnet/mobilenet0.25@12"))
    assert verdict in row
    assert reason in answer.stdout
    return answer.stdout


def test_a_job_is_published_and_then_left_alone(tmp_path: Path) -> None:
    _write(tmp_path)
    first = _pipeline(tmp_path, "run", "pipeline.yaml", "--jobs", "2")
    assert first.returncode == 0, first.stderr
    assert _published(tmp_path) == ["mobilenet0.25-12.onnx", "squeezenet1.1-12.onnx"]
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "dist").rglob("*-12.*")}
    second = _pipeline(tmp_path, "run", "pipeline.yaml")
    assert second.returncode == 0
    assert "all 2 units are published" in second.stderr
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "dist").rglob("*-12.*")} == times
    plan = json.loads(_pipeline(tmp_path, "plan", "pipeline.yaml", "--format", "json").stdout)
    assert [unit["done"] for unit in plan["units"]] == [True, True]
    assert _pipeline(tmp_path, "plan", "pipeline.yaml", "--format", "github").stdout == '{"include": []}\n'


def test_a_damaged_file_is_made_again_and_the_rest_is_not(tmp_path: Path) -> None:
    _write(tmp_path)
    assert _pipeline(tmp_path, "run", "pipeline.yaml").returncode == 0
    damaged = tmp_path / "dist/mxnet/mobilenet/model/mobilenet0.25-12.onnx"
    good = damaged.read_bytes()
    damaged.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    rows = _pipeline(tmp_path, "plan", "pipeline.yaml", "--format", "github").stdout
    assert [row["name"] for row in json.loads(rows)["include"]] == ["mxnet/mobilenet0.25@12"]
    answer = _pipeline(tmp_path, "run", "pipeline.yaml")
    assert answer.returncode == 0
    assert "done before" in next(line for line in answer.stdout.splitlines() if "mxnet/squeezenet" in line)
    assert damaged.read_bytes() == good  # the same job gives the same bytes


def test_a_model_past_its_time_fails_alone(tmp_path: Path) -> None:
    _write(tmp_path, "limits: {seconds: 0.2}")
    _run_expecting_one_failure(tmp_path, "did not end within its limit of 0.2 s")


def test_a_model_past_its_memory_fails_alone(tmp_path: Path) -> None:
    _write(tmp_path, "limits: {memory_gib: 0.05}")
    _run_expecting_one_failure(tmp_path, "grew past its memory limit of 0.05 GiB")


def test_weights_that_do_not_fit_fail_alone_and_leave_the_log(tmp_path: Path) -> None:
    (tmp_path / "other.safetensors").write_bytes(_safetensors({"a": np.zeros((3, 3), np.float32)}))
    _write(tmp_path, "weights: {file: other.safetensors}")
    _run_expecting_one_failure(tmp_path, "exporting mxnet/mobilenet0.25 failed:")
    assert (tmp_path / "work/mxnet/mobilenet0.25").is_dir()


def _save_weights(path: Path, initialiser: str) -> None:
    """Save the weights of the MXNet model as Gluon does."""
    environment = building.ensure(SOURCES["mxnet"], stop=threading.Event(), say=print)
    code = (
        "import sys, mxnet as mx; net = mx.gluon.model_zoo.vision.get_model('mobilenet0.25')\n"
        f"net.initialize(mx.init.{initialiser}); net(mx.nd.ones((1, 3, 224, 224)))\n"
        "net.save_parameters(sys.argv[1])"
    )
    command = [str(environment.python), "-W", "ignore", "-c", code, str(path)]
    subprocess.run(command, check=True, capture_output=True)


def test_dead_logits_prove_nothing(tmp_path: Path) -> None:
    """Weights of zeros: the converted file is right, and nobody could tell if it were not."""
    _save_weights(tmp_path / "zeros.params", "Zero()")
    _write(tmp_path, "weights: {file: zeros.params}")
    _run_expecting_one_failure(tmp_path, "the framework's own outputs prove nothing", "inconclusive")


@pytest.mark.usefixtures("own_downloads")
def test_weights_come_from_a_url(tmp_path: Path, server: tuple[Path, str]) -> None:
    folder, address = server
    _save_weights(folder / "trained.params", "Xavier(factor_type='in', magnitude=8)")
    digest = hashlib.sha256((folder / "trained.params").read_bytes()).hexdigest()
    _write(tmp_path, f"weights: {{url: '{address}/trained.params', sha256: {digest}}}")
    answer = _pipeline(tmp_path, "run", "pipeline.yaml", "--only", "*/mobilenet*")
    assert answer.returncode == 0, answer.stdout
    record = json.loads((tmp_path / "dist/mxnet/mobilenet/model/mobilenet0.25-12.record.json").read_text())
    assert record["provenance"]["weights"]["origin"] == f"{address}/trained.params"
    assert record["provenance"]["weights"]["sha256"] == digest


@pytest.mark.usefixtures("own_downloads")
def test_a_wrong_digest_stops_the_run_before_anything_starts(
    tmp_path: Path, server: tuple[Path, str]
) -> None:
    folder, address = server
    (folder / "trained.params").write_bytes(b"something else")
    _write(tmp_path, f"weights: {{url: '{address}/trained.params', sha256: {'ab' * 32}}}")
    answer = _pipeline(tmp_path, "run", "pipeline.yaml")
    assert answer.returncode == 2
    assert re.search(r"pipeline.yaml:6: http://\S+/trained.params has sha256", answer.stderr)
    assert not (tmp_path / "dist").exists()
    assert not (tmp_path / "work").exists()


@pytest.mark.usefixtures("own_downloads")
def test_a_file_that_cannot_be_fetched_fails_its_model_alone(tmp_path: Path) -> None:
    _write(tmp_path, f"weights: {{url: 'http://127.0.0.1:9/trained.params', sha256: {'ab' * 32}}}")
    _run_expecting_one_failure(tmp_path, "cannot fetch http://127.0.0.1:9/trained.params")


def test_a_broken_picture_fails_its_model_alone(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n")
    _write(tmp_path, "images: {files: [broken.png]}")
    _run_expecting_one_failure(tmp_path, "broken.png")


def test_a_published_file_survives_a_failing_run(tmp_path: Path) -> None:
    _write(tmp_path)
    assert _pipeline(tmp_path, "run", "pipeline.yaml").returncode == 0
    before = {path: path.read_bytes() for path in (tmp_path / "dist").rglob("*") if path.is_file()}
    _write(tmp_path, "weights: {random: 5}\nlimits: {seconds: 0.2}")
    assert _pipeline(tmp_path, "run", "pipeline.yaml").returncode == 1
    assert {path: path.read_bytes() for path in before} == before


def test_a_gate_that_nothing_passes_publishes_nothing(tmp_path: Path) -> None:
    _write(tmp_path, "parity: {relative: 1.0e-12}")
    _run_expecting_one_failure(tmp_path, "is above 1e-12")


def test_fresh_does_everything_again(tmp_path: Path) -> None:
    arguments = ("run", "pipeline.yaml", "--only", "*/mobilenet*")
    _write(tmp_path, "parity: {relative: 1.0e-12}")
    assert _pipeline(tmp_path, *arguments).returncode == 1
    _write(tmp_path)
    fresh = _pipeline(tmp_path, *arguments, "--fresh")
    assert fresh.returncode == 0, fresh.stdout
    assert "inputs: done before" not in fresh.stderr
    assert "export: done before" not in fresh.stderr
    assert "done before" not in fresh.stdout
    published = tmp_path / "dist/mxnet/mobilenet/model/mobilenet0.25-12.onnx"
    before = published.read_bytes()
    published.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    again = _pipeline(tmp_path, *arguments, "--fresh")
    assert again.returncode == 0
    assert "done before" not in again.stdout + again.stderr.replace("environment: done before", "")
    assert published.read_bytes() == before


def test_a_killed_run_goes_on_from_what_is_done(tmp_path: Path) -> None:
    _write(tmp_path)
    command = [sys.executable, "-m", "pipeline", "run", "pipeline.yaml", "--only", "*/mobilenet*"]
    with subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as run:
        assert run.stderr
        for line in run.stderr:
            if "export:" in line:
                break
        run.kill()
    assert _published(tmp_path) == []
    answer = _pipeline(tmp_path, "run", "pipeline.yaml", "--only", "*/mobilenet*")
    assert answer.returncode == 0, answer.stderr
    assert "export: done before" in answer.stderr
    assert _published(tmp_path) == ["mobilenet0.25-12.onnx"]


def test_an_interrupted_run_ends_with_130_and_leaves_no_worker(tmp_path: Path) -> None:
    _write(tmp_path)
    command = [sys.executable, "-m", "pipeline", "run", "pipeline.yaml"]
    with subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stderr
        for line in run.stderr:
            if "inputs:" in line:
                break
        time.sleep(0.5)  # the export is under way
        run.send_signal(signal.SIGINT)
        output, errors = run.communicate()
    assert run.returncode == 130
    assert "interrupted; run again to go on from here" in errors
    assert "interrupted" in output
    assert _published(tmp_path) == []
    assert not [process for process in _command_lines() if str(tmp_path) in process]


def _command_lines() -> list[str]:
    import psutil

    return [" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])]


def test_preprocessing_can_be_set(tmp_path: Path) -> None:
    _write(tmp_path, "preprocessing: {input_size: [3, 96, 128], mean: [0, 0, 0], interpolation: bicubic}")
    answer = _pipeline(tmp_path, "run", "pipeline.yaml", "--only", "*/mobilenet*")
    assert answer.returncode == 0, answer.stdout
    record = json.loads((tmp_path / "dist/mxnet/mobilenet/model/mobilenet0.25-12.record.json").read_text())
    assert record["io_ports"]["inputs"][0]["shape"] == ["batch", 3, 96, 128]
    said = record["preprocessing"]
    assert (said["mean"], said["interpolation"], said["resize"]) == ([0, 0, 0], "bicubic", 110)
    assert said["std"] == [0.229, 0.224, 0.225]


def test_only_opset_and_publish_select(tmp_path: Path) -> None:
    _write(tmp_path)
    answer = _pipeline(
        tmp_path,
        "run",
        "pipeline.yaml",
        "--only",
        "mxnet/squeeze*",
        "--opset",
        "12",
        "--publish",
        "elsewhere",
    )
    assert answer.returncode == 0, answer.stderr
    assert [path.name for path in (tmp_path / "elsewhere").rglob("*.onnx")] == ["squeezenet1.1-12.onnx"]
    assert not (tmp_path / "dist").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["run", "none.yaml"], "there is no file none.yaml"),
        (["run", "pipeline.yaml", "--only", "caffe/*"], "--only caffe/* selects nothing"),
        (["run", "pipeline.yaml", "--opset", "13"], "--opset: opsets go from 3 to 12"),
        (["run", "pipeline.yaml", "--opset", "x"], "--opset: 'x' is not an opset"),
        (["plan", "pipeline.yaml", "--format", "yaml"], "--format: 'yaml' is not one of"),
        (["models", "mxnt"], "unknown source 'mxnt'. Did you mean 'mxnet'?"),
        (["models", "mxnet", "zzz*"], "models of mxnet fits 'zzz*'"),
        (["environments", "build", "tim"], "unknown source 'tim'. Did you mean 'timm'?"),
        (["rn"], "No such command 'rn'"),
    ],
)
def test_a_wrong_command_ends_with_2_and_one_message(
    tmp_path: Path, arguments: list[str], expected: str
) -> None:
    _write(tmp_path)
    answer = _pipeline(tmp_path, *arguments)
    assert answer.returncode == 2
    assert expected in answer.stderr
    _no_traceback(answer)
    assert not (tmp_path / "dist").exists()


def test_an_unknown_model_is_found_before_anything_starts(tmp_path: Path) -> None:
    _write(tmp_path)
    path = tmp_path / "pipeline.yaml"
    path.write_text(path.read_text().replace("mobilenet0.25", "mobilnet0.25"))
    answer = _pipeline(tmp_path, "run", "pipeline.yaml")
    assert answer.returncode == 2
    assert "pipeline.yaml:5: mxnet has no model 'mobilnet0.25'. Did you mean 'mobilenet0.25'" in answer.stderr
    assert not (tmp_path / "dist").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    _write(tmp_path)
    (tmp_path / "file").write_text("in the way")
    answer = _pipeline(tmp_path, "run", "pipeline.yaml", "--publish", "file/dist", "--only", "*/squeezenet*")
    assert answer.returncode != 0
    assert "file/dist" in answer.stdout + answer.stderr
    _no_traceback(answer)
    assert (tmp_path / "file").read_text() == "in the way"


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    answer = _pipeline(tmp_path, "--debug", "run", "none.yaml")
    assert answer.returncode == 2
    assert "Traceback" in answer.stderr


def test_an_environment_is_built_and_listed(tmp_path: Path) -> None:
    built = _pipeline(tmp_path, "environments", "build", "mxnet")
    assert built.returncode == 0
    assert "mxnet: " in built.stderr
    rows = _pipeline(tmp_path, "environments", "list").stdout.splitlines()
    assert [row.split()[0] for row in rows] == list(SOURCES)
    assert "built, " in next(row for row in rows if row.startswith("mxnet"))


def test_the_schema_is_printed(tmp_path: Path) -> None:
    assert "models" in json.loads(_pipeline(tmp_path, "schema").stdout)["properties"]


def test_models_are_listed_by_glob(tmp_path: Path) -> None:
    answer = _pipeline(tmp_path, "models", "mxnet", "vgg*_bn")
    assert answer.stdout.split() == ["vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn"]


def _safetensors(tensors: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]) -> bytes:
    """The safetensors format: the header's length, the header as JSON, the bytes of the tensors."""
    header, blocks, offset = {}, [], 0
    for name, array in tensors.items():
        block = array.tobytes()
        header[name] = {
            "dtype": "F32",
            "shape": list(array.shape),
            "data_offsets": [offset, offset + len(block)],
        }
        blocks.append(block)
        offset += len(block)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + b"".join(blocks)
