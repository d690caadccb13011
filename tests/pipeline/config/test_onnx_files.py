"""What is said of an ONNX file that a pipeline file names as a model, before anything runs."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from pipeline.environments import building
from pipeline.errors import UsageError
from pipeline.estimates.sizes import sizes_of
from pipeline.planning.jobs import FileModel, Plan
from pipeline.planning.planner import make_plan, read_checked
from pipeline.planning.selection import Selection
from tests.pipeline.onnx_files import NETWORK, PARAMETERS, write_file

FILE = """\
publish: dist
opsets: [3, 12]
models:
  - source: onnx
    model: ./net.onnx
    name: mine
    preprocessing: {input_size: [3, 8, 8]}
"""


def _plan(folder: Path, text: str = FILE) -> Plan:
    (folder / "pipeline.yaml").write_text(text, encoding="utf-8")
    return make_plan(read_checked(folder / "pipeline.yaml"), Selection())


def _mistake(folder: Path, text: str = FILE) -> str:
    with pytest.raises(UsageError) as caught:
        _plan(folder, text)
    return str(caught.value).replace(f"{folder}/", "")


@pytest.mark.usefixtures("own_cache")
def test_a_file_is_a_model_and_needs_no_environment(tmp_path: Path) -> None:
    path = write_file(tmp_path / "net.onnx")
    plan = _plan(tmp_path)
    [job] = plan.jobs
    assert [unit.name for unit in job.units] == ["onnx/mine@3", "onnx/mine@12"]
    assert job.model == FileModel(path)
    assert job.family == "mine"
    assert building.existing(job.source)
    assert sizes_of(plan.jobs, tmp_path)["onnx/mine"] == pytest.approx(4 * PARAMETERS, abs=2000)


def test_the_weights_beside_it_are_in_its_key(tmp_path: Path) -> None:
    graph = write_file(tmp_path / "net.onnx").read_bytes()
    before = _plan(tmp_path).units[0].key
    assert write_file(tmp_path / "net.onnx", seed=1).read_bytes() == graph
    assert _plan(tmp_path).units[0].key != before


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("./net.onnx", "./none.onnx", "pipeline.yaml:5: there is no file none.onnx. Correct the path"),
        (
            "./net.onnx",
            "net.onnx",
            "onnx lists no models: its models are files of yours, named by their paths",
        ),
        ("./net.onnx", "./pipeline.yaml", "pipeline.yaml:5: cannot read pipeline.yaml: "),
        ("    name: mine\n", "", "pipeline.yaml:5: a model given as a file needs a name"),
        ("name: mine", "name: mine\n    weights: pretrained", "an ONNX file has weights of its own. Remove"),
        (
            "[3, 8, 8]",
            "[3, 9, 8]",
            "net.onnx: its input 'image', float (batch, 3, 8, 8) does not take what the preprocessing makes, "
            "float32 pictures (N, 3, 9, 8).",
        ),
    ],
)
def test_a_wrong_entry_is_told_with_its_line(tmp_path: Path, old: str, new: str, expected: str) -> None:
    write_file(tmp_path / "net.onnx")
    assert old in FILE
    assert expected in _mistake(tmp_path, FILE.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "8] image)",
            "8] image, float[1] more)",
            "it has 2 inputs ('image', float (batch, 3, 8, 8); 'more', ",
        ),
        (
            "[batch, 3, 8, 8] image",
            "[batch, 8, 8, 3] image",
            "'image', float (batch, 8, 8, 3) does not take what the preprocessing makes, float32 pictures "
            "(N, 3, 8, 8). It has the channels last, and files are made with them first: export it as",
        ),
        (
            "float[batch, 3, 8, 8] image",
            "uint8[batch, 3, 8, 8] image",
            "'image', uint8 (batch, 3, 8, 8) does not take what the preprocessing makes, float32 pictures "
            "(N, 3, 8, 8). Export it without what it does to whole numbers first, such as a cast; with "
            "embed: [normalise], files take levels of 0 to 255",
        ),
        ("float[batch, 3, 8, 8] image", "float16[batch, 3, 8, 8] image", "float16 (batch, 3, 8, 8) does not"),
        (
            "[batch, 3, 8, 8] image",
            "[1, 3, 8, 8] image",
            "'image', float (1, 3, 8, 8) takes batches of 1 alone. Give batches: 1, for files that do so too",
        ),
        (
            "10] logits)",
            "10] logits, float[batch, 16] pooled)",
            "it has 2 outputs ('logits', float (batch, 10); 'pooled', float (batch, 16)); one of scores can "
            "be published. Say which with output: NAME, or with its position from 0.",
        ),
        (
            "(float[batch, 10] logits)",
            "(int64[2] axes)",
            "its output 'axes', int64 (2) is not one of scores, which are of a floating type.",
        ),
        ('["": 13]', '["": 11]', "it is of opset 11, and files are only brought to older ones. Ask for 11"),
        ("Relu (filtered)", "Relu (absent)", "it is not valid as it came, and is not mended here: "),
    ],
)
def test_a_file_that_cannot_be_published_is_told_and_named(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    assert old in NETWORK
    write_file(tmp_path / "net.onnx", NETWORK.replace(old, new))
    message = _mistake(tmp_path)
    assert message.startswith("pipeline.yaml:5: net.onnx: ")
    assert expected in message


UNSAID = FILE.replace("    preprocessing: {input_size: [3, 8, 8]}\n", "")


def test_the_size_of_the_pictures_is_that_of_the_file(tmp_path: Path) -> None:
    write_file(tmp_path / "net.onnx")
    assert _plan(tmp_path, UNSAID).units == _plan(tmp_path).units


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (
            "[batch, 3, H, W]",
            "net.onnx: its input 'image', float (batch, 3, H, W) does not say the size of the pictures. Give "
            "preprocessing: {input_size: [C, H, W]}.",
        ),
        ("[batch, 8, 8, 3]", "'image', float (batch, 8, 8, 3) does not say the size of the pictures. Give "),
        ("[batch, 192]", "'image', float (batch, 192) does not take what the preprocessing makes, float32 "),
    ],
)
def test_a_file_that_does_not_say_the_size_of_pictures_is_told(
    tmp_path: Path, shape: str, expected: str
) -> None:
    write_file(tmp_path / "net.onnx", NETWORK.replace("[batch, 3, 8, 8]", shape))
    assert expected in _mistake(tmp_path, UNSAID)


SEVERAL = NETWORK.replace("10] logits)", "10] logits, float[batch, 16] pooled, int64[2] axes)")
NAME = "    name: mine\n"


@pytest.mark.parametrize("output", ["logits", "pooled", "0", "1"])
def test_one_of_several_outputs_is_asked_for_by_its_name_or_position(tmp_path: Path, output: str) -> None:
    write_file(tmp_path / "net.onnx", SEVERAL)
    assert _plan(tmp_path, FILE.replace(NAME, f"{NAME}    output: {output}\n")).units


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("scores", "net.onnx: it has no output 'scores'. It has 'logits', float (batch, 10); 'pooled', "),
        (
            "3",
            "net.onnx: it has no output 3. It has 'logits', float (batch, 10); 'pooled', float (batch, 16); ",
        ),
        ("2", "net.onnx: its output 'axes', int64 (2) is not one of scores, which are of a floating type."),
        ("-1", "an output is given by its name, or by its position from 0 (given: -1)"),
        ("true", "an output is given by its name, or by its position from 0 (given: True)"),
        ("''", "an output is given by its name, or by its position from 0 (given: '')"),
        ("[logits]", "an output is given by its name, or by its position from 0 (given: ['logits'])"),
    ],
)
def test_an_output_that_cannot_be_published_is_told(tmp_path: Path, output: str, expected: str) -> None:
    write_file(tmp_path / "net.onnx", SEVERAL)
    assert expected in _mistake(tmp_path, FILE.replace(NAME, f"{NAME}    output: {output}\n"))


def test_names_of_classes_have_to_fit_the_output_that_is_asked_for(tmp_path: Path) -> None:
    write_file(tmp_path / "net.onnx", SEVERAL)
    (tmp_path / "names.txt").write_text("".join(f"{letter}\n" for letter in "abcdefghij"))
    labelled = FILE.replace(NAME, f"{NAME}    labels: names.txt\n    output: logits\n")
    assert _plan(tmp_path, labelled).units
    assert "16" in _mistake(tmp_path, labelled.replace("output: logits", "output: pooled"))


@pytest.mark.parametrize(("batches", "taken"), [("1", True), ("[open, 1]", False), ("2", False)])
def test_a_file_of_a_fixed_batch_gives_files_of_that_batch_alone(
    tmp_path: Path, batches: str, taken: bool
) -> None:
    write_file(tmp_path / "net.onnx", NETWORK.replace("[batch,", "[1,"))
    text = FILE.replace(NAME, f"{NAME}    batches: {batches}\n")
    if taken:
        assert [unit.name for unit in _plan(tmp_path, text).units] == [
            "onnx/mine@3-batch1",
            "onnx/mine@12-batch1",
        ]
    else:
        assert "takes batches of 1 alone. Give batches: 1" in _mistake(tmp_path, text)


def test_a_file_whose_weights_are_not_beside_it_is_told(tmp_path: Path) -> None:
    write_file(tmp_path / "net.onnx")
    (tmp_path / "net.data").unlink()
    assert "net.data" in _mistake(tmp_path)


def test_a_channel_that_a_file_leaves_open_is_the_preprocessings(tmp_path: Path) -> None:
    path = write_file(tmp_path / "net.onnx")
    model = onnx.load(path, load_external_data=False)
    for axis in model.graph.input[0].type.tensor_type.shape.dim[2:]:
        axis.dim_param = "side"
    onnx.save(model, path)
    assert _plan(tmp_path, FILE.replace("[3, 8, 8]", "[3, 16, 16]")).units
