"""Files with the names of classes as people have them: what is read, and what is refused with a reason."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from evaluation.errors import EvaluationError
from evaluation.label_files import LARGEST, Labels, checked_names, read_label_file, why_unfit
from evaluation.labels import imagenet_labels


def _read(folder: Path, data: bytes, name: str = "labels.txt") -> tuple[str, ...]:
    (folder / name).write_bytes(data)
    labels = read_label_file(folder / name)
    assert labels.origin == f"the file {name}"
    assert labels.sha256 == hashlib.sha256(data).hexdigest()
    return labels.names


@pytest.mark.parametrize(
    ("data", "names"),
    [
        (b"cat\ndog", ("cat", "dog")),
        (b"cat\ndog\n", ("cat", "dog")),
        (b"cat\ndog\n\n  \n", ("cat", "dog")),
        (b"cat\r\ndog\r\n", ("cat", "dog")),
        (b"cat\rdog\r", ("cat", "dog")),
        (b"\xef\xbb\xbfcat\ndog", ("cat", "dog")),
        (b" golden retriever \ncat, tom", ("golden retriever", "cat, tom")),
        ("猫\nÉpagneul\n".encode(), ("猫", "Épagneul")),
        ("a\u2028b\nc\x0bd\n".encode(), ("a\u2028b", "c\x0bd")),  # no ends of lines to those who write files
        (b"crane\nmaillot\ncrane\n", ("crane", "maillot", "crane")),
        (b"0 cat\n1 big dog\n", ("cat", "big dog")),  # as PaddleClas has it
        (b"1 dog\n0 cat\n", ("cat", "dog")),
        (b"0 cat\n2 dog\n", ("0 cat", "2 dog")),  # no indices: one is missing
        (b"0\n1\n2\n", ("0", "1", "2")),
        (b"[unknown]\n{\n", ("[unknown]", "{")),
    ],
)
def test_a_name_a_line(tmp_path: Path, data: bytes, names: tuple[str, ...]) -> None:
    assert _read(tmp_path, data) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('["cat", "dog"]', ("cat", "dog")),
        ('\ufeff["cat", "cat"]\r\n', ("cat", "cat")),
        ('{"0": "cat", "1": "dog"}', ("cat", "dog")),
        ('{"1": "dog", "0": "cat"}', ("cat", "dog")),
        ('{"0": ["n01440764", "tench"], "1": ["n01443537", "goldfish"]}', ("tench", "goldfish")),
        ('["0 cat", "1 dog"]', ("0 cat", "1 dog")),
        (json.dumps([f"n{index}" for index in range(21841)]), tuple(f"n{index}" for index in range(21841))),
    ],
)
def test_json(tmp_path: Path, text: str, names: tuple[str, ...]) -> None:
    assert _read(tmp_path, text.encode(), "labels.JSON") == names


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "it names no class"),
        (b"\xef\xbb\xbf\r\n \n", "it names no class"),
        (b"cat\n\ndog\n", "line 2 is empty, and a class needs a name"),
        (b"\ncat\n", "line 1 is empty"),
        ("狗\n".encode("gbk"), "it is not UTF-8 (byte 0); save it as UTF-8"),
        ("cat\n".encode("utf-16"), "it is not UTF-8 (byte 0)"),
        (b"cat\n" + 1001 * b"x", "the name of class 1 has 1001 characters"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 3\n",
            "it is a pointer of Git LFS",
        ),
    ],
)
def test_no_names_in_lines(tmp_path: Path, data: bytes, expected: str) -> None:
    with pytest.raises(EvaluationError) as error:
        _read(tmp_path, data)
    assert str(error.value).startswith(f"{tmp_path / 'labels.txt'}: {expected}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "it is no JSON"),
        ("cat\ndog\n", "it is no JSON"),
        (100_000 * "[", "it is no JSON"),
        ("[]", "it names no class"),
        ("{}", "it names no class"),
        ("12", "it holds 12; wanted is a list of names, an object of index -> name"),
        ('"cat"', "it holds 'cat'; wanted"),
        ('["cat", 7]', "entry 1 is 7, and not a name; wanted"),
        ('["cat", ["dog"]]', "entry 1 is a list of 1, and not a name"),
        ('["cat", {"name": "dog"}]', "entry 1 is an object, and not a name"),
        ('["cat", " "]', "class 1 has no name"),
        ('["cat", "\\ud800"]', "the name of class 1, '\\ud800', is no Unicode text"),
        ('{"cat": 0, "dog": 1}', "it has 'cat': 0; wanted"),
        ('{"id2label": {"0": "cat"}}', "it has 'id2label': an object; wanted"),
        ('{"0": "cat", "0": "dog"}', "it names class 0 twice"),
        ('{"1": "cat", "2": "dog"}', "it has 2 names and none for class 0; indices begin with 0"),
        ('{"0": "cat", "2": "dog"}', "it has 2 names and none for class 1"),
        ('{"0": "cat", "01": "dog"}', "it has 2 names and none for class 1"),
        ('{"0": ["n01440764", "tench", "x"]}', "it has '0': a list of 3; wanted"),
    ],
)
def test_no_names_in_json(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(EvaluationError) as error:
        _read(tmp_path, text.encode(), "labels.json")
    assert str(error.value).startswith(f"{tmp_path / 'labels.json'}: {expected}")


def test_a_huge_file_is_not_read_and_a_folder_is_none(tmp_path: Path) -> None:
    path = tmp_path / "weights.txt"
    with path.open("wb") as stream:
        stream.truncate(1 << 40)  # of holes
    with pytest.raises(EvaluationError, match=f"has more than the {LARGEST} bytes"):
        read_label_file(path)
    for absent in (tmp_path, tmp_path / "none.txt"):
        with pytest.raises(EvaluationError, match=r"there is no file .* with the names of the classes"):
            read_label_file(absent)


def test_a_file_that_cannot_be_read_is_told() -> None:
    with pytest.raises(EvaluationError, match=r"/proc/self/mem: .* cannot be read: Input/output error"):
        read_label_file(Path("/proc/self/mem"))  # whose first page nobody has


def test_imagenets_own_names_are_names() -> None:
    names = imagenet_labels(1000) or ()
    assert checked_names(names) == names
    assert len(set(names)) == 998


def test_another_number_is_told_with_both() -> None:
    labels = Labels(("cat", "dog"), "the file labels.txt")
    assert why_unfit(labels, 2) is None
    assert why_unfit(labels, 3) == (
        "the file labels.txt names 2 classes, and the model has 3. Give labels: FILE with a name for each "
        "class, in the order of the outputs"
    )
