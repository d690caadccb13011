"""Real runtimes on real files, right and wrong ones, in processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import psutil
import pytest

from parity.call import RuntimeCall, read_runs
from parity.compare import Array
from parity.errors import ParityError
from parity.runtimes.registry import RUNTIMES, asked_at
from parity.verdict import Verdict
from tests.parity import calls, models
from tests.parity.calls import run, start, wait_until_running

pytestmark = pytest.mark.slow

ROOM = Path(__file__).parents[2] / "parity"


def verdict(file: Path, folder: Path, references: dict[str, Array] | None = None) -> Verdict:
    return calls.verdict(file, 12, models.INPUTS, references or models.reference(), folder)


def test_the_registry_lists_every_file() -> None:
    files = {file.stem for file in (ROOM / "runtimes").glob("*.py")} - {"__init__", "interface", "registry"}
    assert files == {str(vars(runtime)["__name__"]).rsplit(".", 1)[1] for runtime in RUNTIMES.values()}


def test_a_list_of_runtimes_imports_none() -> None:
    heavy = ("onnxruntime", "openvino", "onnx", "cv2")
    code = f"import sys, parity.verdict; print([name for name in {heavy} if name in sys.modules])"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOM.parent
    )
    assert answer.stdout.strip() == "[]"


def test_a_right_model_passes_in_both(tmp_path: Path) -> None:
    result = verdict(models.write(tmp_path / "m.onnx"), tmp_path)
    assert (result.status, result.reason) == ("passed", "")
    assert all(runtime.agrees and runtime.version for runtime in result.runtimes.values())
    assert set(result.runtimes["openvino"].comparisons) == {"noise-1", "noise-3"}
    json.dumps(result.to_dict(), allow_nan=False)


@pytest.mark.parametrize(
    ("kernel", "bias", "words"),
    [
        (models.KERNEL[::-1].copy(), models.BIAS[::-1].copy(), "another most probable class"),
        (models.KERNEL * np.float32(1.01), models.BIAS, "relative error"),
        (models.KERNEL * np.float32(np.nan), models.BIAS, "not finite"),
        (models.KERNEL * np.float32(0), models.BIAS, "relative error"),
    ],
    ids=["class order", "weight", "nan", "constant"],
)
def test_a_wrong_model_fails_in_both(tmp_path: Path, kernel: Array, bias: Array, words: str) -> None:
    result = verdict(models.write(tmp_path / "m.onnx", kernel, bias), tmp_path)
    assert result.status == "failed"
    assert words in result.reason
    assert not any(runtime.agrees for runtime in result.runtimes.values())


@pytest.mark.parametrize(
    ("kernel", "bias", "words"),
    [
        (models.KERNEL * np.float32(0), models.BIAS, "hardly depend on the input"),
        (models.KERNEL * np.float32(0), models.BIAS * np.float32(0), "nearly the same"),
        (models.KERNEL * np.float32(np.nan), models.BIAS, "not finite"),
    ],
)
def test_a_dead_reference_is_inconclusive_though_the_file_agrees(
    tmp_path: Path, kernel: Array, bias: Array, words: str
) -> None:
    dead = {
        name: (np.maximum(images, 0).mean(axis=(2, 3)) @ kernel.T + bias).astype(np.float32)
        for name, images in models.INPUTS.items()
    }
    result = verdict(models.write(tmp_path / "m.onnx", kernel, bias), tmp_path, dead)
    assert result.status == "inconclusive"
    assert words in result.reason


def test_what_no_runtime_supports_is_inconclusive(tmp_path: Path) -> None:
    network = models.NETWORK.replace("Relu(image)", "other.Relu(image)").replace("12]", '12, "other": 1]')
    result = verdict(models.write(tmp_path / "m.onnx", network=network), tmp_path)
    assert [runtime.outcome for runtime in result.runtimes.values()] == ["unsupported", "unsupported"]
    assert result.status == "inconclusive"
    assert "No conversion rule found for operations: other.Relu" in result.reason


def test_a_broken_file_crashed_and_the_next_still_runs(tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"not a model")
    np.savez(tmp_path / "inputs.npz", **models.INPUTS)  # type: ignore[arg-type]
    files = {"broken": tmp_path / "broken.onnx", "good": models.write(tmp_path / "m.onnx")}
    runs = run(RuntimeCall("onnxruntime", files, tmp_path / "inputs.npz", tmp_path))
    assert (runs["broken"].outcome, runs["good"].outcome) == ("crashed", "ran")
    assert "Protobuf" in runs["broken"].reason
    np.testing.assert_allclose(
        runs["good"].outputs["noise-3"], models.reference()["noise-3"], rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("rubbish", [b"", b"{", b"[]", b"\xff\x00"])
@pytest.mark.parametrize("file", ["result.json", "outputs"])
def test_a_worker_that_writes_rubbish_has_crashed(tmp_path: Path, file: str, rubbish: bytes) -> None:
    np.savez(tmp_path / "inputs.npz", **models.INPUTS)  # type: ignore[arg-type]
    call = RuntimeCall(
        "onnxruntime", {"good": models.write(tmp_path / "m.onnx")}, tmp_path / "inputs.npz", tmp_path
    )
    result = run(call)["good"]
    assert result.outcome == "ran"
    written = json.loads(call.result.read_text())["models"]["good"]["outputs"]
    (call.result if file == "result.json" else Path(written)).write_bytes(rubbish)
    assert read_runs(call)["good"].outcome == "crashed"


def test_a_killed_worker_costs_the_model_that_it_ran(tmp_path: Path) -> None:
    np.savez(tmp_path / "inputs.npz", **models.INPUTS)  # type: ignore[arg-type]
    fifo = tmp_path / "hangs.onnx"
    os.mkfifo(fifo)  # whoever opens it waits for a writer that never comes
    files = {"good": models.write(tmp_path / "m.onnx"), "hangs": fifo, "rest": tmp_path / "m.onnx"}
    call = RuntimeCall("onnxruntime", files, tmp_path / "inputs.npz", tmp_path)
    process = start(call)
    wait_until_running(call, "hangs")
    process.send_signal(signal.SIGABRT)
    assert process.wait() == -signal.SIGABRT
    runs = read_runs(call, "crashed", "ended by SIGABRT")
    assert {key: item.outcome for key, item in runs.items()} == {"good": "ran", "hangs": "crashed"}
    assert runs["hangs"].reason == "ended by SIGABRT"
    assert read_runs(call, "timed out")["hangs"].outcome == "timed out"
    (tmp_path / "again").mkdir()
    assert run(call.without(runs, tmp_path / "again"))["rest"].outcome == "ran"


def test_a_worker_ends_with_its_parent(tmp_path: Path) -> None:
    np.savez(tmp_path / "inputs.npz", **models.INPUTS)  # type: ignore[arg-type]
    os.mkfifo(tmp_path / "hangs.onnx")
    call = RuntimeCall("onnxruntime", {"hangs": tmp_path / "hangs.onnx"}, tmp_path / "inputs.npz", tmp_path)
    call.write_request()
    code = f"import subprocess; print(subprocess.Popen({call.command!r}).pid, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **call.environment},
    ) as parent:
        assert parent.stdout is not None
        worker = psutil.Process(int(parent.stdout.readline()))
        wait_until_running(call, "hangs")
        parent.kill()
    psutil.wait_procs([worker], timeout=60)
    assert not worker.is_running()


def test_a_worker_that_never_started_ends_the_loop(tmp_path: Path) -> None:
    call = RuntimeCall("openvino", {"a": tmp_path / "a.onnx"}, tmp_path / "absent.npz", tmp_path)
    assert {key: item.outcome for key, item in run(call).items()} == {"a": "crashed"}


def test_an_unknown_runtime_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParityError, match="onnxruntime, openvino"):
        RuntimeCall("tensorrt", {}, tmp_path / "inputs.npz", tmp_path).write_request()


@pytest.mark.parametrize("name", ["light_shufflenet", "light_densenet121"])
def test_models_of_the_original_zoo_run_alike_in_both(name: str, tmp_path: Path) -> None:
    light = Path(onnx.__file__).parent / "backend/test/data/light"
    model = onnx.load(light / f"{name}.onnx")
    weights = {tensor.name for tensor in model.graph.initializer}
    (image_input,) = (value for value in model.graph.input if value.name not in weights)
    shape = [dimension.dim_value for dimension in image_input.type.tensor_type.shape.dim]
    image = np.random.default_rng(3).normal(size=shape).astype(np.float32)
    outputs = {
        runtime: RUNTIMES[runtime].run(light / f"{name}.onnx", {"noise-1": [image]}, 1)["noise-1"][0]
        for runtime in asked_at(9)
    }
    np.testing.assert_allclose(outputs["openvino"], outputs["onnxruntime"], rtol=1e-3, atol=1e-6)
    assert outputs["openvino"].shape[1] == 1000
