"""A stage is made once, whole or not at all, and found again only as it was made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.stages.stage_cache import done_before, make_stage


def _make(folder: Path) -> dict[str, Any]:
    (folder / "below").mkdir()
    (folder / "below" / "model.onnx").write_bytes(b"model")
    return {"opset": 12}


def _never(_folder: Path) -> dict[str, Any]:
    raise AssertionError("it was made again")


def test_a_stage_is_made_once(tmp_path: Path) -> None:
    folder = tmp_path / "export-1"
    assert make_stage(folder, "key", _make) == ({"opset": 12}, False)
    assert make_stage(folder, "key", _never) == ({"opset": 12}, True)
    assert [path.name for path in tmp_path.iterdir()] == ["export-1"]


def test_another_key_makes_it_again_without_what_was_there(tmp_path: Path) -> None:
    folder = tmp_path / "export-1"
    make_stage(folder, "key", _make)
    (folder / "more").write_text("of the first")
    assert make_stage(folder, "other", _make) == ({"opset": 12}, False)
    assert not (folder / "more").exists()
    assert done_before(folder, "key") is None


@pytest.mark.parametrize("damage", ["changed", "missing", "no note", "a broken note", "another note"])
def test_what_is_not_as_it_was_made_is_made_again(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "export-1"
    make_stage(folder, "key", _make)
    model, note = folder / "below" / "model.onnx", folder / "done.json"
    match damage:
        case "changed":
            model.write_bytes(b"Model")
        case "missing":
            model.unlink()
        case "no note":
            note.unlink()
        case "a broken note":
            note.write_text("{")
        case _:
            note.write_text("[]")
    assert done_before(folder, "key") is None
    assert make_stage(folder, "key", _make) == ({"opset": 12}, False)
    assert model.read_bytes() == b"model"


def test_what_a_failed_attempt_leaves_stays_until_the_next(tmp_path: Path) -> None:
    def fail(folder: Path) -> dict[str, Any]:
        (folder / "worker.log").write_text("why")
        raise ValueError("it failed")

    folder = tmp_path / "export-1"
    with pytest.raises(ValueError, match="it failed"):
        make_stage(folder, "key", fail)
    assert not folder.exists()
    assert (tmp_path / "export-1.part" / "worker.log").read_text() == "why"
    make_stage(folder, "key", _make)
    assert [path.name for path in tmp_path.iterdir()] == ["export-1"]
