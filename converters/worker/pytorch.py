"""What the PyTorch sources share: an export script is a :class:`Framework` and a call of `tasks`."""

from __future__ import annotations

import os
import re
import socket
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np
import numpy.typing as npt
import onnx  # noqa: F401 - torch.onnx needs it: what it lacks has to show in the health check
import torch

from answering import Answering, Arrays, outputs_task, read_arrays, write_outputs
from checkpoints import sha256_of
from model_details import details, details_task
from protocol import EXPORT, WEIGHTS, TaskError, unknown_model
from pytorch_export import write_onnx
from pytorch_forms import Fusing, no_such_form, reparameterise
from pytorch_lively import enliven
from pytorch_weights import COUNTER, fit, read_checkpoint
from timed_network import latency_task

Array = npt.NDArray[np.float32]

SILENCE = 30.0
"""Seconds without an answer after which a download has failed."""


@dataclass(frozen=True)
class Pretrained:
    """A network with the framework's own weights."""

    network: Any
    origin: str
    """Where they came from, a sentence."""
    file: Optional[str]
    """The file that was downloaded, where that can be known."""


@dataclass(frozen=True)
class Framework:
    """What an export script tells about its framework.

    A network is a ``torch.nn.Module`` that maps pictures, float32 (N, C, H, W), to logits.
    """

    names: Callable[[], Sequence[str]]
    """The classifiers that can be named."""
    catalogue: Callable[[], Dict[str, Dict[str, Any]]]
    """The family of each of them and how it wants its pictures, as ``protocol.py`` describes it."""
    build: Callable[[str], Any]
    """A network with fresh weights."""
    pretrained: Callable[[str], Pretrained]
    has_pretrained: Callable[[str], bool]
    """Whether there are such weights for a classifier, found without fetching anything."""
    unused_weights: Tuple[str, ...] = ()
    """Beginnings of the names of tensors in checkpoints that only training needs."""
    fusing: Optional[Fusing] = None
    """How it brings a network into its form for inference, where it does so for any."""


def tasks(framework: Framework) -> Mapping[str, Callable[[Dict[str, Any]], Dict[str, Any]]]:
    """The tasks of an export script, for ``protocol.main``."""

    def catalogue(request: Dict[str, Any]) -> Dict[str, Any]:
        return {"models": framework.catalogue()}

    def export(request: Dict[str, Any]) -> Dict[str, Any]:
        return export_classifier(framework, request)

    def details_of(model: str) -> Dict[str, Any]:
        network = _shapes_of(framework, model)
        return details(_learned(network), tensor_bytes(network), framework.has_pretrained(model))

    def load(request: Dict[str, Any], inputs: Arrays) -> Answering:
        network, _ = _loaded(framework, request, inputs)
        return lambda batch: _logits(network, torch.from_numpy(batch), request["model"])

    def load_timed(request: Dict[str, Any], inputs: Arrays) -> Answering:
        return load_classifier(framework, request, inputs)

    return {
        "catalogue": catalogue,
        "export": export,
        "outputs": outputs_task(load),
        "details": details_task(details_of),
        "latency": latency_task(load_timed, f"torch {torch.__version__}"),
    }


def load_classifier(framework: Framework, request: Dict[str, Any], inputs: Arrays) -> Answering:
    """What computes the logits, for the task ``latency``: the network in the form that a file would hold."""
    model = request["model"]
    if model not in framework.names():
        raise unknown_model(model, framework.names())
    torch.set_num_threads(request["threads"])
    pictures = [torch.from_numpy(array) for array in inputs.values()]
    network, _ = _with_weights(framework, model, request["weights"], pictures)
    network.eval()
    if request["reparameterise"] and framework.fusing:
        reparameterise(network, framework.fusing, model)

    def run(array: Any) -> Any:
        with torch.inference_mode():
            return network(torch.from_numpy(array))

    return run


def _shapes_of(framework: Framework, model: str) -> Any:
    """The network ``model`` with tensors that have shapes and no values, where its constructor lets it."""
    try:
        with torch.device("meta"):
            return framework.build(model)
    except (NotImplementedError, RuntimeError):
        return framework.build(model)  # it computes with values, such as the rates of its stochastic depth


def tensor_bytes(network: Any) -> int:
    """The bytes of a network's parameters and buffers, each counted once, without BatchNorm's counters."""
    buffers = [buffer for name, buffer in network.named_buffers() if not name.endswith(COUNTER)]
    return sum(tensor.numel() * tensor.element_size() for tensor in [*network.parameters(), *buffers])


