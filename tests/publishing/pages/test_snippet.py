"""The scripts are run as a reader would run them, and held against our own preparation of pictures."""

from __future__ import annotations

import ast
import contextlib
import io
import runpy
import subprocess
import sys
import warnings
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, get_args

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from evaluation.inputs import prepare_file
from evaluation.labels import Prediction, imagenet_labels, top
from evaluation.preprocessing import CropMode, Interpolation, Preprocessing, prepare
from publishing.errors import PublishError
from publishing.pages.snippet import snippet
from publishing.record import Record
from tests.publishing.pages.card_records import PREPROCESSING, record

pytestmark = pytest.mark.slow

TORCHVISIONS = [mode for mode in get_args(CropMode) if mode != "center_first"]
"""The ways of cropping that go with torchvision's convention."""
ALLOWED = {"numpy", "PIL", "onnxruntime"}
COLOURS = {
    "RGB": {"colour": "RGB", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]},
    "BGR": {"colour": "BGR", "mean": [0.4076, 0.45795, 0.485], "std": [1 / 255, 0.0125, 1]},
    "grey": {"colour": "RGB", "mean": [0.45], "std": [0.25]},
}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Pictures of every kind that people have: all are noise, so that one pixel's shift shows."""
    folder = tmp_path_factory.mktemp("pictures")
    generator = np.random.default_rng(5)

    def noise(width: int, height: int) -> Image.Image:
        return Image.fromarray(generator.integers(0, 256, (height, width, 3), dtype=np.uint8))

    palette = noise(41, 33).quantize(64)
    palette.info["transparency"] = bytes(range(64))
    transparent = noise(30, 47)
    transparent.putalpha(noise(30, 47).convert("L"))
    images = {
        "landscape.png": noise(83, 37),
        "portrait.png": noise(38, 71),
        "square.jpg": noise(45, 45),
        "tiny.png": noise(5, 9),
        "thin.png": noise(3, 60),
        "grey.png": noise(52, 39).convert("L"),
        "bits.png": noise(40, 40).convert("1"),
        "palette.png": palette,
        "transparent.png": transparent,
        "print.jpg": noise(39, 51).convert("CMYK"),
    }
    for name, picture in images.items():
        picture.save(folder / name)
    with Image.open(folder / "palette.png") as saved:
        assert saved.mode == "P"
    return [folder / name for name in images]


def write_model(path: Path, size: Sequence[int], classes: int, opset: int, *, softmax: bool) -> None:
    """Write a classifier that looks at every single pixel, so that the order of all of them matters."""
    pixels = int(np.prod(size))
    generator = np.random.default_rng(7)
    weights = (generator.standard_normal((pixels, classes)) / np.sqrt(pixels)).astype(np.float32)
    nodes = [
        helper.make_node("Flatten", ["picture"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["scores"]),
        *([helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1)] if softmax else []),
    ]
    inputs = [helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["batch", *size])]
    if opset < 9:  # at IR 3 a weight is an input, too
        inputs.append(helper.make_tensor_value_info("weights", TensorProto.FLOAT, [pixels, classes]))
    result = "probabilities" if softmax else "scores"
    graph = helper.make_graph(
        nodes,
        "classifier",
        inputs,
        [helper.make_tensor_value_info(result, TensorProto.FLOAT, ["batch", classes])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=3)
    model.ir_version = 3 if opset < 9 else 4
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)


def publish(zoo: Path, described: Record, *, softmax: bool = False) -> Path:
    """Lay a model and its script out as in a zoo; return the script."""
    classes = described.io_ports["outputs"][0]["shape"][-1]
    size = described.preprocessing["input_size"]
    write_model(zoo / described.files["onnx"].path, size, classes, described.opset, softmax=softmax)
    names = imagenet_labels(1000) or ()
    (zoo / "imagenet_classes.txt").write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    script = zoo / described.source / described.family / "classify.py"
    script.write_text(snippet(described), encoding="utf-8")
    return script


