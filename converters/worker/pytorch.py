"""What the PyTorch sources share: an export script is a :class:`Framework` and a call of `tasks`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import numpy.typing as npt
import onnx  # noqa: F401 - torch.onnx needs it: what it lacks has to show in the health check
import torch

from answering import (
    Answering,
    Arrays,
    labels_said,
    outputs_task,
    read_arrays,
    require_settled,
    write_outputs,
)
from checkpoints import OtherHeadError, sha256_of
from chosen_output import Asked
from model_details import details, details_task
from networks import (
    Network,
    built,
    head_of,
    network_of,
    no_untrained_head,
    pictures_explained,
    with_head_of_file,
)
from protocol import unknown_model
from pytorch_export import write_onnx
from pytorch_forms import Fusing, no_such_form, reparameterise
from pytorch_layers import tell_of_layers
from pytorch_lively import enliven
from pytorch_names import Match
from pytorch_outputs import logits_in, with_one_output
from pytorch_weights import COUNTER, Checkpoint, fit, read_checkpoint, report
from timed_network import latency_task
from tracing import Recorder, trace_task

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Pretrained:
    """A network with the framework's own weights."""

    network: Any
    origin: str
    """Where they came from, a sentence."""
    file: Optional[str]
    """The file that was downloaded, where that can be known."""
    labels: Optional[Sequence[str]] = None
    """The names of the classes, where the file says them."""


@dataclass(frozen=True)
class Framework:
    """What an export script tells about its framework.

    A network is a ``torch.nn.Module`` that maps pictures, float32 (N, C, H, W), to logits.
    """

    names: Callable[[], Sequence[str]]
    """The classifiers that can be named."""
    catalogue: Callable[[], Dict[str, Dict[str, Any]]]
    """The family of each of them and how it wants its pictures, as ``protocol.py`` describes it."""
    build: Callable[[Network], Any]
    """A network with fresh weights."""
    pretrained: Callable[[Network], Pretrained]
    has_pretrained: Callable[[str], bool]
    """Whether there are such weights for a classifier, found without fetching anything."""
    own_size: Callable[[str], Sequence[int]]
    """Channels, height and width of the pictures of a model, as the framework has it."""
    entries: Tuple[str, ...]
    """Under which its own loader looks for the weights in a checkpoint: the first that is there counts."""
    fusing: Optional[Fusing] = None
    """How it brings a network into its form for inference, where it does so for any."""
    labels: Callable[[Any], Optional[Sequence[str]]] = lambda saved: None
    """The names of classes that its own training writes into a checkpoint; None where it writes none."""
    labels_of_model: Callable[[str], Dict[str, Any]] = lambda model: {}
    """What an answer says of the names of classes that the model itself says, where the weights say none."""


def tasks(framework: Framework) -> Mapping[str, Callable[[Dict[str, Any]], Dict[str, Any]]]:
    """The tasks of an export script, for ``protocol.main``."""

    def catalogue(request: Dict[str, Any]) -> Dict[str, Any]:
        return {"models": framework.catalogue()}

    def export(request: Dict[str, Any]) -> Dict[str, Any]:
        return export_classifier(framework, request)

    def details_of(model: str) -> Dict[str, Any]:
        network = _shapes_of(framework, Network(model))
        return details(_learned(network), tensor_bytes(network), framework.has_pretrained(model))

    def load(request: Dict[str, Any], inputs: Arrays) -> Answering:
        network = _loaded(framework, request, inputs).network
        return lambda batch: _logits(network, torch.from_numpy(batch), request["model"])

    def load_traced(request: Dict[str, Any], inputs: Arrays, recorder: Recorder) -> Answering:
        network = _loaded(framework, request, inputs).network
        tell_of_layers(network, recorder, request["model"])
        return lambda batch: _logits(network, torch.from_numpy(batch), request["model"])

    def load_timed(request: Dict[str, Any], inputs: Arrays) -> Answering:
        return load_classifier(framework, request, inputs)

    return {
        "catalogue": catalogue,
        "export": export,
        "outputs": outputs_task(load),
        "trace": trace_task(load_traced),
        "details": details_task(details_of),
        "latency": latency_task(load_timed, f"torch {torch.__version__}"),
    }


def load_classifier(framework: Framework, request: Dict[str, Any], inputs: Arrays) -> Answering:
    """What computes the logits, for the task ``latency``: the network in the form that a file would hold."""
    torch.set_num_threads(request["threads"])
    network = _with_weights(framework, request, inputs).network
    network.eval()
    if request["reparameterise"] and framework.fusing:
        reparameterise(network, framework.fusing, request["model"])

    def run(array: Any) -> Any:
        with torch.inference_mode():
            return network(torch.from_numpy(array))

    return run


def _shapes_of(framework: Framework, asked: Network) -> Any:
    """The network with tensors that have shapes and no values, where its constructor lets it."""
    try:
        with torch.device("meta"):
            return framework.build(asked)
    except (NotImplementedError, RuntimeError):
        return framework.build(asked)  # it computes with values, such as the rates of its stochastic depth


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
    loaded = _loaded(framework, request, inputs)
    network, folder = loaded.network, request["output_folder"]

    def answering(batch: Array) -> Array:
        return _logits(network, torch.from_numpy(batch), model)

    require_settled(answering, inputs, write_outputs(folder, answering, inputs), model)
    form: Dict[str, Any] = {}
    if request["reparameterise"] and framework.fusing:
        form["training_parameters"] = _learned(network)
        form["reparameterised"] = reparameterise(network, framework.fusing, model)
    example = torch.from_numpy(next(iter(inputs.values()))[:1]).repeat(2, 1, 1, 1)
    written = write_onnx(network, example, os.path.join(folder, "model.onnx"), request["opset"])
    return {
        "opset": written.opset,
        "exporter": written.exporter,
        "parameters": _learned(network),
        "head": loaded.head,
        "weights": loaded.weights,
        **loaded.labels,
        **loaded.output,
        **form,
    }


