"""``python -m pipeline compare`` and ``retarget --verify`` as a user runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import onnx
import pytest

from pipeline.commands.retarget import retarget
from pipeline.errors import PipelineError
from tests.commands import ROOT, run_command
from tests.pipeline.equivalence.graphs import scores, written


def _command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    answer = run_command(*arguments, folder=folder)
    assert "Traceback" not in answer.stderr + answer.stdout
    return answer


def test_the_exit_code_says_whether_they_are_the_same(tmp_path: Path) -> None:
    scores(tmp_path / "a.onnx")
    scores(tmp_path / "b.onnx", "LogSoftmax")
    same = _command(tmp_path, "compare", "a.onnx", "a.onnx", "--format", "json")
    assert (same.returncode, json.loads(same.stdout)["same"]) == (0, True)
    other = _command(tmp_path, "compare", "a.onnx", "b.onnx")
    assert other.returncode == 1
    assert "a.onnx and b.onnx do not compute the same, within 0.0001: onnxruntime" in other.stdout


def test_no_runtime_keeps_anything_of_it_or_tells_anybody(tmp_path: Path) -> None:
    """ONNX Runtime keeps what it is going to tell its makers in the user's cache folder."""
    scores(tmp_path / "a.onnx")
    (tmp_path / "home").mkdir()
    places = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "TMPDIR"), str(tmp_path / "home"))
    answer = subprocess.run(
        [sys.executable, "-m", "pipeline", "compare", "a.onnx", "a.onnx"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "ORT_DISABLE_TELEMETRY": "0", **places},
        check=False,
        capture_output=True,
    )
    assert answer.returncode == 0, answer.stderr
    assert list((tmp_path / "home").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["a.onnx", "missing.onnx"], "missing.onnx: there is no such file"),
        (["a.onnx", "text.onnx"], "it is not an ONNX model"),
        (["a.onnx", "a.onnx", "--relative", "2"], "--relative: relative tolerance 2.0 must be above 0"),
        (["a.onnx", "a.onnx", "--format", "xml"], "--format: 'xml' is neither text nor json"),
        (["a.onnx", "a.onnx", "--inputs", "x.npz"], "--inputs: there is no file x.npz"),
    ],
)
def test_a_wrong_command_or_file_is_one_error(tmp_path: Path, arguments: list[str], words: str) -> None:
    scores(tmp_path / "a.onnx")
    (tmp_path / "text.onnx").write_text("this is no model")
    answer = _command(tmp_path, "compare", *arguments)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert words in answer.stderr


def test_retarget_verifies_before_it_writes(tmp_path: Path) -> None:
    model = scores(tmp_path / "a.onnx")
    said = retarget(model, 9, tmp_path / "b.onnx", verify=True)
    assert f"{tmp_path / 'b.onnx'} compute the same, within 0.0001, in onnxruntime, openvino." in said
    assert {path.name for path in tmp_path.iterdir()} == {"a.onnx", "b.onnx"}
    retarget(model, 9, tmp_path / "c.onnx")
    assert (tmp_path / "b.onnx").read_bytes() == (tmp_path / "c.onnx").read_bytes()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "(float[N,2] x) => (float[N,2] y) <float[1] zero = {0}> { y = Mul(x, zero) }",
            r"cannot be told: the reference logits .* Nothing was written\.",
        ),
        (
            "(string[N] x) => (string[N] y) { y = Identity(x) }",
            r"^nothing was written, as it cannot be verified: .* is string",
        ),
    ],
)
def test_what_cannot_be_compared_is_not_written(tmp_path: Path, text: str, words: str) -> None:
    model = written(tmp_path / "a.onnx", f'<ir_version: 8, opset_import: ["": 13]> g {text}')
    with pytest.raises(PipelineError, match=words) as raised:
        retarget(model, 9, tmp_path / "b.onnx", verify=True)
    assert raised.value.exit_code == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.onnx"]


def test_what_does_not_compute_the_same_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import opsets

    right = opsets.retarget_file

    def wrong(source: Path, opset: int, destination: Path, **options: Any) -> object:
        report = right(source, opset, destination, **options)
        model = onnx.load(destination)
        model.graph.node[-1].op_type = "LogSoftmax"
        onnx.save(model, destination)
        return report

    monkeypatch.setattr(opsets, "retarget_file", wrong)
    model = scores(tmp_path / "a.onnx")
    with pytest.raises(
        PipelineError, match=r"do not compute the same.* onnxruntime disagrees .* relative error"
    ):
        retarget(model, 9, tmp_path / "b.onnx", verify=True)
    assert [path.name for path in tmp_path.iterdir()] == ["a.onnx"]
