"""A sweep of ONNX files that others made: right, refused, wrong in themselves, and no files at all."""

from __future__ import annotations

import json
import subprocess
import threading
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from evaluation.inputs import write_npz
from parity.call import Outcome
from parity.compare import Comparison, Tolerance
from parity.equivalence import Equivalence
from parity.verdict import RuntimeVerdict, decide
from pipeline.equivalence.comparing import Compared
from pipeline.equivalence.graphs import Graph
from pipeline.errors import UsageError
from pipeline.sweeps import files as swept_files
from pipeline.sweeps.files import ProcessLimits, SweptFile, files_of, row_of
from tests.commands import run_command
from tests.pipeline.equivalence.graphs import scores, written

pytestmark = pytest.mark.slow

SEQUENCE = (
    '<ir_version: 8, opset_import: ["": 13]> parts (float[N,4] x) => (seq(float[M,4]) y)'
    " { y = SplitToSequence<axis=0>(x) }"
)
"""Proven to be impossible below 11: it makes an output of a sequence, from an input alone."""
RATE = (
    '<ir_version: 8, opset_import: ["": 13]> at_a_rate (float[N,8] sound, int64 rate) => (float[N,8] y)'
    " { wanted = Constant<value = int64 {16000}>() fits = Equal(rate, wanted) factor = Cast<to=1>(fits)"
    " y = Mul(sound, factor) }"
)
"""Answers with zeros unless ``rate``, a scalar, is 16000."""


def _sweep(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    answer = run_command("sweep", *arguments, folder=folder)
    assert "Traceback" not in answer.stderr + answer.stdout
    return answer


def _rows(file: Path) -> dict[tuple[str, int], dict[str, Any]]:
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    return {(row["model"], row["opset"]): row for row in rows}


def test_what_is_right_refused_or_no_model_is_a_row_each(tmp_path: Path) -> None:
    folder = tmp_path / "graphs"
    (folder / "pictures").mkdir(parents=True)
    scores(folder / "pictures" / "right.onnx")
    written(folder / "refused.onnx", SEQUENCE)
    (folder / "text.onnx").write_text("buy milk\n")
    answer = _sweep(tmp_path, "graphs", "--opsets", "9", "--jobs", "2")
    assert answer.returncode == 0, answer.stderr
    rows = _rows(tmp_path / "onnx.jsonl")
    right, refused, text = (rows[f"onnx/{name}", 9] for name in ("pictures/right", "refused", "text"))
    ends = {key: (row["stage"], row["cause"], row["family"]) for key, row in rows.items()}
    assert ends == {
        ("onnx/pictures/right", 9): ("verified", "", "pictures"),
        ("onnx/refused", 9): ("retarget", "impossible", "refused"),
        ("onnx/text", 9): ("read", "no model", "text"),
    }
    assert right["runtimes"]["onnxruntime"] == right["runtimes"]["openvino"] == "ok"
    assert right["error"] < 1e-4
    assert set(right["seconds"]) == {"read", "retarget", "parity"}
    assert right["peak_memory"]["parity"] > 10 << 20
    assert {"pipeline", "onnx", "onnxruntime", "openvino"} == set(right["versions"])
    assert refused["reason"].startswith(
        "SplitToSequence (node 'y'), opset 11 to 10: no operator below 11 makes or takes a sequence"
    )
    assert refused["reason"].endswith("the lowest possible opset is 11")
    assert text["reason"].startswith("cannot read text.onnx: it is not an ONNX model")
    assert [row["reason"] for row in rows.values() if str(tmp_path) in row["reason"]] == []
    assert "opset 9: 1 of 3 right, 33.3%\n" in answer.stderr
    assert {path.name for path in (tmp_path / "onnx.jsonl.work").rglob("*")} == {"sweep.lock"}
    before = (tmp_path / "onnx.jsonl").read_bytes()
    again = _sweep(tmp_path, "graphs", "--opsets", "9")
    assert (again.returncode, (tmp_path / "onnx.jsonl").read_bytes()) == (0, before)
    assert "3 ONNX files, 3 of them in onnx.jsonl already" in again.stderr


def _row(file: Path, folder: Path, opset: int, seconds: float = 300.0) -> dict[str, Any]:
    folder.mkdir()
    limits = ProcessLimits(seconds, 8.0)
    return vars(row_of(SweptFile(file, "onnx/it"), opset, limits, folder, threading.Event()))


def test_a_file_is_asked_with_the_arrays_beside_it(tmp_path: Path) -> None:
    """Made for it, the rate would be 0 or 1, and the answer always zeros, which prove nothing."""
    file = written(tmp_path / "it.onnx", RATE)
    without = _row(file, tmp_path / "without", 9)
    assert (without["stage"], without["cause"]) == ("parity", "nobody can tell")
    generator, arrays = np.random.default_rng(0), dict[str, np.ndarray[Any, Any]]()
    for number, length in enumerate((1, 3)):
        arrays[f"sound/{number}"] = generator.normal(size=(length, 8)).astype(np.float32)
        arrays[f"rate/{number}"] = np.array(16000)
    write_npz(tmp_path / "it.npz", arrays)
    assert _row(file, tmp_path / "with", 9)["stage"] == "verified"
    write_npz(tmp_path / "it.npz", {"sound": arrays["sound/0"]})
    lacking = _row(file, tmp_path / "lacking", 9)
    assert (lacking["stage"], lacking["cause"]) == ("parity", "refused")
    assert lacking["reason"].startswith("it.npz: there is no array 'rate'")


def test_a_file_that_computes_something_else_and_one_that_takes_too_long_are_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = scores(tmp_path / "it.onnx")
    late = _row(file, tmp_path / "late", 9, seconds=0.05)
    assert (late["stage"], late["cause"]) == ("retarget", "time limit")

    def wrongly(source: Path, opset: int, output: Path, *_: object) -> None:
        scores(output, "LogSoftmax", opset=9)

    monkeypatch.setattr(swept_files, "retarget_in_process", wrongly)
    wrong = _row(file, tmp_path / "wrong", 9)
    assert (wrong["stage"], wrong["cause"]) == ("parity", "another result")
    assert wrong["reason"].startswith("onnxruntime disagrees with the reference on noise 1 (batch 1): ")
    assert wrong["runtimes"]["onnxruntime"] == "wrong"
    assert wrong["error"] > 1


def test_files_are_named_by_their_places_in_what_is_swept(tmp_path: Path) -> None:
    for place in ("a/one.onnx", "a/below/one.onnx", "b/one.onnx", "b/notes.txt"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_bytes(b"")
    (tmp_path / "empty").mkdir()

    def names(*places: str) -> list[str]:
        return [file.name for file in files_of([tmp_path / place for place in places])]

    assert names("a") == ["onnx/below/one", "onnx/one"]
    assert names("a/one.onnx") == ["onnx/one"]
    assert names("b", "a/one.onnx", "a") == ["onnx/a/below/one", "onnx/a/one", "onnx/b/one"]
    for place, words in (
        ("none.onnx", "there is no such file or folder"),
        ("empty", "there is no ONNX file; their names end with .onnx"),
        ("b/notes.txt", "there is no ONNX file"),
    ):
        with pytest.raises(UsageError, match=words):
            names(place)


def test_shares_of_files_are_the_whole_once(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.onnx").write_text(name)
    for share in ("1/2", "2/2"):
        answer = _sweep(tmp_path, "./", "--opsets", "9", "--shard", share, "--ledger", f"{share[0]}.jsonl")
        assert answer.returncode == 0, answer.stderr
    parts = [_rows(tmp_path / f"{number}.jsonl") for number in (1, 2)]
    assert {len(part) for part in parts} == {1, 2}
    assert {name for part in parts for name, _ in part} == {"onnx/a", "onnx/b", "onnx/c"}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("none.onnx",), "none.onnx: there is no such file or folder."),
        (("it.onnx", "--publish", "dist"), "--publish: files are compared with themselves"),
        (("it.onnx", "--max-params", "5M"), "--max-params: of files nobody lists the parameters"),
        (("it.onnx", "--opsets", "2"), "--opsets: opsets go from 3 to"),
    ],
)
def test_a_wrong_command_is_one_error(tmp_path: Path, arguments: tuple[str, ...], expected: str) -> None:
    (tmp_path / "it.onnx").write_bytes(onnx.ModelProto().SerializeToString())
    answer = _sweep(tmp_path, *arguments)
    assert (answer.returncode, len(answer.stderr.splitlines())) == (2, 1)
    assert expected in answer.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["it.onnx"]


