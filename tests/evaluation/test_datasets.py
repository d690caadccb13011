"""The layouts of ImageNet, and everything that can be wrong with one before a picture is opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.datasets import LABEL_FILE, read_dataset
from evaluation.errors import EvaluationError


def make(folder: Path, *names: str) -> Path:
    """Make files of these names; no picture is opened here."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def labelled(folder: Path, classes: int, labels: Path | None = None) -> dict[str, int]:
    return {picture.name: picture.label for picture in read_dataset(folder, labels, classes).pictures}


def test_folders_called_by_wordnet_ids_are_imagenets_classes(tmp_path: Path) -> None:
    make(
        tmp_path, "n02123045/a.JPEG", "n01440764/b.jpg", "n15075141/c.png", "n15075141/notes.txt", ".x/d.jpg"
    )
    assert labelled(tmp_path, 1000) == {"n01440764/b.jpg": 0, "n02123045/a.JPEG": 281, "n15075141/c.png": 999}


def test_folders_called_by_indices_are_those_classes(tmp_path: Path) -> None:
    make(tmp_path, "10/a.jpg", "2/b.jpg", "009/c.jpg")
    assert labelled(tmp_path, 11) == {"009/c.jpg": 9, "10/a.jpg": 10, "2/b.jpg": 2}


def test_other_folders_are_counted_in_the_order_of_their_names(tmp_path: Path) -> None:
    make(tmp_path, "cat/a.jpg", "ant/b.jpg", "dog/deep/c.jpg")
    assert labelled(tmp_path, 3) == {"ant/b.jpg": 0, "cat/a.jpg": 1, "dog/deep/c.jpg": 2}


CLASS_NAMES = ("Golden Retriever", "ant", "crane", "crane", "9")


def test_folders_called_by_the_names_of_the_models_classes_are_those(tmp_path: Path) -> None:
    make(tmp_path, "golden_retriever/a.jpg", "ant/b.jpg", "9/c.jpg")
    found = read_dataset(tmp_path, None, 5, CLASS_NAMES).pictures
    assert [(picture.name, picture.label) for picture in found] == [
        ("9/c.jpg", 4),
        ("ant/b.jpg", 1),
        ("golden_retriever/a.jpg", 0),
    ]


def test_a_model_with_names_takes_indices_too(tmp_path: Path) -> None:
    make(tmp_path, "4/a.jpg", "0/b.jpg")
    assert [one.label for one in read_dataset(tmp_path, None, 5, tuple("abcde")).pictures] == [0, 4]


@pytest.mark.parametrize(
    ("folders", "words"),
    [
        (("ant", "crane"), "crane is the name of several classes of the model"),
        (("ant", "bee"), "bee is none of the names of the model's classes"),
        (
            ("a", "b", "c", "d", "e"),
            "a, b, c.* is none of the names of the model's classes; call them",
        ),
    ],
)
def test_folders_with_other_names_are_not_counted_in_their_order(
    tmp_path: Path, folders: tuple[str, ...], words: str
) -> None:
    make(tmp_path, *(f"{name}/a.jpg" for name in folders))
    with pytest.raises(EvaluationError, match=words):
        read_dataset(tmp_path, None, 5, CLASS_NAMES)


def test_a_flat_folder_has_an_index_a_line_in_the_order_of_the_names(tmp_path: Path) -> None:
    make(tmp_path, "ILSVRC2012_val_00000002.JPEG", "ILSVRC2012_val_00000001.JPEG")
    (tmp_path / LABEL_FILE).write_text("65\n970\n\n")
    assert labelled(tmp_path, 1000) == {
        "ILSVRC2012_val_00000001.JPEG": 65,
        "ILSVRC2012_val_00000002.JPEG": 970,
    }


def test_names_stand_in_any_order_and_another_file_may_be_named(tmp_path: Path) -> None:
    make(tmp_path / "pictures", "a.jpg", "b/c.jpg")
    (tmp_path / "pictures" / LABEL_FILE).write_text("not read")
    own = tmp_path / "val.txt"
    own.write_text("b/c.jpg 3\na.jpg\t0\n")
    assert labelled(tmp_path / "pictures", 4, own) == {"a.jpg": 0, "b/c.jpg": 3}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1\n", "1 labels for 2 pictures"),
        ("1\n1\n1\n", "3 labels for 2 pictures"),
        ("1\n4\n", "val_label.txt:2: class 4, but the model has the classes 0 to 3"),
        ("1\ntabby\n", "val_label.txt:2: a line is the index"),
        ("a.jpg 1\n2\n", "some lines have a name"),
        ("a.jpg 1\n", "no label of b.jpg"),
        ("a.jpg 1\nb.jpg 2\nc.jpg 2\n", "no picture c.jpg"),
        ("a.jpg 1\na.jpg 2\n", "twice"),
        ("a.jpg 1 2\n", "a line is the index"),
        ("a.jpg -1\nb.jpg 1\n", "a line is the index"),
        ("", "0 labels for 2 pictures"),
        ("\x00\xff", "a line is the index"),
    ],
)
def test_labels_that_do_not_fit_are_told(tmp_path: Path, text: str, words: str) -> None:
    make(tmp_path, "a.jpg", "b.jpg")
    (tmp_path / LABEL_FILE).write_text(text)
    with pytest.raises(EvaluationError, match=words):
        read_dataset(tmp_path, None, 4)


def test_labels_that_are_no_text_are_told(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg")
    (tmp_path / LABEL_FILE).write_bytes(b"\xff\xfe1")
    with pytest.raises(EvaluationError, match="cannot be read"):
        read_dataset(tmp_path, None, 4)
    with pytest.raises(EvaluationError, match="cannot be read"):
        read_dataset(tmp_path, tmp_path / "none.txt", 4)


@pytest.mark.parametrize(
    ("names", "classes", "words"),
    [
        (["a.jpg", "0/b.jpg"], 4, "a.jpg lies in no folder of a class"),
        (["0/a.jpg", "4/b.jpg"], 4, "4 is no class of the model"),
        (["1/a.jpg", "01/b.jpg"], 4, "the same index"),
        (["ant/a.jpg", "bee/b.jpg"], 3, "2 folders of classes, and the model has 3"),
        (["n01440764/a.jpg", "n99999999/b.jpg"], 1000, "n99999999 is none of ImageNet's"),
        (["n01440764/a.jpg"], 10, "1 folders of classes, and the model has 10"),
        (["notes.txt"], 3, "there is no picture in it"),
        ([], 3, "there is no picture in it"),
    ],
)
def test_folders_that_do_not_fit_are_told(tmp_path: Path, names: list[str], classes: int, words: str) -> None:
    with pytest.raises(EvaluationError, match=words):
        read_dataset(make(tmp_path, *names), None, classes)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="no such folder"):
        read_dataset(tmp_path / "none", None, 3)
