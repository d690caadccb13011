"""``python -m pipeline retarget`` as a user runs it: what it prints; one clear error and no file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from onnx import parser

from opsets import retarget
from tests.commands import run_command

pytestmark = pytest.mark.slow

TEXT = (
    '<ir_version: {ir}, opset_import: ["": {opset}]>'
    " g (float[N,4,6] x) => (float[N,4,6] y) {{ z = Relu(x) y = Softmax<axis=1>(z) }}"
)


def _command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    answer = run_command("retarget", *arguments, folder=folder)
    assert "Traceback" not in answer.stderr + answer.stdout
    return answer


def _refused(folder: Path, code: int, *arguments: str) -> str:
    """The error of a command that must fail with ``code`` and leave the folder as it was."""
    before = sorted(folder.iterdir())
    answer = _command(folder, *arguments)
    assert answer.returncode == code, answer.stdout + answer.stderr
    assert answer.stdout == ""
    assert sorted(folder.iterdir()) == before
    return answer.stderr


@pytest.fixture
def model(tmp_path: Path) -> onnx.ModelProto:
    """A model at opset 18, which is also in the file ``model.onnx``."""
    result = parser.parse_model(TEXT.format(ir=8, opset=18))
    onnx.save(result, tmp_path / "model.onnx")
    return result


def test_it_writes_the_model_and_says_what_it_did(tmp_path: Path, model: onnx.ModelProto) -> None:
    answer = _command(tmp_path, "model.onnx", "--opset", "12", "-o", "out.onnx")
    assert answer.returncode == 0, answer.stderr
    assert answer.stderr == ""
    assert answer.stdout.splitlines() == [
        "Softmax 13 to 12: 1 node",
        "out.onnx: opset 18 to 12, IR version 7, 0.0 MB",
    ]
    assert onnx.load(tmp_path / "out.onnx") == retarget(model, 12)


def test_without_a_name_the_file_is_named_after_the_opset(tmp_path: Path, model: onnx.ModelProto) -> None:
    (tmp_path / "models").mkdir()
    onnx.save(model, tmp_path / "models" / "model.onnx")
    answer = _command(tmp_path, str(Path("models") / "model.onnx"), "--opset", "12")
    assert answer.returncode == 0, answer.stderr
    assert onnx.load(tmp_path / "models" / "model-12.onnx") == retarget(model, 12)


def test_it_says_when_nothing_had_to_be_rewritten(tmp_path: Path) -> None:
    onnx.save(parser.parse_model(TEXT.format(ir=7, opset=12)), tmp_path / "model.onnx")
    answer = _command(tmp_path, "model.onnx", "--opset", "12")
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.splitlines() == [
        "nothing had to be rewritten",
        "model-12.onnx: opset 12 to 12, IR version 7, 0.0 MB",
    ]


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize("output", ["model.onnx", "./model.onnx", "link.onnx", "hard.onnx"])
def test_the_model_itself_is_not_overwritten(tmp_path: Path, output: str) -> None:
    (tmp_path / "link.onnx").symlink_to("model.onnx")
    (tmp_path / "hard.onnx").hardlink_to(tmp_path / "model.onnx")
    before = (tmp_path / "model.onnx").read_bytes()
    assert "is the model that is read" in _refused(tmp_path, 2, "model.onnx", "--opset", "12", "-o", output)
    assert (tmp_path / "model.onnx").read_bytes() == before


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["missing.onnx", "--opset", "12"], "error: missing.onnx: there is no such file"),
        (["model.onnx", "--opset", "2"], "Invalid value for '--opset'"),
        (["model.onnx", "--opset", "22"], "Invalid value for '--opset'"),
        (["model.onnx", "--opset", "seven"], "Invalid value for '--opset'"),
        (["model.onnx"], "Missing option '--opset'"),
        (["model.onnx", "--opset", "12", "-o", "folder"], "folder is a folder"),
        (["model.onnx", "--opset", "12", "-o", "nowhere/out.onnx"], "no folder nowhere"),
        (["folder", "--opset", "12", "-o", "out.onnx"], "cannot read folder: it is a folder"),
        (["cut.onnx", "--opset", "12"], "cannot read cut.onnx: it is not an ONNX model, or is cut off"),
    ],
)
def test_a_wrong_command_or_file_is_one_error(tmp_path: Path, arguments: list[str], reason: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "cut.onnx").write_bytes((tmp_path / "model.onnx").read_bytes()[:-20])
    assert reason in _refused(tmp_path, 2, *arguments)


CHAIN = """<ir_version: 8, opset_import: ["": 13]> g (float[batch,3,H,W] image, float[batch,3,A,B] like) =>
    (float[batch,3,A,B] y) <float[0] none = {}> { lengths = Shape(like) [up] y = Resize<mode="nearest",
    nearest_mode="floor", coordinate_transformation_mode="asymmetric">(image, none, none, lengths) }"""


def test_axes_are_fixed_and_lead_to_an_opset_that_open_ones_do_not(tmp_path: Path) -> None:
    onnx.save(parser.parse_model(CHAIN), tmp_path / "model.onnx")
    error = _refused(tmp_path, 1, "model.onnx", "--opset", "9")
    assert "of the input 'like' would help; fix them with --shape image:LENGTHS --shape like:LENGTHS" in error
    shapes = ("--shape", "image:1x3x4x4", "--shape", "like:1x3x8x8")
    answer = _command(tmp_path, "model.onnx", "--opset", "9", *shapes, "--batch", "1")
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.splitlines()[:2] == [
        "Input fixed: 'image' is 1x3x4x4",
        "Input fixed: 'like' is 1x3x8x8",
    ]
    model = onnx.load(tmp_path / "model-9.onnx")
    lengths = [axis.dim_value for axis in model.graph.output[0].type.tensor_type.shape.dim]
    assert lengths == [1, 3, 8, 8]
    assert "Shape" not in {node.op_type for node in model.graph.node}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--shape", "imge:1x3x4x4"], "the model has no input 'imge', did you mean 'image'?"),
        (
            ["--shape", "image:1x3x4"],
            "'image' has 4 axes (?x3x?x?), and 3 lengths are given (1x3x4)",
        ),
        (["--shape", "image:1x3xAx4"], "--shape: 'A' in 'image:1x3xAx4' is not a number"),
        (["--shape", "image:1x3x-4x4"], "--shape: '-4' in 'image:1x3x-4x4' is not a number"),
        (["--shape", "image:"], "--shape: '' in 'image:' is not a number"),
        (["--shape", "1x3x4x4"], "--shape: '1x3x4x4' is not INPUT:LENGTHS, such as x:1x3x224x224"),
        (
            ["--shape", "image:1x3x0x4"],
            "0 in 'image:1x3x0x4' is no length of an axis; the least is 1",
        ),
        (["--shape", f"image:1x3x{'9' * 5000}x4"], "is no length of an axis"),
        (["--shape", "image:1x3x4x4"] * 2, "--shape: 'image' is given twice"),
        (
            ["--shape", "image:1x2x4x4"],
            "axis 1 of the input 'image' cannot be 2: the model has fixed it",
        ),
        (["--shape", "image:1x3x4x4", "--batch", "2"], "is asked to be 2 as the batch and 1 in its shape"),
        (["--shape", "image:1x3x4x4", "--shape", "like:2x3x4x4"], "have one name, for one length"),
        (["--batch", "0"], "Invalid value for '--batch'"),
        (["--batch", "one"], "Invalid value for '--batch'"),
    ],
)
def test_lengths_that_are_wrong_are_one_error(tmp_path: Path, arguments: list[str], reason: str) -> None:
    onnx.save(parser.parse_model(CHAIN), tmp_path / "model.onnx")
    error = _refused(tmp_path, 2, "model.onnx", "--opset", "12", *arguments)
    assert reason in " ".join(error.split())


def test_what_is_fixed_is_verified_with_that_shape(tmp_path: Path, model: onnx.ModelProto) -> None:
    answer = _command(tmp_path, "model.onnx", "--opset", "7", "--batch", "2", "--verify")
    assert answer.returncode == 0, answer.stderr
    assert "Input fixed: 'x' is 2x4x6" in answer.stdout
    shape = onnx.load(tmp_path / "model-7.onnx").graph.output[0].type.tensor_type.shape
    assert [axis.dim_value for axis in shape.dim] == [2, 4, 6]


def test_a_batch_that_is_baked_in_is_one_error(tmp_path: Path) -> None:
    text = """<ir_version: 8, opset_import: ["": 13]> g (float[batch,4] x) => (float[A,8] y)
        <int64[2] s = {2, 8}> { [flat] y = Reshape(x, s) }"""
    onnx.save(parser.parse_model(text), tmp_path / "model.onnx")
    error = _refused(tmp_path, 2, "model.onnx", "--opset", "12", "--batch", "1")
    assert error == (
        "error: model.onnx: axis 0 (batch) of the input 'x' cannot be 1: Reshape (node 'flat') takes 16 "
        "elements and is given 4; 4 would do\n"
    )


def test_data_from_outside_is_refused(tmp_path: Path, model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer.add(name="w", dims=[600], data_type=onnx.TensorProto.FLOAT)
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../passwd")
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    error = _refused(tmp_path, 2, "model.onnx", "--opset", "12")
    assert "'../passwd' is not inside the folder of the model" in error


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            '<ir_version: 8, opset_import: ["": 18]>'
            " g (float[2,2] x, int64[1] a) => (float[M,N] y) { y = ReduceMean(x, a) }",
            "ReduceMean (node 'y'), opset 18 to 17: its axes (a) are computed at run time, not constant; "
            "it is not known to be possible below opset 18",
        ),
    ],
)
def test_a_model_that_cannot_be_said_is_one_error(tmp_path: Path, text: str, reason: str) -> None:
    onnx.save(parser.parse_model(text), tmp_path / "model.onnx")
    error = _refused(tmp_path, 1, "model.onnx", "--opset", "12")
    assert error.startswith("error: model.onnx: ")
    assert reason in error


@pytest.mark.usefixtures("model")
def test_a_disk_that_refuses_is_one_error_and_leaves_nothing(tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    command = [sys.executable, "-m", "pipeline", "retarget", "model.onnx", "--opset", "12"]
    limited = ["bash", "-c", 'ulimit -f 0; exec "$@"', "bash", *command]  # no file may grow
    answer = subprocess.run(limited, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert answer.stderr == "error: cannot write model-12.onnx: File too large\n"
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.usefixtures("model")
def test_a_file_in_the_place_of_the_folder_is_one_error(tmp_path: Path) -> None:
    error = _refused(tmp_path, 2, "model.onnx", "--opset", "12", "-o", "model.onnx/out.onnx")
    assert "no folder model.onnx" in error


HOSTILE = "a\x1b]0;x\x07\r\nout.onnx: opset 18 to 12\n::error::b\x9b\u202e https://me:word@host/"


@pytest.mark.parametrize("place", ["operator", "node", "tensor"])
def test_what_a_file_says_is_printed_escaped(tmp_path: Path, model: onnx.ModelProto, place: str) -> None:
    node = model.graph.node[0]
    if place == "operator":
        node.op_type = HOSTILE
    elif place == "node":
        node.name, node.op_type = HOSTILE, "NonZeroes"
    else:
        node.input[0] = HOSTILE
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    answer = _command(tmp_path, "model.onnx", "--opset", "12", "-o", "out.onnx")
    assert answer.returncode in (1, 2)
    assert answer.stdout == ""
    *logged, line = answer.stderr.removesuffix("\n").split("\n")
    assert all(entry.startswith("  | ") for entry in logged), logged  # by the library that reads the graph
    assert line.startswith("error: ")
    assert answer.stderr.replace("\n", "").isprintable(), ascii(answer.stderr)
    assert r"\x1b]0;x\x07" in answer.stderr
    assert "word" not in answer.stderr


def test_the_name_of_a_domain_is_printed_escaped(tmp_path: Path, model: onnx.ModelProto) -> None:
    """Its node stays as it is, so that only the report names it."""
    model.graph.node[0].domain = HOSTILE
    model.opset_import.add(domain=HOSTILE, version=1)
    model.graph.value_info.add().CopyFrom(model.graph.output[0])
    model.graph.value_info[0].name = "z"
    onnx.save(model, tmp_path / "model.onnx")
    answer = _command(tmp_path, "model.onnx", "--opset", "12", "-o", "out.onnx")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.replace("\n", "").isprintable(), ascii(answer.stdout)
    assert r"\x1b]0;x\x07" in answer.stdout
    assert len(answer.stdout.splitlines()) == 3