class _Loaded(NamedTuple):
    """The network of a request with its weights, in eval mode."""

    network: Any
    head: Dict[str, Any]
    weights: Dict[str, Any]
    """The record of these."""
    labels: Dict[str, Any]
    """What the answer says of the names of the classes, where the file of the weights or the model does."""
    output: Dict[str, Any]
    """What it says of the output that was taken, where there are several."""


def _asked(framework: Framework, request: Mapping[str, Any]) -> Network:
    """The network that a request asks for. Raises TaskError where the framework has none of its name."""
    model = request["model"]
    if model not in framework.names():
        raise unknown_model(model, framework.names())
    return network_of(request, framework.own_size(model))


def _loaded(framework: Framework, request: Dict[str, Any], inputs: Arrays) -> _Loaded:
    """The network of a request, of layers that can be exported."""
    torch.backends.mha.set_fastpath_enabled(False)  # fused encoder layers cannot be exported
    loaded = _with_weights(framework, request, inputs)
    return loaded._replace(network=loaded.network.eval())


def _with_weights(framework: Framework, request: Dict[str, Any], inputs: Arrays) -> _Loaded:
    """The network in eval mode with the weights asked for."""
    asked, weights = _asked(framework, request), request["weights"]
    keys, output = request["options"]["keywords"], request["options"]["output"]
    pictures = [torch.from_numpy(array) for array in inputs.values()]
    torch.manual_seed(weights.get("seed", 0))
    sha256, fitted, of_the_file, labels = None, asked, {}, {}
    if weights["kind"] == "pretrained":
        found = _pretrained(framework, asked, keys)
        network, origin, labels = found.network, found.origin, labels_said(found.labels, found.origin)
        sha256 = sha256_of(found.file) if found.file else None
    else:
        network = built(framework.build, asked, keys).eval()
        origin = f"random weights, seed {weights.get('seed')}"
    if weights["kind"] == "file":
        origin = os.path.basename(weights["path"])
        shards, entry = weights.get("shards", ()), weights.get("entry")
        checkpoint = read_checkpoint(weights["path"], framework.entries, entry, shards)
        network, fitted, match = _with_file(framework, asked, network, checkpoint, (pictures[0][:1], output))
        of_the_file = {"file": report(checkpoint, match)}
        labels = labels_said(framework.labels(checkpoint.saved), f"the checkpoint {origin}")
    # Refuses what is no classifier.
    network, classes, taken = _answering(framework, network, fitted, (pictures[0][:1], output))
    head = head_of(fitted, classes, fitted != asked)
    if weights["kind"] == "random":
        enliven(network, torch.cat(pictures), weights["seed"])
    record = {"origin": origin, "sha256": sha256, "tensors": _tensors(network), **of_the_file}
    labels = labels or framework.labels_of_model(asked.model)
    return _Loaded(network, head, record, labels, taken)


def _pretrained(framework: Framework, asked: Network, keys: Mapping[str, str]) -> Pretrained:
    """The network with the framework's own weights."""
    try:
        loaded: Pretrained = built(framework.pretrained, asked, keys)
        return loaded
    except OtherHeadError as error:
        if asked.classes != error.needed:
            raise
        raise no_untrained_head(asked, error.given) from error


_Question = Tuple[Any, Asked]
"""A picture, float32 (1, C, H, W), and the output that is to answer to it."""


def _with_file(
    framework: Framework, asked: Network, network: Any, checkpoint: Checkpoint, question: _Question
) -> Tuple[Any, Network, Match]:
    """A network with the weights of a file; as which one it was built, and how the tensors were found.

    Where ``network``, which is that of ``asked``, has another head only, it is built anew with that of the
    file, unless ``asked`` says how many classes there are.
    """
    try:
        return network, asked, fit(network, checkpoint)
    except OtherHeadError as error:
        other = with_head_of_file(asked, error, _answering(framework, network, asked, question)[1])
        network = framework.build(other).eval()
        return network, other, fit(network, checkpoint)


def _answering(
    framework: Framework, network: Any, asked: Network, question: _Question
) -> Tuple[Any, int, Dict[str, Any]]:
    """The network with its one output that is asked for, the number of its logits, and what is said of it."""
    picture, output = question
    with pictures_explained(asked, framework.own_size(asked.model)):
        network, answer, taken = with_one_output(network.eval(), picture, output, asked.model)
        return network, int(logits_in(answer, picture, asked.model).shape[1]), taken


def _logits(network: Any, pictures: Any, model: str) -> Array:
    """The network's answer to ``pictures``, float32 (N, classes)."""
    with torch.inference_mode():
        return logits_in(network(pictures), pictures, model)


def _learned(network: Any) -> int:
    """The number of learned values of a network."""
    return sum(parameter.numel() for parameter in network.parameters())


def _tensors(network: Any) -> int:
    """The number of weight tensors of a network, without the counters that only training reads."""
    return len([name for name in network.state_dict() if not name.endswith(COUNTER)])
