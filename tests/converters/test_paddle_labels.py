"""The names of classes that PaddleClas and PaddleX leave beside an inference model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def labels(worker_module: Callable[[str], Any]) -> Any:
    return worker_module("paddle_labels")


PADDLEX = """\
Global:
  model_name: PP-LCNet_x1_0
PostProcess:
  Topk:
    topk: 5
    label_list: [no, 7, 猫, crane, crane]
"""
PADDLECLAS = """\
PostProcess:
  main_indicator: Topk
  Topk:
    topk: 5
    class_id_map_file: "../ppcls/utils/names.txt"
  SavePreLabel: {save_dir: ./pre_label/}
"""


def _folder(tmp_path: Path, config: str, **files: str) -> str:
    (tmp_path / "inference.yml").write_text(config, encoding="utf-8")
    for name, text in files.items():
        (tmp_path / f"{name}.txt").write_text(text, encoding="utf-8")
    return str(tmp_path)


def test_a_list_in_the_config(labels: Any, tmp_path: Path) -> None:
    expected = ["no", "7", "猫", "crane", "crane"], "inference.yml of the model folder"
    assert labels.labels(_folder(tmp_path, PADDLEX)) == expected


@pytest.mark.parametrize(
    "config", ["PostProcess: {Topk: {label_list: {1: b, 0: a}}}", "PostProcess: [Topk: {label_list: [a, b]}]"]
)
def test_other_forms_of_it(labels: Any, tmp_path: Path, config: str) -> None:
    assert labels.labels(_folder(tmp_path, config))[0] == ["a", "b"]


def test_a_file_that_the_config_names(labels: Any, tmp_path: Path) -> None:
    folder = _folder(tmp_path, PADDLECLAS, names="0 tench, Tinca tinca\r\n2 crane\n1 goldfish\n\n")
    expected = ["tench, Tinca tinca", "goldfish", "crane"], "names.txt of the model folder"
    assert labels.labels(folder) == expected


def test_no_file_outside_of_the_folder_is_read(
    labels: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("0 secret\n")
    (tmp_path / "model").mkdir()
    folder = _folder(tmp_path / "model", f"PostProcess: {{Topk: {{class_id_map_file: {secret}}}}}")
    assert labels.labels(folder) == (None, "")
    assert f"names the classes in {secret}, and the folder has no secret.txt" in capsys.readouterr().err
    (tmp_path / "model/secret.txt").symlink_to(secret)
    with pytest.raises(Exception, match=r"secret\.txt of the model folder is a link to a file elsewhere"):
        labels.labels(folder)


@pytest.mark.parametrize("config", ["", "7", "PostProcess: none", "PostProcess: {Topk: {topk: 5}}"])
def test_a_config_without_names_says_none(labels: Any, tmp_path: Path, config: str) -> None:
    assert labels.labels(str(tmp_path)) == (None, "")
    assert labels.labels(_folder(tmp_path, config)) == (None, "")


LAUGHS = "a: &a [x]\nb: &b [*a, *a]\nPostProcess: {Topk: {label_list: [*b, *b]}}"


@pytest.mark.parametrize(
    ("config", "names", "expected"),
    [
        ("{", "", "inference.yml of the model folder cannot be read: "),
        (1000 * "[", "", "inference.yml of the model folder cannot be read: "),
        ("x: !!python/object/apply:os.system [ls]\nPostProcess: [", "", "cannot be read: "),
        (LAUGHS, "", "label_list in inference.yml of the model folder is no list of names"),
        ("PostProcess: {Topk: {label_list: {0: a, 2: b}}}", "", "has no name for class 1 of 2"),
        (PADDLECLAS, "cat\ndog\n", "names.txt of the model folder: line 1 is no index with a name: 'cat'"),
        (PADDLECLAS, "0 cat\n0 dog\n", "line 2 is no index with a name: '0 dog'"),
        (PADDLECLAS, "1 cat\n", "names.txt of the model folder has no name for class 0 of 1"),
    ],
)
def test_what_is_no_list_of_names_is_told(
    labels: Any, tmp_path: Path, config: str, names: str, expected: str
) -> None:
    with pytest.raises(labels.TaskError) as error:
        labels.labels(_folder(tmp_path, config, names=names))
    assert expected in str(error.value)


def test_a_huge_file_and_one_in_another_encoding_are_told(labels: Any, tmp_path: Path) -> None:
    folder = _folder(tmp_path, PADDLECLAS)
    (tmp_path / "names.txt").write_bytes("0 狗\n".encode("gbk"))
    with pytest.raises(labels.TaskError, match=r"names\.txt of the model folder is not UTF-8"):
        labels.labels(folder)
    with (tmp_path / "names.txt").open("wb") as stream:
        stream.truncate(1 << 40)  # of holes
    with pytest.raises(labels.TaskError, match=r"names\.txt of the model folder has more than"):
        labels.labels(folder)
