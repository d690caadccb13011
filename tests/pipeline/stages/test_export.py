"""What an export has written is looked at before it is kept, for the next run would take it up again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.errors import WorkerError
from pipeline.stages import export
from pipeline.stages.work_folder import folder_of_export
from pipeline.workers import sources
from tests.pipeline.fake_source import FakeSource

pytestmark = pytest.mark.slow


def _outputs(arrays: dict[str, Any]) -> Callable[[Path], None]:
    return lambda folder: np.savez(folder / "outputs.npz", **arrays)


def _write(name: str, content: bytes) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / name).write_bytes(content)

    return write


LOGITS = np.zeros((3, 10), np.float32)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (_write("model.onnx", b"rubbish"), "model.onnx: it is not an ONNX model"),
        (lambda folder: (folder / "model.onnx").unlink(), "model.onnx: No such file"),
        (_write("outputs.npz", b"rubbish"), "outputs.npz: no .npz file of plain arrays"),
        (_outputs({"noise": LOGITS}), r"there are outputs for \['noise'\], not for \['noise-1', 'noise-3'\]"),
        (_outputs({"noise-1": LOGITS, "noise-3": LOGITS}), r"noise-1 is float32 \[3, 10\]"),
        (_outputs({"noise-1": LOGITS[:1], "noise-3": LOGITS[0]}), r"noise-3 is float32 \[10\]"),
        (_outputs({"noise-1": LOGITS[:1], "noise-3": np.zeros((3, 10))}), "noise-3 is float64"),
    ],
)
def test_rubbish_is_told_and_not_kept(
    tiny: FakeSource, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Path], None], told: str
) -> None:
    def run_worker(*arguments: Any, **named: Any) -> dict[str, Any]:
        answer = sources.run_worker(*arguments, **named)
        spoil(named["folder"])
        return answer

    monkeypatch.setattr(export, "run_worker", run_worker)
    run = tiny.run(tiny.plan("net"), threading.Event())
    with pytest.raises(WorkerError, match=rf"^exporting tiny/net failed: .*{told}"):
        export.make_export(run)
    assert not (run.work / folder_of_export(run.job)).exists()
    monkeypatch.setattr(export, "run_worker", sources.run_worker)
    assert export.make_export(run).classes == 10


def test_a_file_of_another_opset_than_was_told_is_refused(
    tiny: FakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_worker(*arguments: Any, **named: Any) -> dict[str, Any]:
        return sources.run_worker(*arguments, **named) | {"opset": 11}

    monkeypatch.setattr(export, "run_worker", run_worker)
    with pytest.raises(WorkerError, match=r"failed: the file is of opset 12, not of 11"):
        export.make_export(tiny.run(tiny.plan("net")))
