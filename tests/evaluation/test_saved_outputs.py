"""What a device saved, held against the list of what it was given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evaluation.errors import EvaluationError
from evaluation.saved_outputs import read_datalist, read_outputs

NAMES = ["a", "b/c"]
ROWS = np.array([[0, 1, 2], [3, 5, 4]], dtype=np.float32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A file for each picture, of either kind and of other shapes."""
    (tmp_path / "b").mkdir()
    np.save(tmp_path / "a.npy", ROWS[:1])
    np.savez(tmp_path / "b/c.npz", logits=ROWS[1].reshape(1, 3, 1, 1))
    return tmp_path


def test_the_list_names_files_with_or_without_endings(tmp_path: Path) -> None:
    (tmp_path / "datalist.txt").write_text("a.npz\n\nb/c.JPEG\nd\n")
    assert read_datalist(tmp_path / "datalist.txt") == ["a", "b/c", "d"]


@pytest.mark.parametrize(("text", "words"), [("\n", "empty"), ("a.npz\na.jpg\n", "twice"), (None, "read")])
def test_a_list_that_is_wrong_is_told(tmp_path: Path, text: str | None, words: str) -> None:
    if text is not None:
        (tmp_path / "list").write_text(text)
    with pytest.raises(EvaluationError, match=words):
        read_datalist(tmp_path / "list")


def test_files_are_rows_in_the_order_of_the_list(folder: Path) -> None:
    np.testing.assert_array_equal(read_outputs(folder, NAMES), ROWS)
    np.testing.assert_array_equal(read_outputs(folder, NAMES[::-1]), ROWS[::-1])


@pytest.mark.parametrize("values", [ROWS, ROWS.astype(np.int8), ROWS.reshape(2, 3, 1, 1)])
def test_one_array_has_a_row_for_each(tmp_path: Path, values: np.typing.NDArray[np.generic]) -> None:
    np.save(tmp_path / "all.npy", values)
    np.testing.assert_array_equal(read_outputs(tmp_path / "all.npy", NAMES), ROWS)


def test_a_missing_and_an_extra_file_are_named(folder: Path) -> None:
    with pytest.raises(EvaluationError, match="1 of 3 outputs are missing: d"):
        read_outputs(folder, [*NAMES, "d"])
    with pytest.raises(EvaluationError, match="1 output is of no picture in the list: b/c"):
        read_outputs(folder, ["a"])
    np.savez(folder / "a.npz", ROWS[0])
    with pytest.raises(EvaluationError, match="a is there twice"):
        read_outputs(folder, NAMES)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.zeros(4, np.float32), "4 values, and .*a.npy has 3"),
        (np.array([1, np.nan, 0], np.float32), "b/c: the outputs are not finite"),
        (np.array([1, np.inf, 0], np.float32), "not finite"),
        (np.array(["x", "y", "z"]), "logits are numbers"),
        (np.zeros(0, np.float32), "logits are numbers"),
        (np.array([None, {}]), "cannot be read"),
    ],
)
def test_a_wrong_array_is_told(folder: Path, values: np.typing.NDArray[np.generic], words: str) -> None:
    (folder / "b/c.npz").unlink()
    np.save(folder / "b/c.npy", values, allow_pickle=True)
    with pytest.raises(EvaluationError, match=words):
        read_outputs(folder, NAMES)


def test_a_wrong_file_is_told(folder: Path) -> None:
    np.savez(folder / "b/c.npz", ROWS[1], ROWS[1])
    with pytest.raises(EvaluationError, match="2 arrays"):
        read_outputs(folder, NAMES)
    (folder / "b/c.npz").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(EvaluationError, match="cannot be read"):
        read_outputs(folder, NAMES)
    (folder / "b/c.npz").write_bytes(b"")
    with pytest.raises(EvaluationError, match="cannot be read"):
        read_outputs(folder, NAMES)
    with pytest.raises(EvaluationError, match="no such file or folder"):
        read_outputs(folder / "none", NAMES)
    np.save(folder / "one.npy", ROWS[0])
    with pytest.raises(EvaluationError, match=r"shape \[3\]; a row is wanted for each of the 2"):
        read_outputs(folder / "one.npy", NAMES)
