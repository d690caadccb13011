"""Runs the usual clients of a zoo on a published folder, served over HTTP as any web server would."""

from __future__ import annotations

import json
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx

from converters.interface import Source, WorkerCall
from pipeline.environments import building
from pipeline.workers.processes import Limits
from pipeline.workers.sources import run_worker
from tests.loopback import served

SOURCE = Source(
    name="hub-client",
    title="onnx.hub",
    folder=Path(__file__).parent / "hub_client",
    weights_suffixes=(),
    license="Apache-2.0",
    domain="org.example",
)
NEVER = threading.Event()


def ask(server: str, folder: Path, *calls: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """What onnx.hub 1.20.1 answers to calls, each a function with its arguments.

    The form of the answers is in ``hub_client/export.py``. The client's cache is in ``folder``, and stays.
    """
    requests = [{"function": function, "arguments": arguments} for function, arguments in calls]
    request = {"task": "client", "server": server, "folder": str(folder), "calls": requests}
    environment = building.ensure(SOURCE, stop=NEVER, say=print)
    answers: list[dict[str, Any]] = _work(request, environment.python, folder)["answers"]
    return answers


def run_backend_tests(runtime: str, unpacked: Mapping[str, Path], folder: Path) -> dict[str, str]:
    """Why the test data of unpacked archives do not come out right in ``runtime``, or "", by name.

    ``onnxruntime`` is asked by the runner of onnx 1.20.1, ``openvino`` by that of our own onnx.
    """
    for name, archive in unpacked.items():
        case = folder / "zoo" / f"test_{name}"
        case.mkdir(parents=True)
        [model] = archive.glob("*.onnx")
        (case / "model.onnx").symlink_to(model)  # the one name that the runner knows
        for data_set in archive.glob("test_data_set_*"):
            (case / data_set.name).symlink_to(data_set)
    request = {"task": "backend", "runtime": runtime, "folder": str(folder)}
    if runtime == "openvino":
        python = Path(sys.executable)
    else:
        python = building.ensure(SOURCE, stop=NEVER, say=print).python
    outcomes = _work(request, python, folder)["outcomes"]
    return {name: outcomes[f"test_{name}"] for name in unpacked}


def _work(request: Mapping[str, Any], python: Path, folder: Path) -> dict[str, Any]:
    return run_worker(
        WorkerCall(SOURCE.script, request),
        python=python,
        variables={},
        what=f"the task {request['task']}",
        folder=folder,
        limits=Limits(),
        stop=NEVER,
    )


def assert_clients_read(published: Path, paths: Sequence[str]) -> None:
    """The usual clients find the models at ``paths`` of a published folder, and reproduce their test data.

    Whoever asks for name and opset gets that very file, and its archive unpacks to a folder of its name.
    """
    manifest = json.loads((published / "ONNX_HUB_MANIFEST.json").read_text(encoding="utf-8"))
    entries = {entry["model_path"]: entry for entry in manifest}
    wanted = [{"model": entries[path]["model"], "opset": entries[path]["opset_version"]} for path in paths]
    with served(published) as server, tempfile.TemporaryDirectory() as scratch:
        functions = ("get_model_info", "load", "download_model_with_test_data")
        calls = [(function, arguments) for function in functions for arguments in wanted]
        answers = iter(ask(server, Path(scratch) / "client", *calls))
        information_of_models, models, folders = ([next(answers)["value"] for _ in paths] for _ in functions)
        assert [information["model_path"] for information in information_of_models] == list(paths)
        for path, model in zip(paths, models, strict=True):
            assert onnx.load(model) == onnx.load(published / path)
        unpacked: dict[str, dict[str, Path]] = {"onnxruntime": {}, "openvino": {}}
        for path, folder in zip(paths, folders, strict=True):
            stem = Path(path).stem
            assert Path(folder).name == stem
            runtime = "onnxruntime" if entries[path]["opset_version"] >= 7 else "openvino"
            unpacked[runtime][stem] = Path(folder)
        for runtime, archives in unpacked.items():
            outcomes = run_backend_tests(runtime, archives, Path(scratch) / runtime)
            wrong = "".join(f"{name}: {outcome}\n" for name, outcome in outcomes.items() if outcome)
            assert not wrong, wrong