def with_ports(described: dict[str, Any], classes: int, opset: int = 12) -> Record:
    described_record = record(f"timm/tiny@{opset}", preprocessing=described, classes=classes)
    described_record.io_ports["inputs"][0]["name"] = "picture"
    return described_record


def predictions_of(script: Path, pictures: Sequence[Path]) -> list[list[Prediction]]:
    """Run a script on pictures in its own folder, and read what it prints."""
    answers = []
    for picture in pictures:
        printed = io.StringIO()
        with (
            pytest.MonkeyPatch.context() as patch,
            contextlib.redirect_stdout(printed),
            warnings.catch_warnings(action="ignore"),  # Pillow's, of the transparency of a palette
        ):
            patch.chdir(script.parent)
            patch.setattr(sys, "argv", [script.name, str(picture)])
            runpy.run_path(script.name, run_name="__main__")
        answers.append([_prediction(line) for line in printed.getvalue().splitlines()])
    return answers


def _prediction(line: str) -> Prediction:
    index, probability, *name = line.split(maxsplit=2)
    return Prediction(int(index), float(probability), name[0] if name else None)


def expected(described: Record, script: Path, pictures: Sequence[Path]) -> list[list[Prediction]]:
    """What our own preparation and ONNX Runtime say of the same pictures."""
    preprocessing = Preprocessing.from_dict(described.preprocessing)
    prepared = []
    for picture in pictures:
        with Image.open(picture) as image:
            prepared.append(prepare(image, preprocessing))
    session = onnxruntime.InferenceSession(script.parent / "model" / f"{described.stem}.onnx")
    (scores,) = session.run(None, {"picture": np.stack(prepared)})
    return top(scores, 5, imagenet_labels(scores.shape[1]))


