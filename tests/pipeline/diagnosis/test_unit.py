"""``python -m pipeline diagnose`` on the units of a pipeline file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

import opsets
from pipeline.commands.diagnose import diagnose_unit
from pipeline.diagnosis import unit
from pipeline.errors import UsageError
from tests.pipeline.diagnosis.networks import changed, right, written
from tests.pipeline.fake_source import FakeSource

pytestmark = pytest.mark.slow


def test_an_export_that_is_wrong_is_found_by_the_frameworks_layers(tiny: FakeSource) -> None:
    tiny.write("wrong", opsets="12")
    answer = tiny.command("diagnose", "tiny/wrong@12")
    assert answer.returncode == 1, answer.stderr
    lines = answer.stdout.splitlines()
    assert lines[0] == "Tiny against the native export: the first tensor that differs is 'logits'."
    assert lines[1] == "  operator: Gemm"
    assert "  the reference: the output (network)" in lines
    assert any(line.startswith("  input: 'flat' float32 [1, 3], ") for line in lines)
    assert "  beside this: 1 of 3 layers are in the file as they are" in lines
    [shown] = (tiny.folder / "diagnosis-tiny-wrong@12").iterdir()
    assert {path.name for path in shown.iterdir()} == {
        *("model.onnx", "inputs.npz", "expected.npz", "reproduce.py")
    }
    assert [line for line in lines if "do not differ" in line and "against" in line][-1].startswith(
        "onnxruntime without optimisations"
    ), "the other comparisons go on"
    assert not (tiny.folder / "work/tiny/wrong").exists()


def test_what_is_right_is_said_to_be_so(tiny: FakeSource) -> None:
    path = tiny.write("net", opsets="7")
    answer = tiny.command("diagnose", "tiny/net@7", path.name)
    assert answer.returncode == 0, answer.stderr
    assert len(answer.stdout.splitlines()) == 4
    assert answer.stdout.count("not differ") == 4
    assert not list(tiny.folder.glob("diagnosis*"))


def test_a_network_that_does_not_show_its_layers_is_said_to_be_one(tiny: FakeSource) -> None:
    tiny.write("wrong", more="arguments: {opaque: true}")
    answer = tiny.command("diagnose", "tiny/wrong@12")
    first = answer.stdout.splitlines()[0]
    assert answer.returncode == 1
    assert "the outputs differ on noise-1" in first
    assert "layers cannot be compared: tracing tiny/wrong failed: its layers take no hooks" in first


def test_a_rewriting_that_is_wrong_is_found_and_named(
    tiny: FakeSource, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    right = opsets.retarget_with_report

    def wrong(model: onnx.ModelProto, opset: int, static: opsets.StaticAxes | None) -> opsets.Retargeted:
        result = right(model, opset, static)
        changed("logits", alpha=2.0)(result.model)
        return result

    monkeypatch.setattr(unit, "retarget_with_report", wrong)
    path = tiny.write("net", opsets="6")
    assert diagnose_unit("tiny/net@6", path, tiny.folder / "shown", trust_code=False) == 1
    said = capsys.readouterr().out
    assert "the native export against the file at opset 6: the first tensor that differs is 'logits'" in said
    assert "  rewrite: Gemm 7 to 6: 1 node (it was Gemm 'logits')" in said
    assert "in openvino" in said
    assert [path.name for path in (tiny.folder / "shown").iterdir()] == [
        "the-native-export-against-the-file-at-opset-6"
    ]


def test_a_unit_of_a_fixed_batch_is_compared_on_that(tiny: FakeSource) -> None:
    path = tiny.write("wrong", more="batches: [2]")
    assert diagnose_unit("tiny/wrong@12-batch2", path, tiny.folder / "shown", trust_code=False) == 1
    [folder] = (tiny.folder / "shown").iterdir()
    with np.load(folder / "inputs.npz", allow_pickle=False) as inputs:
        assert inputs["flat"].shape == (2, 3)


def test_a_file_that_cannot_be_made_is_said_to_be_so_after_what_was_found(
    tiny: FakeSource, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(model: onnx.ModelProto, opset: int, static: object) -> None:
        raise opsets.RetargetError(f"no way to opset {opset}")

    monkeypatch.setattr(unit, "retarget_with_report", refused)
    path = tiny.write("wrong")
    assert diagnose_unit("tiny/wrong@12", path, tiny.folder / "shown", trust_code=False) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "the first tensor that differs is 'logits'" in lines[0]
    assert lines[-1] == ("the native export against the file at opset 12: not compared: no way to opset 12.")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "tiny/nte@12",
            "has no unit 'tiny/nte@12'; one is named like timm/resnet18@12. Did you mean tiny/net@12",
        ),
        ("tiny/net", "has no unit 'tiny/net'"),
        ("tiny/net@12-int8", "tiny/net@12-int8 is made of tiny/net@12 and computes something else"),
    ],
)
def test_a_unit_that_cannot_be_diagnosed_is_one_error(tiny: FakeSource, name: str, words: str) -> None:
    (tiny.folder / "pictures").mkdir()
    for number in range(4):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(tiny.folder / f"pictures/{number}.png")
    path = tiny.write("net", more="precisions: [fp32, int8]\nquantization: {images: pictures}")
    before = sorted(tiny.folder.rglob("*"))
    with pytest.raises(UsageError) as caught:
        diagnose_unit(name, path, None, trust_code=False)
    assert words in str(caught.value)
    assert sorted(tiny.folder.rglob("*")) == before


def test_a_wrong_command_is_one_error(tiny: FakeSource) -> None:
    (tiny.folder / "there").mkdir()
    for arguments, words in (
        (("tiny/net@12",), "there is no file"),
        (("tiny/net@12", "--output", "there"), "--output: there is there already"),
        (("tiny/net@12\x1b[31m",), "\\x1b[31m"),
    ):
        if "\x1b" in arguments[0]:
            tiny.write("net")
        answer = tiny.command("diagnose", *arguments)
        assert (answer.returncode, answer.stdout) == (2, "")
        assert words in answer.stderr
        assert "\x1b" not in answer.stderr


def test_code_of_the_users_is_not_run_unasked(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("def build():\n    raise SystemExit\n")
    file = tmp_path / "pipeline.yaml"
    file.write_text(
        "publish: dist\nopsets: [12]\nmodels:\n  - source: pytorch\n    model: ./net.py:build\n"
        "    weights: random\n    preprocessing: {input_size: [3, 8, 8]}\n    name: own\n"
    )
    with pytest.raises(UsageError, match=r"is code\. Look at it, and diagnose it with --trust-code"):
        diagnose_unit("pytorch/own@12", file, tmp_path / "shown", trust_code=False)


def test_a_file_that_is_its_own_reference_is_compared_node_by_node(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(right(), tmp_path / "own.onnx")
    file = tmp_path / "pipeline.yaml"
    file.write_text(
        "publish: dist\nopsets: [9]\nmodels:\n  - source: onnx\n    model: ./own.onnx\n    name: own\n"
        "    preprocessing: {input_size: [3, 15, 15]}\n"
    )
    assert diagnose_unit("onnx/own@9", file, tmp_path / "shown", trust_code=False) == 0
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first.startswith("the file as it came against the native export: 11 tensors do not differ")
    assert second.startswith("the native export against the file at opset 9: 11 tensors do not differ")