def export_classifier(framework: Framework, request: Dict[str, Any]) -> Dict[str, Any]:
    """Do the task ``export`` of ``protocol.py``."""
    model = request["model"]
    if request["reparameterise"] and framework.fusing is None:
        raise no_such_form(model)
    inputs = read_arrays(request["inputs"])
    network, weights = _loaded(framework, request, inputs)
    folder = request["output_folder"]
    write_outputs(folder, lambda batch: _logits(network, torch.from_numpy(batch), model), inputs)
    form: Dict[str, Any] = {}
    if request["reparameterise"] and framework.fusing:
        form["training_parameters"] = _learned(network)
        form["reparameterised"] = reparameterise(network, framework.fusing, model)
    example = torch.from_numpy(next(iter(inputs.values()))[:1]).repeat(2, 1, 1, 1)
    opset = write_onnx(network, example, os.path.join(folder, "model.onnx"), request["opset"])
    return {
        "opset": opset,
        "exporter": "torch.onnx.export",
        "parameters": _learned(network),
        "weights": weights,
        **form,
    }


def _loaded(framework: Framework, request: Dict[str, Any], inputs: Arrays) -> Tuple[Any, Dict[str, Any]]:
    """The network of a request in eval mode, and the record of its weights."""
    model = request["model"]
    if model not in framework.names():
        raise unknown_model(model, framework.names())
    torch.backends.mha.set_fastpath_enabled(False)  # fused encoder layers cannot be exported
    pictures = [torch.from_numpy(array) for array in inputs.values()]
    network, weights = _with_weights(framework, model, request["weights"], pictures)
    return network.eval(), weights


def _with_weights(
    framework: Framework, model: str, weights: Mapping[str, Any], pictures: List[Any]
) -> Tuple[Any, Dict[str, Any]]:
    """The network in eval mode with the weights asked for, and the record of these."""
    sha256 = None
    if weights["kind"] == "pretrained":
        loaded = framework.pretrained(model)
        network, origin = loaded.network, loaded.origin
        sha256 = sha256_of(loaded.file) if loaded.file else None
    else:
        torch.manual_seed(weights.get("seed", 0))
        network = framework.build(model).eval()
        if weights["kind"] == "random":
            _logits(network, pictures[0][:1], model)  # refuses what is no classifier, before it is enlivened
            enliven(network, torch.cat(pictures), weights["seed"])
            origin = f"random weights, seed {weights['seed']}"
        else:
            matched = fit(network, read_checkpoint(weights["path"]), framework.unused_weights)
            origin = f"{os.path.basename(weights['path'])}, tensors matched {matched}"
    return network, {"origin": origin, "sha256": sha256, "tensors": _tensors(network)}


def _logits(network: Any, pictures: Any, model: str) -> Array:
    """The network's answer to ``pictures``, float32 (N, classes)."""
    with torch.inference_mode():
        answer = network(pictures)
    if not isinstance(answer, torch.Tensor):
        raise TaskError(
            EXPORT,
            f"{model} answers with a {type(answer).__name__}, not with one tensor of logits: "
            "it cannot be published as a classifier",
        )
    if answer.ndim != 2 or len(answer) != len(pictures):
        raise TaskError(
            EXPORT,
            f"{model} answers {len(pictures)} pictures with a tensor of shape {tuple(answer.shape)}, "
            "not (pictures, classes): it cannot be published as a classifier",
        )
    logits: Array = answer.float().numpy()
    return logits


def _learned(network: Any) -> int:
    """The number of learned values of a network."""
    return sum(parameter.numel() for parameter in network.parameters())


def _tensors(network: Any) -> int:
    """The number of weight tensors of a network, without the counters that only training reads."""
    return len([name for name in network.state_dict() if not name.endswith(COUNTER)])


def download(url: str, model: str) -> str:
    """Download weights into torch.hub's folder, as the frameworks do, and return the file's path.

    A name such as ``resnet18-f37072fd.pth`` holds the beginning of the file's sha256, which is
    checked. Raises TaskError where the download fails.
    """
    name = os.path.basename(url)
    folder = os.path.join(torch.hub.get_dir(), "checkpoints")
    path = os.path.join(folder, name)
    digest = re.search(r"-([0-9a-f]{8,})\.", name)
    if not os.path.exists(path):
        os.makedirs(folder, exist_ok=True)
        socket.setdefaulttimeout(SILENCE)  # torch.hub itself would wait for ever
        try:
            torch.hub.download_url_to_file(url, path, digest.group(1) if digest else None, progress=False)
        except (OSError, RuntimeError) as error:
            raise download_failed(model, url, error) from error
    return path


def download_failed(model: str, place: str, error: Exception) -> TaskError:
    """The error of a download by a framework."""
    return TaskError(
        WEIGHTS,
        f"the pretrained weights of {model} could not be had from {place}: {type(error).__name__}: {error}. "
        "Check that it can be reached, or name a weights file",
    )