def test_a_script_runs_in_an_interpreter_of_its_own(tmp_path: Path, pictures: list[Path]) -> None:
    described = with_ports(PREPROCESSING | {"input_size": [3, 16, 16], "resize": 20}, classes=3)
    script = publish(tmp_path, described)
    done = subprocess.run(
        [sys.executable, script.name, str(pictures[0])],
        cwd=script.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    answer = [_prediction(line) for line in done.stdout.splitlines()]
    assert [answer] == predictions_of(script, pictures[:1])


def assert_same(ours: list[list[Prediction]], theirs: list[list[Prediction]]) -> None:
    assert len(ours) == len(theirs) > 0
    for classes, meant in zip(ours, theirs, strict=True):
        assert [(one.index, one.label) for one in classes] == [(one.index, one.label) for one in meant]
        assert [one.probability for one in classes] == pytest.approx(
            [one.probability for one in meant], abs=1.5e-6
        )


@pytest.mark.parametrize("interpolation", get_args(Interpolation))
@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("crop_mode", TORCHVISIONS)
def test_a_snippet_sees_what_we_see(
    tmp_path: Path, pictures: list[Path], crop_mode: str, colour: str, interpolation: str
) -> None:
    own = COLOURS[colour]
    described = with_ports(
        {
            **own,
            "input_size": [len(own["mean"]), 22, 27],
            "resize": 31,
            "crop_mode": crop_mode,
            "interpolation": interpolation,
        },
        classes=11,
    )
    script = publish(tmp_path, described)
    assert_same(predictions_of(script, pictures), expected(described, script, pictures))


@pytest.mark.parametrize(
    ("convention", "crop_mode"),
    list(product(("mmcls", "paddleclas", "paddleclas_levels"), ("center", "center_first", "squash"))),
)
@pytest.mark.parametrize(("library", "interpolation"), [("opencv", "bilinear"), ("pillow", "bicubic")])
def test_a_snippet_keeps_to_the_convention_of_a_framework(
    tmp_path: Path, pictures: list[Path], convention: str, crop_mode: str, library: str, interpolation: str
) -> None:
    own = COLOURS["BGR"] | {"convention": convention, "library": library, "interpolation": interpolation}
    described = with_ports(
        {**own, "input_size": [3, 22, 27], "resize": 31, "crop_mode": crop_mode}, classes=11
    )
    script = publish(tmp_path, described)
    assert ("cv2" in script.read_text()) == (library == "opencv")
    assert_same(predictions_of(script, pictures), expected(described, script, pictures))


@pytest.mark.parametrize("largest", [255, 1])
@pytest.mark.parametrize("convention", ["torchvision", "mmcls", "paddleclas", "paddleclas_levels"])
def test_plain_pixels_are_handed_over_as_they_are(
    tmp_path: Path, pictures: list[Path], convention: str, largest: int
) -> None:
    plain = {"colour": "RGB", "mean": [0.0] * 3, "std": [1 / largest] * 3, "convention": convention}
    described = with_ports(PREPROCESSING | plain | {"input_size": [3, 22, 27], "resize": 31}, classes=11)
    script = publish(tmp_path, described)
    assert ("MEAN" in script.read_text()) == (largest == 1 and convention in ("mmcls", "paddleclas_levels"))
    assert_same(predictions_of(script, pictures), expected(described, script, pictures))
    values = prepare_file(pictures[0], Preprocessing.from_dict(described.preprocessing))
    assert 0 <= values.min() < 0.4 * largest
    assert 0.6 * largest < values.max() <= largest
    if largest == 255:
        np.testing.assert_array_equal(values, np.rint(values))


@pytest.mark.parametrize("resize", [15, 22, 24, 27])
@pytest.mark.parametrize("crop_mode", ["center", "squash"])
def test_a_snippet_fills_up_what_is_smaller_than_the_input(
    tmp_path: Path, pictures: list[Path], crop_mode: str, resize: int
) -> None:
    described = with_ports(
        PREPROCESSING | {"input_size": [3, 22, 27], "resize": resize, "crop_mode": crop_mode}, classes=11
    )
    script = publish(tmp_path, described)
    assert_same(predictions_of(script, pictures), expected(described, script, pictures))


@pytest.mark.parametrize("softmax", [False, True])
@pytest.mark.parametrize("classes", [3, 1000])
@pytest.mark.parametrize("opset", [7, 12])
def test_a_snippet_names_classes_and_leaves_distributions_alone(
    tmp_path: Path, pictures: list[Path], opset: int, classes: int, softmax: bool
) -> None:
    described = with_ports(PREPROCESSING | {"input_size": [3, 16, 16], "resize": 20}, classes, opset)
    script = publish(tmp_path, described, softmax=softmax)
    predictions = predictions_of(script, pictures[:3])
    assert_same(predictions, expected(described, script, pictures[:3]))
    assert {len(answer) for answer in predictions} == {min(5, classes)}
    assert all((one.label is not None) == (classes == 1000) for answer in predictions for one in answer)


def test_values_that_add_up_to_1_are_no_probabilities_where_one_is_negative(
    tmp_path: Path, pictures: list[Path]
) -> None:
    described = with_ports(PREPROCESSING | {"input_size": [3, 16, 16], "resize": 20}, classes=3)
    script = publish(tmp_path, described)
    file = script.parent / "model" / f"{described.stem}.onnx"
    model = onnx.load(file)
    flat = np.zeros((3 * 16 * 16, 3), dtype=np.float32)
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(flat, "weights"))
    values = numpy_helper.from_array(np.array([0.75, -0.5, 0.75], dtype=np.float32), "values")
    model.graph.initializer.append(values)
    model.graph.node[-1].output[0] = "nothing"
    model.graph.node.append(helper.make_node("Add", ["nothing", "values"], ["scores"]))
    onnx.save(model, file)
    predictions = predictions_of(script, pictures[:1])
    assert_same(predictions, expected(described, script, pictures[:1]))
    assert [one.index for one in predictions[0]] == [0, 2, 1]  # of equal values, the lower index first


