"""Caffe2's opinion as a run asks for it: in its own environment, recorded where that cannot be had."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from converters.registry import SOURCES
from parity.runtimes.registry import RUNTIMES
from pipeline.config.schema import ModelEntry, Parity
from pipeline.environments.run_environments import RunEnvironments
from pipeline.planning import keys
from pipeline.stages.parity import Verification, verify
from pipeline.workers.processes import GIBIBYTE, Limits
from tests.parity import old_models

ASKED = Parity(caffe2=True)


def _verify(folder: Path, lines: list[str]) -> dict[int, Verification]:
    """The verdicts on one network at opset 6 and 12, and on a wrong one at opset 4."""
    np.savez(folder / "inputs.npz", **old_models.INPUTS)  # type: ignore[arg-type]
    references = old_models.references(folder)
    wrong = np.float32(1.01) * old_models.WEIGHTS["dense"]
    onnx.save(old_models.old_model(4, dense=wrong), folder / "wrong.onnx")
    onnx.save(old_models.old_model(6), folder / "old.onnx")
    stop = threading.Event()
    return verify(
        {4: folder / "wrong.onnx", 6: folder / "old.onnx", 12: folder / "new.onnx"},
        folder / "inputs.npz",
        references,
        parity=ASKED,
        folder=folder / "parity",
        limits=Limits(seconds=300, memory=4 * GIBIBYTE),
        stop=stop,
        environment_of=RunEnvironments(stop=stop, say=lines.append).ensure,
    )


def test_runtimes_name_environments_that_there_are() -> None:
    named = {runtime.ENVIRONMENT for runtime in RUNTIMES.values()} - {None}
    assert named == set(ASKED.environments) == {"caffe2"} & set(SOURCES)


@pytest.mark.caffe2
def test_caffe2_is_asked_at_old_opsets(tmp_path: Path) -> None:
    verified = _verify(tmp_path, [])
    asked = ("openvino", "opencv", "onnxruntime-raised", "caffe2")
    assert verified[6].runtimes == dict.fromkeys(asked, "ok")
    assert verified[4].runtimes == dict.fromkeys(asked, "wrong")
    assert verified[12].runtimes == {"onnxruntime": "ok", "openvino": "ok"}
    assert [verification.passed for verification in verified.values()] == [False, True, True]
    assert not verified[6].verdict.missing


def test_an_environment_that_cannot_be_had_is_recorded_and_blocks_nothing(
    tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path / "index"
    empty.mkdir()
    for name in ("INDEX_URL", "EXTRA_INDEX_URL", "FIND_LINKS"):
        monkeypatch.setenv(f"PIP_{name}", empty.as_uri())
    for name in ("FIND_LINKS", "INDEX", "DEFAULT_INDEX"):
        monkeypatch.delenv(f"UV_{name}", raising=False)
    lines: list[str] = []
    verified = _verify(tmp_path, lines)
    assert [verification.passed for verification in verified.values()] == [False, True, True]
    assert verified[6].runtimes == {
        "openvino": "ok",
        "opencv": "ok",
        "onnxruntime-raised": "ok",
        "caffe2": "missing",
    }
    assert "caffe2: the caffe2 environment could not be built: uv " in verified[6].verdict.missing
    assert lines[0] == "building the caffe2 environment (once)"
    recorded = json.dumps(verified[6].verdict.to_dict(), allow_nan=False)
    assert "the caffe2 environment could not be built" in recorded
    assert str(own_cache) not in recorded
    assert not verified[12].verdict.missing


def _unit_key(opset: int, parity: Parity) -> str:
    return keys.unit_key("retarget", ModelEntry(source="timm", parity=parity), "timm/m", "m", opset, ())


def test_the_key_changes_where_caffe2_is_asked_and_with_its_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {opset: _unit_key(opset, ASKED) for opset in (3, 6, 7)}
    assert before[7] == _unit_key(7, Parity())
    assert before[3] != _unit_key(3, Parity())
    folder = tmp_path / "caffe2"
    folder.mkdir()
    written = SOURCES["caffe2"].folder
    (folder / "environment.toml").write_text((written / "environment.toml").read_text())
    (folder / "requirements.lock").write_text((written / "requirements.lock").read_text() + "# another\n")
    monkeypatch.setitem(SOURCES, "caffe2", replace(SOURCES["caffe2"], folder=folder))
    assert [_unit_key(opset, ASKED) == key for opset, key in before.items()] == [False, False, True]
