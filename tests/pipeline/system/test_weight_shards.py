"""Indices of weights in several files: read in their own folder, and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.errors import UsageError
from pipeline.system.weight_shards import is_index, shards_of


def _index(folder: Path, content: object) -> Path:
    path = folder / "model.safetensors.index.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_the_shards_of_an_index_each_once(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    for name in ("a.safetensors", "below/b.safetensors"):
        (tmp_path / name).touch()
    by_tensor = {"x": "a.safetensors", "y": "below/b.safetensors", "z": "a.safetensors"}
    index = _index(tmp_path, {"metadata": {"total_size": 3}, "weight_map": by_tensor})
    assert shards_of(index) == [tmp_path / "a.safetensors", tmp_path / "below" / "b.safetensors"]


def test_an_index_is_told_by_its_name() -> None:
    assert is_index(Path("pytorch_model.bin.index.json"))
    assert not is_index(Path("model.safetensors"))


@pytest.mark.parametrize(
    "name",
    ["../secret.bin", "below/../../secret.bin", "/etc/passwd", "", "..", "C:\\secret", "a\\..\\b", "a\0b"],
)
def test_an_index_that_points_outside_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "secret.bin").touch()
    index = _index(tmp_path / "below", {"weight_map": {"x": name}})
    with pytest.raises(UsageError, match="which is not in its folder, and nothing outside of that is read"):
        shards_of(index)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("{", "cannot be read as the index of shards"),
        ("[" * 100000, "cannot be read as the index of shards"),
        ([], "has no weight_map"),
        ({"weight_map": {}}, "has no weight_map"),
        ({"weight_map": ["a"]}, "has no weight_map"),
        ({"weight_map": {"x": "none.bin"}}, "names 1 files, and 'none.bin' is not there"),
        ({"weight_map": {"x": "."}}, "which is not in its folder"),
    ],
)
def test_what_is_no_index_is_told(tmp_path: Path, content: object, expected: str) -> None:
    with pytest.raises(UsageError, match=expected):
        shards_of(_index(tmp_path, content))
