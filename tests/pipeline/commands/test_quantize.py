"""``python -m pipeline quantize`` and ``simplify`` as a user runs them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from quantization.folding import named
from tests.commands import run_command
from tests.quantization.networks import error, network, pictures, run

pytestmark = pytest.mark.slow

PREPARED = (
    "{resize: 16, crop_mode: squash, interpolation: bilinear, mean: [0, 0, 0], std: [1, 1, 1], colour: RGB}"
)
LOOSE = ("--min-agreement", "0.5", "--min-cosine", "0.9")


def _command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    answer = run_command(*arguments, folder=folder)
    assert "Traceback" not in answer.stderr + answer.stdout
    return answer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with ``model.onnx`` and twenty pictures."""
    onnx.save(named(network()), tmp_path / "model.onnx")
    (tmp_path / "pictures").mkdir()
    for number, picture in enumerate(pictures(20, seed=3)):
        pixels = np.clip((picture.transpose(1, 2, 0) + 2) * 60, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "pictures" / f"{number}.png")
    return tmp_path


@pytest.mark.parametrize("form", ["int8", "int8-qdq", "fp16"])
def test_it_writes_a_file_and_says_what_was_measured(folder: Path, form: str) -> None:
    options = ("--images", "pictures", "--form", form, "--preprocessing", PREPARED, *LOOSE)
    answer = _command(folder, "quantize", "model.onnx", *options)
    assert answer.returncode == 0, answer.stderr
    first, *runtimes, last = answer.stdout.splitlines()
    assert first.endswith("passed")
    assert {line.split()[0] for line in runtimes} == {"onnxruntime", "openvino"}
    assert last.startswith(f"model-{form}.onnx: 0.0 MB, ")
    made = onnx.load(folder / f"model-{form}.onnx")
    onnx.checker.check_model(made, full_check=True)
    data = np.random.default_rng(0).random((4, 3, 16, 16), np.float32)
    assert error(run(network(), data), run(made, data)) < 0.5
    assert sorted(path.name for path in folder.iterdir()) == [f"model-{form}.onnx", "model.onnx", "pictures"]


def test_a_file_for_so_many_pictures_at_a_time_is_quantised_and_stays_so(folder: Path) -> None:
    for batch in (1, 3):
        model = named(network())
        for port in (*model.graph.input, *model.graph.output):
            port.type.tensor_type.shape.dim[0].dim_value = batch
        onnx.save(model, folder / "model.onnx")
        options = ("--images", "pictures", "--preprocessing", PREPARED, *LOOSE)
        answer = _command(folder, "quantize", "model.onnx", *options)
        assert answer.returncode == 0, answer.stderr
        assert [line.split()[0] for line in answer.stdout.splitlines()[-3:-1]] == ["onnxruntime", "openvino"]
        made, data = onnx.load(folder / "model-int8.onnx"), pictures(batch)
        assert made.graph.input[0].type.tensor_type.shape.dim[0].dim_value == batch
        assert error(run(model, data), run(made, data)) < 0.5


def test_a_gate_that_is_missed_writes_nothing_and_tells_every_try(folder: Path) -> None:
    options = (
        "--images",
        "pictures",
        "--preprocessing",
        PREPARED,
        "--min-cosine",
        "1",
        "--min-agreement",
        "1",
    )
    answer = _command(folder, "quantize", "model.onnx", *options)
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert "the gate is missed: " in answer.stderr
    for words in ("percentile, int8, batch normalisation folded", "entropy", "minmax", "uint8", "in float32"):
        assert words in answer.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["model.onnx", "pictures"]


def test_labels_ask_for_top_1(folder: Path) -> None:
    names = sorted(path.name for path in (folder / "pictures").iterdir())
    (folder / "labels.txt").write_text("".join(f"{name} 3\n" for name in names))
    (folder / "pictures/.hidden.png").write_bytes((folder / "pictures/0.png").read_bytes())
    options = ("--images", "pictures", "--labels", "labels.txt", "--preprocessing", PREPARED)
    answer = _command(folder, "quantize", "model.onnx", *options, "--max-drop", "0.9")
    assert answer.returncode == 0, answer.stderr
    assert "top-1 " in answer.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nothing.onnx", "--images", "pictures"), "nothing.onnx: there is no such file"),
        (("model.onnx", "--images", "nowhere"), "--images: there is no folder nowhere"),
        (("model.onnx", "--images", "empty"), "--images: empty: pictures are too few, being 0"),
        (("model.onnx", "--images", "broken"), "--images: broken: 2 of 22 pictures cannot be used: broken/"),
        (("model.onnx", "--images", "pictures", "--form", "int4"), "--form: 'int4' is not one of int8"),
        (("model.onnx", "--images", "pictures", "--percentile", "7"), "--percentile: "),
        (("old.onnx", "--images", "pictures"), "opset 9, and the lowest possible for int8 is 10"),
        (("new.onnx", "--images", "pictures"), "python -m pipeline retarget new.onnx --opset 21"),
        (("pictures/0.png", "--images", "pictures"), "no ONNX file that can be read"),
        (("model.onnx", "--images", "pictures", "--labels", "short.txt"), "3 labels for 20 pictures"),
        (("model.onnx", "--images", "pictures", "--labels", "none.txt"), "labels cannot be read"),
        (("model.onnx", "--images", "pictures", "-o", "no/such/place.onnx"), "there is no folder no/such"),
    ],
)
def test_wrong_input_has_its_own_message_and_leaves_nothing(
    folder: Path, arguments: tuple[str, ...], words: str
) -> None:
    (folder / "empty").mkdir()
    shutil.copytree(folder / "pictures", folder / "broken")
    (folder / "broken/words.png").write_text("no picture")
    whole = (folder / "pictures/0.png").read_bytes()
    (folder / "broken/half.png").write_bytes(whole[: len(whole) // 2])
    (folder / "short.txt").write_text("1\n2\n3\n")
    onnx.save(named(network(9)), folder / "old.onnx")
    new = named(network())
    new.opset_import[0].version = 23
    onnx.save(new, folder / "new.onnx")
    before = sorted(folder.iterdir())
    answer = _command(folder, "quantize", *arguments, "--preprocessing", PREPARED)
    assert answer.returncode == 2, answer.stdout
    assert words in answer.stderr
    assert answer.stdout == ""
    assert sorted(folder.iterdir()) == before


def test_what_the_file_does_not_say_of_its_pictures_has_to_be_said(folder: Path) -> None:
    answer = _command(folder, "quantize", "model.onnx", "--images", "pictures")
    assert answer.returncode == 2
    assert "--preprocessing" in answer.stderr


def test_simplify_folds_and_computes_the_same(folder: Path) -> None:
    answer = _command(folder, "simplify", "model.onnx")
    assert answer.returncode == 0, answer.stderr
    assert "Simplified, BatchNormalization: 1 nodes to 0" in answer.stdout
    made, data = onnx.load(folder / "model-sim.onnx"), pictures(4)
    assert (made.opset_import[0].version, made.ir_version) == (12, 5)
    assert error(run(network(), data), run(made, data)) < 1e-5
    broken = _command(folder, "simplify", "pictures/0.png")
    assert broken.returncode == 1
    assert not (folder / "pictures/0-sim.onnx").exists()