def test_a_file_of_a_fixed_batch_is_given_so_many_pictures(tmp_path: Path, pictures: list[Path]) -> None:
    described = with_ports(PREPROCESSING | {"input_size": [3, 16, 16], "resize": 20}, classes=3)
    whole = publish(tmp_path / "whole", described)
    described.io_ports["inputs"][0]["shape"][0] = 4
    script = publish(tmp_path / "fixed", described)
    file = script.parent / "model" / f"{described.stem}.onnx"
    model = onnx.load(file)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 4
    model.graph.output[0].type.tensor_type.shape.dim[0].dim_value = 4
    onnx.save(model, file)
    assert_same(predictions_of(script, pictures[:1]), predictions_of(whole, pictures[:1]))


def test_a_file_that_takes_float16_is_given_it(tmp_path: Path, pictures: list[Path]) -> None:
    described = with_ports(PREPROCESSING | {"input_size": [3, 16, 16], "resize": 20}, classes=3)
    whole = publish(tmp_path / "whole", described)
    described.io_ports["inputs"][0]["type"] = "tensor(float16)"
    script = publish(tmp_path / "half", described)
    file = script.parent / "model" / f"{described.stem}.onnx"
    model = onnx.load(file)
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT16
    model.graph.node[0].input[0] = "in float32"
    model.graph.node.insert(0, helper.make_node("Cast", ["picture"], ["in float32"], to=TensorProto.FLOAT))
    onnx.save(model, file)
    [answer], [expected_answer] = (predictions_of(one, pictures[:1]) for one in (script, whole))
    assert [one.index for one in answer] == [one.index for one in expected_answer]
    assert answer[0].probability == pytest.approx(expected_answer[0].probability, abs=1e-3)


def test_below_opset_7_the_snippet_takes_the_runtime_that_judged_the_file(
    tmp_path: Path, pictures: list[Path]
) -> None:
    preprocessing = PREPROCESSING | {"input_size": [3, 16, 16], "resize": 20}
    old, new = with_ports(preprocessing, 11, opset=3), with_ports(preprocessing, 11, opset=7)
    script = publish(tmp_path, old)
    newer = publish(tmp_path, new)
    script = script.with_name("old.py")
    script.write_text(snippet(old), encoding="utf-8")
    assert imports(script.read_text(encoding="utf-8")) - set(sys.stdlib_module_names) == {
        "numpy",
        "PIL",
        "openvino",
    }
    assert_same(predictions_of(script, pictures[:2]), expected(new, newer, pictures[:2]))


def imports(source: str) -> set[str]:
    tree = ast.walk(ast.parse(source))
    modules: set[str] = set()
    for node in tree:
        if isinstance(node, ast.Import):
            modules |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules.add((node.module or "").partition(".")[0])
    return modules


@pytest.mark.parametrize("classes", [10, 1000])
@pytest.mark.parametrize("crop_mode", TORCHVISIONS)
def test_a_snippet_imports_what_everybody_has_and_uses_all_of_it(crop_mode: str, classes: int) -> None:
    source = snippet(record(preprocessing=PREPROCESSING | {"crop_mode": crop_mode}, classes=classes))
    imported = imports(source)
    assert imported - set(sys.stdlib_module_names) == ALLOWED
    assert ("pathlib" in imported) == (classes == 1000)
    assert ("canvas" in source) == (crop_mode == "border")
    assert source.endswith("\n")
    assert max(map(len, source.splitlines())) <= 110
    for arguments in (["check", "--select", "E,F,I,W"], ["format", "--diff"]):
        command = [sys.executable, "-m", "ruff", *arguments, "--isolated", "--line-length", "110", "-"]
        done = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_strange_input_name_stays_a_string() -> None:
    name = 'a"b\\c\n```\u2028\U0001f600{{ 1 }}'
    described = record(classes=10)
    described.io_ports["inputs"][0]["name"] = name
    tree = ast.parse(snippet(described))
    assert name in {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}


@pytest.mark.parametrize("missing", sorted(PREPROCESSING))
def test_a_record_without_preprocessing_is_named(missing: str) -> None:
    some = {key: value for key, value in PREPROCESSING.items() if key != missing}
    with pytest.raises(PublishError, match=rf"timm/repvgg_a0@12.*'{missing}'.*publish the model again"):
        snippet(replace(record(), preprocessing=some))
