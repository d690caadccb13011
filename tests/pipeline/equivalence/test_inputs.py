"""Inputs that do not fit, each with its message; and what is made where nobody gives any."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from pipeline.equivalence.graphs import Port, common_inputs, matched_outputs, read
from pipeline.equivalence.inputs import made_inputs, read_inputs
from pipeline.errors import PipelineError, UsageError
from tests.pipeline.equivalence.graphs import scores, written

IMAGE = Port("image", "float32", ("N", 3, 16, 16))
MASK = Port("mask", "int64", ("N", ""))
GOOD = np.zeros((2, 3, 16, 16), np.float32)
WIDE = np.zeros((2, 5), np.int64)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"image": GOOD}, r"there is no array 'mask'; the models take int64 \[N, \?\] there"),
        (
            {"image": GOOD, "mask": WIDE, "other": WIDE},
            "the models have no input 'other'; theirs are 'image', 'mask'",
        ),
        (
            {"image": GOOD[:, :2], "mask": WIDE},
            r"'image' is float32 \[2, 2, 16, 16\], and the models take float32",
        ),
        ({"image": GOOD[0], "mask": WIDE}, r"'image' is float32 \[3, 16, 16\]"),
        ({"image": GOOD.astype(np.float64), "mask": WIDE}, "'image' is float64"),
        ({"image": GOOD[:0], "mask": WIDE}, "is empty"),
        ({"image": np.array([{}], object), "mask": WIDE}, "an array of objects, which is not unpickled"),
        ({"image/0": GOOD, "mask": WIDE}, "some arrays have a number, and others have none"),
        ({"image/0": GOOD, "mask/1": WIDE}, "there is no array 'mask/0'"),
        ({}, "there is no array in it"),
    ],
)
def test_arrays_that_do_not_fit(tmp_path: Path, arrays: dict[str, npt.NDArray[Any]], words: str) -> None:
    np.savez(tmp_path / "x.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=words):
        read_inputs(tmp_path / "x.npz", [IMAGE, MASK])


def test_what_is_no_npz(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no file"):
        read_inputs(tmp_path / "x.npz", [IMAGE])
    (tmp_path / "x.npz").write_bytes(b"nothing of the kind")
    with pytest.raises(UsageError, match=r"no \.npz file of plain arrays"):
        read_inputs(tmp_path / "x.npz", [IMAGE])
    with (tmp_path / "x.npz").open("wb") as stream:
        np.save(stream, GOOD)
    with pytest.raises(UsageError, match=r"a single array; write it with numpy\.savez"):
        read_inputs(tmp_path / "x.npz", [IMAGE])
    np.savez(tmp_path / "x.npz", image=GOOD)
    whole = (tmp_path / "x.npz").read_bytes()
    (tmp_path / "x.npz").write_bytes(whole[:-30])
    with pytest.raises(UsageError, match=r"no \.npz file of plain arrays"):
        read_inputs(tmp_path / "x.npz", [IMAGE])
    (tmp_path / "x.npz").write_bytes(whole[:200] + b"\xff" * 40 + whole[240:])
    with pytest.raises(UsageError, match=r"no \.npz file of plain arrays"):
        read_inputs(tmp_path / "x.npz", [IMAGE])


def test_several_data_sets_have_numbers(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", **{f"image/{number}": GOOD + number for number in (10, 9)})  # type: ignore[arg-type]
    sets = read_inputs(tmp_path / "x.npz", [IMAGE]).data_sets
    assert [(name, each["image"].max()) for name, each in sets.items()] == [("x.npz/9", 9), ("x.npz/10", 10)]


def test_files_that_take_something_else(tmp_path: Path) -> None:
    first = read(scores(tmp_path / "a.onnx"))
    text = '<ir_version: 8, opset_import: ["": 13]> g ({0} {1}) => ({0} y) {{ y = Identity({1}) }}'
    for name, port, words in [
        (
            "image",
            "float[N,1,16,16]",
            r"'image' is float32 \[N, 3, 16, 16\] in .*, and float32 \[N, 1, 16, 16\]",
        ),
        ("image", "float[N,3,16]", r"and float32 \[N, 3, 16\]"),
        ("image", "double[N,3,16,16]", "and float64"),
    ]:
        second = read(written(tmp_path / "b.onnx", text.format(port, name)))
        with pytest.raises(UsageError, match=words):
            common_inputs(first, second)


def test_several_inputs_of_other_names(tmp_path: Path) -> None:
    text = '<ir_version: 8, opset_import: ["": 13]> g (float[N] a, float[N] {0}) => (float[N] y) '
    text += "{{ y = Sub(a, {0}) }}"
    first, second = (read(written(tmp_path / f"{name}.onnx", text.format(name))) for name in "bc")
    with pytest.raises(UsageError, match="have different inputs: 'a', 'b', and 'a', 'c'"):
        common_inputs(first, second)


def test_another_number_of_outputs_cannot_be_compared(tmp_path: Path) -> None:
    text = '<ir_version: 8, opset_import: ["": 13]> g (float[N] x) => ({}) {{ y = Exp(x) z = Tanh(x) }}'
    first = read(written(tmp_path / "a.onnx", text.format("float[N] y")))
    second = read(written(tmp_path / "b.onnx", text.format("float[N] y, float[N] z")))
    with pytest.raises(PipelineError, match=r"1 output \(y\), and 2 outputs \(y, z\)") as raised:
        matched_outputs(first, second)
    assert raised.value.exit_code == 1


@pytest.mark.parametrize("shape", [("N", 3, "", ""), ("N", 32, 48, 1), (2, 1, 16, 16)])
def test_pictures_are_smooth_and_differ(shape: tuple[int | str, ...]) -> None:
    made = made_inputs([Port("x", "float32", shape)], {})
    rows = np.concatenate([each["x"] for each in made.data_sets.values()])
    assert rows.dtype == np.float32
    assert 1 < np.abs(rows).max() <= 2
    assert len({row.tobytes() for row in rows}) == len(rows) == (4 if shape[0] == 2 else 5)
    again = made_inputs([Port("x", "float32", shape)], {}).data_sets[
        "noise 1" if shape[0] == 2 else "noise 1 (batch 1)"
    ]
    np.testing.assert_array_equal(rows[: len(again["x"])], again["x"])


def test_ids_stay_among_the_rows_that_they_pick() -> None:
    ports = [Port("ids", "int32", ("N", "S")), Port("mask", "int64", ("N", "S")), Port("on", "bool", ())]
    made = made_inputs(ports, {"ids": 7}).data_sets["noise 3 (batch 3)"]
    assert {name: (array.dtype.name, array.shape) for name, array in made.items()} == {
        "ids": ("int32", (3, 16)),
        "mask": ("int64", (3, 16)),
        "on": ("bool", ()),
    }
    assert set(np.unique(made["ids"])) <= set(range(7))
    assert set(np.unique(made["mask"])) == {0, 1}


def test_inputs_without_a_shape_cannot_be_made() -> None:
    with pytest.raises(PipelineError, match="how many axes 'x' has; give inputs with --inputs"):
        made_inputs([Port("x", "float32", None)], {})
