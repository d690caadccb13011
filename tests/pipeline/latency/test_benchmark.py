"""Times of something else than the model are not told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.latency.benchmark import _forget_places, _refuse_other_outputs
from pipeline.latency.measuring import Timed

RIGHT = np.array([[1.0, 2.0, -3.0]], np.float32)


def _timed(folder: Path, name: str, outputs: object) -> Timed:
    (folder / name).mkdir()
    np.savez(folder / name / "outputs.npz", outputs=np.asarray(outputs, np.float32))
    return Timed(seconds={1: [0.1]})


@pytest.mark.parametrize(
    "outputs",
    [-RIGHT, RIGHT[:, ::-1], RIGHT[:, :2], 0 * RIGHT, [[np.nan, 2.0, -3.0]]],
    ids=["another sign", "another order", "another shape", "nothing", "no numbers"],
)
def test_a_runtime_that_computes_something_else_loses_its_times(tmp_path: Path, outputs: object) -> None:
    timed = {
        "silent": Timed(failure="it does not load the model"),
        "first": _timed(tmp_path, "first", RIGHT),
        "same": _timed(tmp_path, "same", 1.001 * RIGHT),
        "other": _timed(tmp_path, "other", outputs),
    }
    _refuse_other_outputs(timed, tmp_path)
    assert {name: bool(times.seconds) for name, times in timed.items()} == {
        "silent": False,
        "first": True,
        "same": True,
        "other": False,
    }
    assert timed["other"].failure == "it computes something else than first, so its times say nothing"
    assert timed["silent"].failure == "it does not load the model"


def test_what_went_wrong_names_no_folder_of_this_machine(tmp_path: Path) -> None:
    model = tmp_path / "secret" / "model.onnx"
    failure = f"cannot read {model}: its log is {tmp_path}/work/worker.log"
    timed = Timed(failure=failure, reasons={4: f"{model} takes no batch of 4"})
    _forget_places(timed, model, tmp_path / "work")
    assert timed.failure == "cannot read model.onnx: its log is worker.log"
    assert timed.reasons == {4: "model.onnx takes no batch of 4"}
