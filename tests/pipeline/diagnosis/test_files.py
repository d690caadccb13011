"""``compare --diagnose``: a fault planted in one of two files is found at the node that has it."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from pipeline.commands.diagnose import diagnose_files
from pipeline.diagnosis import files
from pipeline.diagnosis.findings import Outcome
from pipeline.diagnosis.running import Runner
from pipeline.equivalence.graphs import read
from tests.commands import run_command
from tests.pipeline.diagnosis.networks import FAULTS, changed, maker, renamed, right, written

pytestmark = pytest.mark.slow


def _diagnosed(folder: Path, wrong: onnx.ModelProto, first: onnx.ModelProto | None = None) -> Outcome:
    graphs = (
        read(written(first or right(), folder / "right.onnx")),
        read(written(wrong, folder / "wrong.onnx")),
    )
    scratch = folder / "scratch"
    scratch.mkdir()
    inputs = files.inputs_of(*graphs, None)
    return files.diagnose_files(*graphs, inputs, 1e-4, Runner(scratch, threading.Event()))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_at_its_node(tmp_path: Path, fault: str) -> None:
    plant, tensor = FAULTS[fault]
    model = right()
    plant(model)
    outcome = _diagnosed(tmp_path, model)
    assert outcome.differs
    assert outcome.finding
    assert (outcome.finding.tensor, len(outcome.finding.nodes), outcome.finding.others) == (tensor, 1, ())
    assert bool(outcome.finding.weights) == (fault == "one wrong weight")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_where_all_names_differ(tmp_path: Path, fault: str) -> None:
    plant, tensor = FAULTS[fault]
    model = right()
    plant(model)
    place = [node.output[0] for node in model.graph.node].index(tensor)
    outcome = _diagnosed(tmp_path, renamed(model))
    assert outcome.finding
    assert outcome.finding.node == model.graph.node[place]
    assert outcome.finding.reference.startswith(f"{tensor} (")


@pytest.mark.parametrize("other", [right, lambda: renamed(right())])
def test_where_nothing_differs_that_is_said(tmp_path: Path, other: type[onnx.ModelProto]) -> None:
    outcome = _diagnosed(tmp_path, other())
    assert (outcome.finding, outcome.differs) == (None, False)
    assert "do not differ" in outcome.text


def test_the_node_at_which_an_error_arises_is_found_and_not_where_it_has_grown(tmp_path: Path) -> None:
    """At the first fault, the error is far below that of the scores, which other nodes make of it."""
    first, second = right(), right()
    for model in (first, second):
        model.graph.initializer[2].raw_data = (
            300 * np.frombuffer(model.graph.initializer[2].raw_data, np.float32)
        ).tobytes()
    changed("normal", epsilon=0.0003)(second)
    outcome = _diagnosed(tmp_path, second, first)
    assert outcome.finding
    assert (outcome.finding.tensor, outcome.finding.others) == ("normal", ())
    assert outcome.finding.worst.difference.relative < 1e-3


def test_every_other_node_that_differs_by_itself_is_counted(tmp_path: Path) -> None:
    model = right()
    for tensor in ("active", "again"):
        changed(tensor, alpha=0.3)(model)
    changed("scores", axis=0)(model)
    outcome = _diagnosed(tmp_path, model)
    assert outcome.finding
    assert (outcome.finding.tensor, outcome.finding.others) == ("active", ("LeakyRelu", "Softmax"))


def test_a_file_with_values_that_are_not_finite_is_held_against_the_same_values(tmp_path: Path) -> None:
    """The first file has them as well: only the node that makes others is at fault."""
    first, second = right(), right()
    for model in (first, second):
        changed("active", alpha=1.8e31)(model)
        model.graph.node.insert(6, helper.make_node("Mul", ["added", "added"], ["squared"]))
        maker(model, "again").input[0] = "squared"
    changed("scores", axis=0)(second)
    assert _diagnosed(tmp_path, first, first).finding is None


def test_names_that_mean_other_tensors_are_not_believed(tmp_path: Path) -> None:
    """Exporters number their tensors: with a node more before them, all behind it have other numbers."""
    first, second = renamed(right()), right()
    second.graph.node.insert(0, helper.make_node("Identity", ["image"], ["same"]))
    maker(second, "first").input[0] = "same"
    changed("again", alpha=0.3)(second)
    outcome = _diagnosed(tmp_path, renamed(second), first)
    assert outcome.finding
    assert outcome.finding.node.op_type == "LeakyRelu"
    assert outcome.finding.reference == f"{first.graph.node[6].output[0]} (LeakyRelu)"


def test_what_is_written_reproduces_it_with_public_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = right()
    changed("again", alpha=0.3)(model)
    paths = written(right(), tmp_path / "right.onnx"), written(model, tmp_path / "wrong.onnx")
    monkeypatch.chdir(tmp_path)
    assert diagnose_files(*paths, None, 1e-4, None) == 1
    said = capsys.readouterr().out
    assert "the first tensor that differs is 'again'" in said
    assert "node: LeakyRelu 'again' with alpha=0.3" in said
    [folder] = (tmp_path / "diagnosis-wrong").iterdir()
    part = onnx.load(folder / "model.onnx")
    assert [node.op_type for node in part.graph.node] == ["LeakyRelu"]
    onnx.checker.check_model(part)
    script = (folder / "reproduce.py").read_text()
    assert "pipeline" not in script
    answer = subprocess.run(
        [sys.executable, "-I", "reproduce.py"], cwd=folder, capture_output=True, text=True, check=True
    )
    [apart] = [line for line in answer.stdout.splitlines() if line.startswith("largest difference")]
    assert float(apart.split()[2]) > 0.1


def test_below_the_opsets_of_onnxruntime_the_other_runtime_shows_it(tmp_path: Path) -> None:
    """Openvino runs both files, and what is written."""
    from opsets import retarget

    first, second = retarget(right(), 6), retarget(right(), 6)
    changed("normal", epsilon=0.001)(second)
    outcome = _diagnosed(tmp_path, second, first)
    assert outcome.finding
    assert (outcome.finding.tensor, outcome.finding.side.runtime) == ("normal", "openvino")
    from pipeline.diagnosis.reproduction import write_reproduction

    write_reproduction(outcome.finding, tmp_path / "shown")
    answer = subprocess.run(
        [sys.executable, "-I", "reproduce.py"],
        cwd=tmp_path / "shown",
        capture_output=True,
        text=True,
        check=True,
    )
    assert "largest difference 0.0 of" not in answer.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["right.onnx", "missing.onnx"], "missing.onnx: there is no such file"),
        (["right.onnx", "text.onnx"], "it is not an ONNX model"),
        (["right.onnx", "other.onnx"], "only files that take the same"),
        (["right.onnx", "right.onnx", "--relative", "2"], "--relative: relative tolerance 2.0"),
        (["right.onnx", "right.onnx", "--output", "there"], "--output: there is there already"),
        (["right.onnx", "right.onnx", "--output", "no/such"], "there is no folder no; make it first"),
        (["right.onnx", "right.onnx", "--format", "json"], "prints text alone"),
    ],
)
def test_a_wrong_command_or_file_is_one_error_and_leaves_nothing(
    tmp_path: Path, arguments: list[str], words: str
) -> None:
    written(right(), tmp_path / "right.onnx")
    other = right()
    other.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 4
    written(other, tmp_path / "other.onnx")
    (tmp_path / "text.onnx").write_text("this is no model")
    (tmp_path / "there").mkdir()
    before = sorted(tmp_path.iterdir())
    answer = run_command("compare", "--diagnose", *arguments, folder=tmp_path)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert words.lower() in answer.stderr.lower()
    assert len(answer.stderr.splitlines()) == 1
    assert sorted(tmp_path.iterdir()) == before


def test_the_exit_code_is_0_where_nothing_differs_and_nothing_is_written(tmp_path: Path) -> None:
    written(right(), tmp_path / "right.onnx")
    answer = run_command("compare", "--diagnose", "right.onnx", "right.onnx", folder=tmp_path)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "11 tensors do not differ" in answer.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["right.onnx"]
    alone = run_command("compare", "right.onnx", "right.onnx", "--output", "there", folder=tmp_path)
    assert (alone.returncode, "--diagnose alone" in alone.stderr) == (2, True)