def test_a_runtime_is_believed_as_far_as_it_is_near_others_on_the_file_itself() -> None:
    """A quantised file is no further from itself in another runtime than what is made of it may be."""

    def judged(apart: float | None, **errors: float | None) -> tuple[str, str]:
        verdicts = {}
        for name, error in errors.items():
            outcome: Outcome = "crashed" if error is None else "ran"
            passed = error is not None and error <= 1e-4
            figures = {} if error is None else {"noise": Comparison(passed, "", relative_error=error)}
            verdicts[name] = RuntimeVerdict(outcome, "", "1", 0.0, True, name != "opencv", figures)
        verdict = decide("", verdicts, Tolerance())
        graph = Graph(Path("it.onnx"), 9, True, (), (), {})
        return swept_files._judged(Compared(graph, graph, Equivalence(verdict, {}), (), 5, apart))

    note = "runtimes are 0.01 apart on the file as it came"
    assert judged(0.01, onnxruntime=0.0, openvino=1e-6) == ("", "")
    assert judged(0.01, onnxruntime=0.0, openvino=0.02) == ("", note)
    assert judged(0.01, onnxruntime=0.003, openvino=0.02) == ("nobody can tell", note)
    assert judged(0.01, onnxruntime=0.0, openvino=0.2) == ("another result", "")
    assert judged(0.01, onnxruntime=0.02, openvino=0.0, opencv=None) == ("", note)
    assert judged(0.01, onnxruntime=0.0, openvino=None, opencv=0.02) == ("nobody can tell", note)
    assert judged(1e-5, onnxruntime=0.0, openvino=2e-4) == ("another result", "")
    assert judged(None, onnxruntime=0.0, openvino=0.02) == ("another result", "")
    assert judged(0.01, onnxruntime=0.0, openvino=None) == ("not run", "")
