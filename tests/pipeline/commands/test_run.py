"""The command line run as a user runs it: bad models, bad files, interruptions.

The models are those of a source without a framework, which takes seconds; what real frameworks do to a run
is in ``test_default_job.py``.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from converters.registry import frameworks
from pipeline.environments import building
from tests.pipeline.fake_source import MODELS, PREPROCESSING, FakeSource
from tests.tiny_source import NAME

pytestmark = pytest.mark.slow

TWO_MODELS = """\
publish: dist
opsets: 12
models:
  - source: tiny
    model: {model}
{extra}
  - source: tiny
    model: other
"""


def _write(tiny: FakeSource, extra: str = "", model: str = "net") -> None:
    text = TWO_MODELS.format(model=model, extra="".join(f"    {line}\n" for line in extra.splitlines()))
    (tiny.folder / "pipeline.yaml").write_text(text, encoding="utf-8")


def _run_expecting_one_failure(
    tiny: FakeSource, reason: str, verdict: str = "failed", model: str = "net"
) -> None:
    """The first model fails for ``reason``; the other one is published all the same."""
    answer = tiny.command("run", "pipeline.yaml")
    assert answer.returncode == 1, answer.stderr
    assert tiny.published == ["other-12.onnx"]
    row = next(line for line in answer.stdout.splitlines() if line.startswith(f"tiny/{model}@12"))
    assert verdict in row
    assert reason in answer.stdout


def _published_files(tiny: FakeSource) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in (tiny.folder / "dist").rglob("*") if path.is_file()}


def test_a_job_is_published_and_then_left_alone(tiny: FakeSource) -> None:
    _write(tiny)
    first = tiny.command("run", "pipeline.yaml", "--jobs", "2")
    assert first.returncode == 0, first.stderr
    assert tiny.published == ["net-12.onnx", "other-12.onnx"]
    times = {path: path.stat().st_mtime_ns for path in (tiny.folder / "dist").rglob("*-12.*")}
    second = tiny.command("run", "pipeline.yaml")
    assert second.returncode == 0
    assert "all 2 units are published" in second.stderr
    assert {path: path.stat().st_mtime_ns for path in (tiny.folder / "dist").rglob("*-12.*")} == times
    plan = json.loads(tiny.command("plan", "pipeline.yaml", "--format", "json").stdout)
    assert [unit["done"] for unit in plan["units"]] == [True, True]
    assert tiny.command("plan", "pipeline.yaml", "--format", "github").stdout == '{"include": []}\n'


def test_a_damaged_file_is_made_again_and_the_rest_is_not(tiny: FakeSource) -> None:
    _write(tiny)
    assert tiny.command("run", "pipeline.yaml").returncode == 0
    damaged = tiny.folder / "dist/tiny/net/model/net-12.onnx"
    good = damaged.read_bytes()
    damaged.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    rows = tiny.command("plan", "pipeline.yaml", "--format", "github").stdout
    assert [row["name"] for row in json.loads(rows)["include"]] == ["tiny/net"]
    answer = tiny.command("run", "pipeline.yaml")
    assert answer.returncode == 0
    assert "done before" in next(line for line in answer.stdout.splitlines() if "tiny/other" in line)
    assert damaged.read_bytes() == good  # the same job gives the same bytes


def test_a_model_past_its_time_fails_alone(tiny: FakeSource) -> None:
    _write(tiny, "limits: {seconds: 1}", model="slow")
    _run_expecting_one_failure(tiny, "did not end within its limit of 1 s", model="slow")


def test_a_model_past_its_memory_fails_alone(tiny: FakeSource) -> None:
    _write(tiny, "limits: {memory_gib: 0.5}", model="hungry")
    _run_expecting_one_failure(tiny, "grew past its memory limit of 0.5 GiB", model="hungry")


def test_a_model_that_its_framework_cannot_say_fails_alone(tiny: FakeSource) -> None:
    _write(tiny, model="raising")
    _run_expecting_one_failure(
        tiny, "exporting tiny/raising failed: this one cannot be said", model="raising"
    )


def _save_weights(path: Path, scale: float = 1.0, classes: int = 10) -> None:
    generator = np.random.default_rng(1)
    weight = scale * generator.normal(size=(3, classes)).astype(np.float32)
    np.savez(path, weight=weight, bias=scale * np.arange(classes, dtype=np.float32))


def test_weights_that_do_not_fit_fail_alone_and_leave_the_log(tiny: FakeSource) -> None:
    np.savez(tiny.folder / "other.npz", a=np.zeros((3, 3), np.float32))
    _write(tiny, "weights: {file: other.npz}")
    _run_expecting_one_failure(tiny, "exporting tiny/net failed: the file does not hold weight and bias")
    assert list((tiny.folder / "work/tiny/net").glob("*/worker.log"))


def test_dead_logits_prove_nothing(tiny: FakeSource) -> None:
    """Weights of zeros: the converted file is right, and nobody could tell if it were not."""
    _save_weights(tiny.folder / "zeros.npz", scale=0.0)
    _write(tiny, "weights: {file: zeros.npz}")
    _run_expecting_one_failure(tiny, "the framework's own outputs prove nothing", "inconclusive")


def test_a_model_that_computes_something_else_fails_alone(tiny: FakeSource) -> None:
    _write(tiny, model="wrong")
    _run_expecting_one_failure(tiny, "Not published; its files are in", model="wrong")
    assert list((tiny.folder / "work/tiny/wrong").glob("opset-12-*/model.onnx"))


def test_weights_come_from_a_url(tiny: FakeSource, server: tuple[Path, str]) -> None:
    folder, address = server
    _save_weights(folder / "trained.npz")
    digest = hashlib.sha256((folder / "trained.npz").read_bytes()).hexdigest()
    _write(tiny, f"weights: {{url: '{address}/trained.npz', sha256: {digest}}}")
    answer = tiny.command("run", "pipeline.yaml", "--only", "*/net")
    assert answer.returncode == 0, answer.stdout
    record = json.loads((tiny.folder / "dist/tiny/net/model/net-12.record.json").read_text())
    assert record["provenance"]["weights"]["origin"] == f"{address}/trained.npz"
    assert record["provenance"]["weights"]["sha256"] == digest


def test_a_wrong_digest_stops_the_run_before_anything_starts(
    tiny: FakeSource, server: tuple[Path, str]
) -> None:
    folder, address = server
    (folder / "trained.npz").write_bytes(b"something else")
    _write(tiny, f"weights: {{url: '{address}/trained.npz', sha256: {'ab' * 32}}}")
    answer = tiny.command("run", "pipeline.yaml")
    assert answer.returncode == 2
    assert re.search(r"pipeline.yaml:6: http://\S+/trained.npz has sha256", answer.stderr)
    assert not (tiny.folder / "dist").exists()
    assert not (tiny.folder / "work").exists()


def test_a_file_that_cannot_be_fetched_fails_its_model_alone(tiny: FakeSource) -> None:
    _write(tiny, f"weights: {{url: 'http://127.0.0.1:9/trained.npz', sha256: {'ab' * 32}}}")
    _run_expecting_one_failure(tiny, "cannot fetch http://127.0.0.1:9/trained.npz")


def test_a_broken_picture_fails_its_model_alone(tiny: FakeSource) -> None:
    """That it is cut off shows when it is decoded; what begins as no picture is a mistake in the file."""
    Image.new("RGB", (99, 99)).save(tiny.folder / "broken.png")
    (tiny.folder / "broken.png").write_bytes((tiny.folder / "broken.png").read_bytes()[:-40])
    _write(tiny, "images: {files: [broken.png]}")
    _run_expecting_one_failure(tiny, "broken.png")


def test_a_published_file_survives_a_failing_run(tiny: FakeSource) -> None:
    _write(tiny)
    assert tiny.command("run", "pipeline.yaml").returncode == 0
    before = _published_files(tiny)
    _write(tiny, "weights: {random: 5}\nlimits: {seconds: 0.05}")
    assert tiny.command("run", "pipeline.yaml").returncode == 1
    assert {path: path.read_bytes() for path in before} == before


def test_a_gate_that_nothing_passes_publishes_nothing(tiny: FakeSource) -> None:
    _write(tiny, "parity: {relative: 1.0e-12}")
    _run_expecting_one_failure(tiny, "is above 1e-12")


def test_fresh_does_everything_again(tiny: FakeSource) -> None:
    arguments = ("run", "pipeline.yaml", "--only", "*/net")
    _write(tiny, "parity: {relative: 1.0e-12}")
    assert tiny.command(*arguments).returncode == 1
    _write(tiny)
    fresh = tiny.command(*arguments, "--fresh")
    assert fresh.returncode == 0, fresh.stdout
    assert "inputs: done before" not in fresh.stderr
    assert "export: done before" not in fresh.stderr
    assert "done before" not in fresh.stdout
    published = tiny.folder / "dist/tiny/net/model/net-12.onnx"
    before = published.read_bytes()
    published.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    again = tiny.command(*arguments, "--fresh")
    assert again.returncode == 0
    assert "done before" not in again.stdout + again.stderr.replace("environment: done before", "")
    assert published.read_bytes() == before


def test_a_killed_run_goes_on_from_what_is_done(tiny: FakeSource) -> None:
    _write(tiny)
    with tiny.start("run", "pipeline.yaml", "--only", "*/net") as run:
        assert run.stderr
        for line in run.stderr:
            if "export:" in line:
                break
        run.kill()
    assert tiny.published == []
    answer = tiny.command("run", "pipeline.yaml", "--only", "*/net")
    assert answer.returncode == 0, answer.stderr
    assert "export: done before" in answer.stderr
    assert tiny.published == ["net-12.onnx"]


def test_preprocessing_can_be_set(tiny: FakeSource) -> None:
    _write(tiny, "preprocessing: {input_size: [3, 96, 128], mean: [0, 0, 0], interpolation: bicubic}")
    answer = tiny.command("run", "pipeline.yaml", "--only", "*/net")
    assert answer.returncode == 0, answer.stdout
    record = json.loads((tiny.folder / "dist/tiny/net/model/net-12.record.json").read_text())
    assert record["io_ports"]["inputs"][0]["shape"] == ["batch", 3, 96, 128]
    preprocessing = record["preprocessing"]
    assert (preprocessing["mean"], preprocessing["interpolation"], preprocessing["resize"]) == (
        [0, 0, 0],
        "bicubic",
        108,
    )
    assert preprocessing["std"] == [0.5, 0.5, 0.5]


def test_only_opset_and_publish_select(tiny: FakeSource) -> None:
    _write(tiny)
    answer = tiny.command(
        "run",
        "pipeline.yaml",
        "--only",
        "tiny/oth*",
        "--opset",
        "12",
        "--publish",
        "elsewhere",
    )
    assert answer.returncode == 0, answer.stderr
    assert [path.name for path in (tiny.folder / "elsewhere").rglob("*.onnx")] == ["other-12.onnx"]
    assert not (tiny.folder / "dist").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["run", "none.yaml"], "there is no file none.yaml"),
        (["run", "pipeline.yaml", "--only", "caffe/*"], "--only caffe/* selects nothing"),
        (["run", "pipeline.yaml", "--opset", "22"], "--opset: opsets go from 3 to 21"),
        (["run", "pipeline.yaml", "--opset", "x"], "--opset: 'x' is not an opset"),
        (["plan", "pipeline.yaml", "--format", "yaml"], "--format: 'yaml' is not one of"),
        (["models", "mxnt"], "unknown source 'mxnt'. Did you mean 'mxnet'?"),
        (["models", "tiny", "net", "zzz*"], "no model of tiny fits 'zzz*'"),
        (["models", "tiny", "nett"], "tiny has no model 'nett'. Did you mean 'net'"),
        (["models", "tiny", "--format", "yaml"], "--format: 'yaml' is neither text nor json"),
        (["environments", "build", "tim"], "unknown source 'tim'. Did you mean 'timm'?"),
        (["rn"], "No such command 'rn'"),
    ],
)
def test_a_wrong_command_ends_with_2_and_one_message(
    tiny: FakeSource, arguments: list[str], expected: str
) -> None:
    _write(tiny)
    answer = tiny.command(*arguments)
    assert answer.returncode == 2
    assert expected in answer.stderr
    assert not (tiny.folder / "dist").exists()


def test_an_unknown_model_is_found_before_anything_starts(tiny: FakeSource) -> None:
    _write(tiny)
    path = tiny.folder / "pipeline.yaml"
    path.write_text(path.read_text().replace("model: net", "model: nett"))
    answer = tiny.command("run", "pipeline.yaml")
    assert answer.returncode == 2
    assert "pipeline.yaml:5: tiny has no model 'nett'. Did you mean 'net'" in answer.stderr
    assert not (tiny.folder / "dist").exists()


def test_a_folder_that_cannot_be_written_is_named(tiny: FakeSource) -> None:
    _write(tiny)
    (tiny.folder / "file").write_text("in the way")
    answer = tiny.command("run", "pipeline.yaml", "--publish", "file/dist", "--only", "*/other")
    assert answer.returncode != 0
    assert "file/dist" in answer.stdout + answer.stderr
    assert (tiny.folder / "file").read_text() == "in the way"


def test_debug_shows_the_traceback(tiny: FakeSource) -> None:
    with tiny.start("--debug", "run", "none.yaml") as process:
        _, errors = process.communicate()
    assert process.returncode == 2
    assert "Traceback" in errors


def test_an_environment_is_built_and_listed(tiny: FakeSource) -> None:
    built = tiny.command("environments", "build", NAME)
    assert built.returncode == 0
    assert "tiny: built, in " in built.stderr
    rows = tiny.command("environments", "list").stdout.splitlines()
    assert [row.split()[0] for row in rows] == list(frameworks())
    assert "built, " in next(row for row in rows if row.startswith(NAME))


def test_the_schema_is_printed(tiny: FakeSource) -> None:
    assert "models" in json.loads(tiny.command("schema").stdout)["properties"]


def test_models_are_listed_by_globs_and_no_environment_is_built(tiny: FakeSource) -> None:
    building.remove(tiny.source, stop=threading.Event())
    answer = tiny.command("models", NAME, "*er", "net", "d*")
    assert [line.split() for line in answer.stdout.splitlines()] == [
        ["model", "input", "size", "parameters", "pretrained"],
        ["dead", "3x8x8", "40", "no"],
        ["net", "3x8x8", "40", "no"],
        ["other", "3x8x8", "40", "no"],
    ]
    assert building.existing(tiny.source) is None


def test_models_are_listed_for_machines(tiny: FakeSource) -> None:
    listed = json.loads(tiny.command("models", NAME, "--format", "json").stdout)
    assert [model.pop("name") for model in listed] == sorted(MODELS)
    assert listed[0] == {
        "family": "dead",
        "preprocessing": PREPROCESSING,
        "parameters": 40,
        "bytes": 160,
        "pretrained": False,
    }
