"""Caffe2's ONNX backend, for real, in the environment of the source ``caffe2``."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from converters.registry import SOURCES
from parity.call import Run, RuntimeCall, read_runs
from parity.compare import Tolerance
from parity.runtimes.registry import RUNTIMES, asked_at
from parity.verdict import RuntimeVerdict, judge
from pipeline.environments import building
from tests.parity import old_models
from tests.parity.calls import run, start, wait_until_running
from tests.parity.old_models import OLD_OPSETS, WITH_AXIS, WITHOUT_AXIS

pytestmark = pytest.mark.caffe2


@pytest.fixture(scope="module")
def environment() -> building.Environment:
    """The environment that a user's run would build."""
    return building.ensure(SOURCES["caffe2"], stop=threading.Event(), say=print)


def call(folder: Path, environment: building.Environment, models: dict[str, onnx.ModelProto]) -> RuntimeCall:
    """The call that has Caffe2 run ``models``."""
    np.savez(folder / "inputs.npz", **old_models.INPUTS)  # type: ignore[arg-type]
    files = {}
    for key, model in models.items():
        files[key] = folder / f"{key}.onnx"
        onnx.save(model, files[key])
    return RuntimeCall("caffe2", files, folder / "inputs.npz", folder, python=environment.python)


def opinion(run_of_it: Run, folder: Path, addition: str = WITHOUT_AXIS) -> RuntimeVerdict:
    """What is made of a run, whose model has this ``addition``."""
    references = old_models.references(folder, addition)
    return judge(references, {"caffe2": run_of_it}, Tolerance()).runtimes["caffe2"]


def test_it_is_asked_by_those_who_want_it_and_at_old_opsets() -> None:
    for opset in range(3, 13):
        assert "caffe2" not in asked_at(opset)
        assert ("caffe2" in asked_at(opset, {"caffe2"})) == (opset in OLD_OPSETS)
    assert (RUNTIMES["caffe2"].INDEPENDENT, RUNTIMES["caffe2"].JUDGE) == (True, False)


@pytest.mark.parametrize("addition", [WITHOUT_AXIS, WITH_AXIS])
def test_a_right_model_passes(addition: str, environment: building.Environment, tmp_path: Path) -> None:
    models = {str(opset): old_models.old_model(opset, addition) for opset in OLD_OPSETS}
    runs = run(call(tmp_path, environment, models))
    assert set(runs) == set(models)
    for answer in runs.values():
        assert opinion(answer, tmp_path, addition).agrees, answer
        assert answer.version == "that of torch 1.8.1"


def test_a_model_with_one_wrong_weight_does_not_pass(
    environment: building.Environment, tmp_path: Path
) -> None:
    bias, kernel = old_models.WEIGHTS["bias"].copy(), old_models.WEIGHTS["kernel"].copy()
    bias[2] += np.float32(0.1)
    kernel[1, 2, 0, 1] += np.float32(0.1)
    wrong = {"bias": old_models.old_model(3, bias=bias), "kernel": old_models.old_model(6, kernel=kernel)}
    runs = run(call(tmp_path, environment, wrong))
    for key in wrong:
        assert runs[key].outcome == "ran"
        assert "relative error" in opinion(runs[key], tmp_path).complaint


def test_names_of_nodes_mean_nothing(environment: building.Environment, tmp_path: Path) -> None:
    model = old_models.old_model(6)
    (pooling,) = (node for node in model.graph.node if node.op_type == "AveragePool")
    pooling.op_type, pooling.name = "GlobalAveragePool", "/global_pool/GlobalAveragePool"
    del pooling.attribute[:]
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 8
    del model.graph.node[-1]
    model.graph.node[-1].output[0] = model.graph.output[0].name
    onnx.checker.check_model(model, full_check=True)
    answer = run(call(tmp_path, environment, {"model": model}))["model"]
    assert (answer.outcome, answer.outputs["noise-3"].shape) == ("ran", (3, 8)), answer


@pytest.mark.parametrize(
    ("operator", "attributes", "reason"),
    [
        ("Hardmax", {}, "Hardmax: Don't know how to translate op Hardmax"),
        (
            "Pad",
            {"pads": [0, 1, 0, 0, 0, 0, 0, 0]},
            "Pad: Caffe2 only supports padding 2D Tensor, whereas padding is [0, 1, 0, 0, 0, 0, 0, 0, ]",
        ),
    ],
)
def test_what_it_does_not_support_is_recorded(
    operator: str,
    attributes: dict[str, Any],
    reason: str,
    environment: building.Environment,
    tmp_path: Path,
) -> None:
    model = old_models.old_model(6)
    model.graph.node[2].CopyFrom(helper.make_node(operator, ["normal"], ["rectified"], **attributes))
    runs = run(call(tmp_path, environment, {"unknown": model, "known": old_models.old_model(6)}))
    assert (runs["unknown"].outcome, runs["unknown"].reason) == ("unsupported", reason)
    verdict = opinion(runs["unknown"], tmp_path)
    assert (verdict.agrees, verdict.objects) == (False, False)
    assert runs["known"].outcome == "ran"


def test_what_it_cannot_run_though_it_took_it_crashed(
    environment: building.Environment, tmp_path: Path
) -> None:
    model = old_models.old_model(3, dense=old_models.WEIGHTS["dense"][:-1])
    runs = run(call(tmp_path, environment, {"broken": model, "known": old_models.old_model(6)}))
    assert runs["broken"].outcome == "crashed"
    assert opinion(runs["broken"], tmp_path).objects
    assert runs["known"].outcome == "ran"


def test_a_process_that_dies_costs_one_model(environment: building.Environment, tmp_path: Path) -> None:
    request = call(tmp_path, environment, {"first": old_models.old_model(3), "last": old_models.old_model(6)})
    os.mkfifo(tmp_path / "hangs.onnx")  # whoever opens it waits for a writer that never comes
    first, last = request.models["first"], request.models["last"]
    files = {"first": first, "hangs": tmp_path / "hangs.onnx", "last": last}
    request = RuntimeCall("caffe2", files, request.inputs, tmp_path, python=environment.python)
    process = start(request)
    wait_until_running(request, "hangs")
    process.send_signal(signal.SIGABRT)
    process.wait()
    runs = read_runs(request, "crashed", "ended by SIGABRT")
    assert {key: answer.outcome for key, answer in runs.items()} == {"first": "ran", "hangs": "crashed"}
    (tmp_path / "again").mkdir()
    rest = request.without(runs, tmp_path / "again")
    assert rest.python == environment.python
    assert run(rest)["last"].outcome == "ran"
