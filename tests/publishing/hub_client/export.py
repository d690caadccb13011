"""The usual clients of a published zoo: onnx.hub, and the test runner for backends that onnx brings.

Run by path in the environment of this folder, or the runner alone in ours; see ``protocol.py`` for how.

Request, task ``client``, and its result: what onnx.hub answers to each call. The client asks GitHub;
here a loopback server answers in its place::

    {"task": "client", "server": "http://127.0.0.1:8000", "folder": "/.../",
     "calls": [{"function": "get_model_info", "arguments": {"model": "timm/vgg16", "opset": 7}}, ...]}
    {"answers": [{"value": {"model": "timm/vgg16", ...}}, {"refused": "..."}, ...]}

``folder`` receives the client's cache. A value is the path of a file or folder, one ModelInfo or
several, each as its attributes.

Request, task ``backend``, and its result: what the runner says of unpacked archives, "" where their test
data came out as they should. ``folder`` holds ``zoo/test_<name>/`` with ``model.onnx`` and
``test_data_set_<n>/``, as the loader of onnx's own tests wants it::

    {"task": "backend", "runtime": "onnxruntime", "folder": "/.../"}
    {"outcomes": {"test_<name>": "", ...}}
"""

from __future__ import annotations

import importlib
import re
import unittest
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.base import Backend, BackendRep
from onnx.backend.test.loader import load_model_tests
from onnx.backend.test.runner import Runner

from protocol import main

REPOSITORY = "somebody/zoo:main"
GITHUB = re.compile(
    r"https://(?:raw\.githubusercontent\.com|media\.githubusercontent\.com/media)/somebody/zoo/main/(.+)"
)
"""Where the client looks for small files, and for those that Git LFS keeps."""


class LoopbackHandler(urllib.request.HTTPSHandler):
    """Answers for GitHub from another server."""

    def __init__(self, server: str) -> None:
        super().__init__()
        self._server = server

    def https_open(self, request: urllib.request.Request) -> Any:
        match = GITHUB.fullmatch(request.full_url)
        if not match:
            raise ValueError(f"the client asks for {request.full_url}")
        return self.parent.open(f"{self._server}/{match[1]}")


def client(request: dict[str, Any]) -> dict[str, Any]:
    """Do the task ``client``."""
    hub = importlib.import_module("onnx.hub")  # which our own onnx has no more
    without_proxy = urllib.request.ProxyHandler({})
    opener = urllib.request.build_opener(without_proxy, LoopbackHandler(request["server"]))
    urllib.request.install_opener(opener)
    folder = Path(request["folder"])
    hub.set_dir(str(folder / "hub"))
    answers: list[dict[str, Any]] = []
    for number, call in enumerate(request["calls"]):
        trusted = {} if call["function"] in {"list_models", "get_model_info"} else {"silent": True}
        function = getattr(hub, call["function"])
        try:
            value = function(**call["arguments"], repo=REPOSITORY, **trusted)
        except AssertionError as error:  # so the client says that a file is not what it should be
            answers.append({"refused": str(error)})
        else:
            answers.append({"value": _in_json(value, folder / f"{number}.onnx")})
    return {"answers": answers}


def _in_json(value: Any, file: Path) -> Any:
    """A client's answer in what JSON can say; a model is written to ``file``."""
    if isinstance(value, onnx.ModelProto):
        onnx.save(value, file)
        return str(file)
    if isinstance(value, list):
        return [_in_json(one, file) for one in value]
    return value if isinstance(value, str) else {**vars(value), "tags": sorted(value.tags)}


class OpenVinoModel(BackendRep):
    """A compiled model of one input."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled

    def run(self, inputs: list[np.ndarray], **_: Any) -> tuple[np.ndarray, ...]:
        return tuple(self._compiled(inputs).values())


class OpenVino(Backend):
    """OpenVINO, which knows the operators of opsets 3 to 6, as the runner wants it."""

    @classmethod
    def prepare(cls, model: onnx.ModelProto, device: str = "CPU", **_: Any) -> OpenVinoModel:
        import openvino

        core = openvino.Core()
        network = core.read_model(model.SerializeToString())
        return OpenVinoModel(core.compile_model(network, device, {"INFERENCE_PRECISION_HINT": "f32"}))

    @classmethod
    def supports_device(cls, device: str) -> bool:
        return device == "CPU"


def backend(request: dict[str, Any]) -> dict[str, Any]:
    """Do the task ``backend``."""
    if request["runtime"] == "openvino":
        tested = OpenVino
    else:
        import onnxruntime.backend

        tested = onnxruntime.backend.backend.OnnxRuntimeBackend
    runner = Runner(tested)
    for case in load_model_tests(request["folder"], "zoo"):
        # The gate of what is published. The loader's own, 1e-7, is less than float32 can tell apart, and how
        # far a logit near zero is off depends on the processor.
        case.atol = 1e-4 * _largest_output(Path(request["folder"]) / "zoo" / case.name)
        runner._add_model_test(case, "Zoo")
    cases = runner.test_cases["OnnxBackendZooModelTest"]
    names = [name for name in vars(cases) if name.endswith("_cpu")]
    return {"outcomes": {name.removesuffix("_cpu"): _outcome(cases(name)) for name in names}}


def _largest_output(folder: Path) -> float:
    """The largest absolute value among all expected outputs of a case."""
    tensors = map(onnx.load_tensor, folder.glob("test_data_set_*/output_*.pb"))
    return max(float(np.abs(numpy_helper.to_array(tensor)).max()) for tensor in tensors)


def _outcome(test: unittest.TestCase) -> str:
    """Why ``test`` did not pass, or ""."""
    result = unittest.TestResult()
    test.run(result)
    wrong = [reason for _, reason in (*result.failures, *result.errors, *result.skipped)]
    return "\n".join(wrong) if wrong or result.testsRun else "it did not run"


def catalogue(request: dict[str, Any]) -> dict[str, Any]:
    """Do the task ``catalogue``, which every environment has to answer: there are no models in here."""
    importlib.import_module("onnx.hub")
    return {"models": {}}


if __name__ == "__main__":
    main({"catalogue": catalogue, "client": client, "backend": backend})
