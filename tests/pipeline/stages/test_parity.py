"""Several opsets of one model in one process of each runtime: what one of them does costs no other."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from converters.interface import Source
from parity.call import Run, RuntimeCall
from pipeline.config.schema import Parity
from pipeline.environments.building import Environment
from pipeline.stages.parity import Verification, verify
from pipeline.system.interrupts import Interrupted
from pipeline.workers.processes import GIBIBYTE, Limits
from pipeline.workers.runtimes import runs_of
from tests.parity import models, old_models

pytestmark = pytest.mark.slow

ENOUGH = Limits(seconds=120, memory=4 * GIBIBYTE)


def _never(source: Source) -> Environment:
    raise AssertionError(f"nobody asked for a runtime of {source.name}")


def _inputs(folder: Path) -> Path:
    np.savez(folder / "inputs.npz", **models.INPUTS)  # type: ignore[arg-type]
    return folder / "inputs.npz"


def _verify(folder: Path, files: dict[int, Path], limits: Limits = ENOUGH) -> dict[int, Verification]:
    return verify(
        files,
        _inputs(folder),
        models.reference(),
        parity=Parity(),
        folder=folder / "parity",
        limits=limits,
        stop=threading.Event(),
        environment_of=_never,
    )


def _at(opset: int, folder: Path, network: str = models.NETWORK) -> Path:
    network = network.replace("7, opset", f"{min(opset - 5, 7)}, opset").replace('"": 12', f'"": {opset}')
    return models.write(folder / f"{opset}.onnx", network=network)


def _that_grows(opset: int, folder: Path) -> Path:
    """A valid model that fills 4 GiB when it is run or folded."""
    steps = "many = ConstantOfShape(count) most = ReduceMax(many) logits = Add(dense, most)"
    network = models.NETWORK.replace("logits = Gemm", "dense = Gemm").replace("bias)\n", f"bias)\n{steps}\n")
    model = onnx.load(_at(opset, folder, network))
    model.graph.initializer.append(helper.make_tensor("count", onnx.TensorProto.INT64, [1], [1 << 30]))
    onnx.save(model, folder / f"{opset}.onnx")
    return folder / f"{opset}.onnx"


def test_ten_opsets_take_one_process_of_each_runtime(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    files = {opset: _at(opset, tmp_path) for opset in range(7, 13)}
    files[9] = models.write(wrong / "9.onnx", models.KERNEL[::-1].copy())
    verified = _verify(tmp_path, files)
    assert [opset for opset, verification in verified.items() if not verification.passed] == [9]
    right = [verification.runtimes for opset, verification in verified.items() if opset != 9]
    assert right == [{"onnxruntime": "ok", "openvino": "ok"}] * (len(verified) - 1)
    assert verified[9].runtimes == {"onnxruntime": "wrong", "openvino": "wrong"}
    processes = {path.parent.relative_to(tmp_path) for path in tmp_path.rglob("worker.log")}
    assert processes == {Path("parity/onnxruntime/0"), Path("parity/openvino/0")}


def test_old_and_new_opsets_are_asked_of_their_own_runtimes(tmp_path: Path) -> None:
    np.savez(tmp_path / "inputs.npz", **old_models.INPUTS)  # type: ignore[arg-type]
    references = old_models.references(tmp_path, old_models.WITH_AXIS)
    onnx.save(old_models.old_model(6, old_models.WITH_AXIS), tmp_path / "old.onnx")
    verified = verify(
        {6: tmp_path / "old.onnx", 12: tmp_path / "new.onnx"},
        tmp_path / "inputs.npz",
        references,
        parity=Parity(),
        folder=tmp_path / "parity",
        limits=ENOUGH,
        stop=threading.Event(),
        environment_of=_never,
    )
    assert verified[6].runtimes == {"openvino": "ok", "opencv": "wrong", "onnxruntime-raised": "ok"}
    assert verified[12].runtimes == {"onnxruntime": "ok", "openvino": "ok"}
    assert all(verification.passed for verification in verified.values())
    assert "opencv disagrees" in verified[6].verdict.dissent
    error = verified[6].largest_error
    assert error is not None
    assert error < 1e-5  # that of a runtime that was overruled would tell nothing about the file
    assert not (tmp_path / "parity").exists()


def test_a_model_past_the_memory_limit_costs_no_other(tmp_path: Path) -> None:
    files = {10: _at(10, tmp_path), 11: _that_grows(11, tmp_path), 12: _at(12, tmp_path)}
    verified = _verify(tmp_path, files, Limits(seconds=120, memory=GIBIBYTE))
    assert [verified[opset].passed for opset in files] == [True, False, True]
    assert "crashed: onnxruntime grew past its memory limit of 1 GiB" in verified[11].verdict.reason
    assert "crashed: openvino grew past its memory limit" in verified[11].verdict.reason


def _runs(folder: Path, files: dict[str, Path], seconds: float, stop: threading.Event) -> dict[str, Run]:
    call = RuntimeCall("onnxruntime", files, _inputs(folder), folder / "calls")
    return runs_of(call, Limits(seconds, ENOUGH.memory), stop)


def test_a_model_that_hangs_costs_no_other(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "hangs.onnx")  # whoever opens it waits for a writer that never comes
    good = _at(12, tmp_path)
    files = {"first": good, "hangs": tmp_path / "hangs.onnx", "last": good}
    runs = _runs(tmp_path, files, 5, threading.Event())
    assert {key: run.outcome for key, run in runs.items()} == {
        "first": "ran",
        "hangs": "timed out",
        "last": "ran",
    }
    assert "onnxruntime did not end within its limit of 5 s" in runs["hangs"].reason
    # It was tried again, first in a process, as the time before was not its own; then the rest went on.
    assert len(list((tmp_path / "calls").iterdir())) == 3


def test_an_interruption_ends_the_runtime(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "hangs.onnx")
    stop = threading.Event()
    threading.Timer(2, stop.set).start()
    with pytest.raises(Interrupted):
        _runs(tmp_path, {"hangs": tmp_path / "hangs.onnx"}, 120, stop)
