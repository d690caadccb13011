"""Names of classes in a pipeline file: what does not fit is found when the file is read."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from pipeline.config.labels import labels_of_entry
from pipeline.errors import UsageError
from pipeline.planning.planner import CheckedFile, read_checked
from tests.pipeline.onnx_files import NETWORK, write_file

ONNX = "{source: onnx, model: ./net.onnx, name: mine, preprocessing: {input_size: [3, 8, 8]}"


def _checked(folder: Path, entry: str, defaults: str = "{}") -> CheckedFile:
    path = folder / "pipeline.yaml"
    text = f"publish: dist\nopsets: 12\ndefaults: {defaults}\nmodels:\n  - {entry}\n"
    path.write_text(text, encoding="utf-8")
    return read_checked(path)


def _named(path: Path, names: list[str]) -> None:
    """Write a network whose metadata names its classes."""
    model = onnx.load(write_file(path), load_external_data=False)
    model.metadata_props.add(key="names", value=repr(dict(enumerate(names))))
    onnx.save(model, path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_file(tmp_path / "net.onnx")
    write_file(tmp_path / "open.onnx", NETWORK.replace("batch, 10]", "batch, classes]"))
    _named(tmp_path / "named.onnx", ["a", "b"])
    _named(tmp_path / "empty.onnx", [*"abcdefghi", ""])
    (tmp_path / "three.txt").write_text("a\nb\nc\n")
    (tmp_path / "ten.txt").write_text("\n".join("abcdefghij"))
    (tmp_path / "blank.txt").write_text("\n")
    return tmp_path


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("{source: timm, model: resnet18, labels: none.txt}", "there is no file"),
        ("{source: timm, model: resnet18, labels: blank.txt}", "blank.txt: it names no class."),
        ("{source: timm, model: resnet18, labels: [a, b]}", "labels: input is not a valid path"),
        (
            "{source: timm, model: resnet18, labels: three.txt, classes: 10}",
            "the file three.txt names 3 classes, and the model has 10. Give labels: FILE",
        ),
        (
            f"{ONNX}}}".replace("net.", "named."),
            "the metadata of named.onnx names 2 classes, and the model has 10",
        ),
        (f"{ONNX}}}".replace("net.", "empty."), "metadata of empty.onnx cannot be used: class 9 has no name"),
        (f"{ONNX}, labels: three.txt}}", "the file three.txt names 3 classes, and the model has 10."),
    ],
)
def test_what_does_not_fit_is_told_with_its_line(folder: Path, entry: str, expected: str) -> None:
    with pytest.raises(UsageError) as error:
        _checked(folder, entry)
    [line] = str(error.value).splitlines()
    assert line.startswith(f"{folder / 'pipeline.yaml'}:5: ")
    assert expected in line


def test_names_of_the_defaults_hold_for_entries_that_say_nothing_else(folder: Path) -> None:
    entries = "{source: timm, model: a}\n  - {source: timm, model: b, labels: null}\n  - " + (
        "{source: timm, model: c, labels: ten.txt}"
    )
    models = _checked(folder, entries, "{labels: three.txt}").file.models
    labels = [labels_of_entry(model, folder) for model in models]
    assert [one and len(one.names) for one in labels] == [3, None, 10]


def test_what_only_the_framework_can_say_is_left_to_it(folder: Path) -> None:
    assert _checked(folder, "{source: timm, model: a, labels: three.txt}")
    assert _checked(folder, f"{ONNX}, labels: ten.txt}}")
    assert _checked(folder, f"{ONNX}, labels: ten.txt}}".replace("net.", "named."))
    assert _checked(folder, f"{ONNX}, labels: three.txt}}".replace("net.onnx", "open.onnx"))
