"""The Caffe2 side: nets of its model zoo, and folders with a predict_net.pb and an init_net.pb.

Run by path in the environment of this folder; see ``protocol.py`` for requests and results.
"""

from __future__ import annotations

import os
from typing import Any, Dict, Mapping, NamedTuple, Optional, Tuple

import numpy as np
import torch
from caffe2.python import workspace

import caffe2_lively
import caffe2_nets
import caffe2_running
from answering import Answering, Arrays, outputs_task, read_arrays, write_outputs
from caffe2_folders import Folder, plain
from caffe2_init import VALUE_BYTES, InitNet
from caffe2_layers import CLASSES
from caffe2_onnx import OPSET, Translated, require_known
from checkpoints import OtherHeadError, matching, sha256_of
from chosen_output import Asked, Port, choose
from model_details import details, details_task
from networks import FRAMEWORK, Network, built, head_of, network_of, with_head_of_file
from protocol import MODEL, WEIGHTS, TaskError, main, unknown_model
from timed_network import latency_task
from tracing import Recorder, trace_task

Shapes = Dict[str, Tuple[int, ...]]


def catalogue(request: Dict[str, Any]) -> Dict[str, Any]:
    return {
        "models": {
            name: {"family": caffe2_nets.FAMILIES[name], "preprocessing": caffe2_nets.preprocessing(name)}
            for name in caffe2_nets.NAMES
        }
    }


def details_of(model: str) -> Dict[str, Any]:
    """The sizes of a net, whose parameters are given no values; nobody offers weights for it any more."""
    net, shapes = build(Network(model))
    counts = {name: int(np.prod(shape, dtype=np.int64)) for name, shape in shapes.items()}
    statistics = {name for operator in net.op if operator.type == "SpatialBN" for name in operator.input[3:5]}
    learned = sum(count for name, count in counts.items() if name not in statistics)
    return details(learned, VALUE_BYTES * sum(counts.values()), pretrained=False)


def asked_of(request: Dict[str, Any]) -> Network:
    """The net that a request asks for. Raises TaskError where there is none of its name, or of its size."""
    name = request["model"]
    if name not in caffe2_nets.NAMES:
        raise unknown_model(name, caffe2_nets.NAMES)
    asked = network_of(request, caffe2_nets.INPUT_SIZE)
    if asked.size is not None and name not in caffe2_nets.ANY_SIZE:
        height, width = caffe2_nets.INPUT_SIZE[1:]
        raise TaskError(
            MODEL,
            f"{name} takes pictures of {height} x {width} alone, and was given {asked.size[0]} x "
            f"{asked.size[1]}: leave input_size out of its entry, or take "
            f"{' or '.join(caffe2_nets.ANY_SIZE)}",
        )
    return asked


def build(asked: Network) -> Tuple[Any, Shapes]:
    """The net, and the shapes of its parameters."""
    options = {"classes": asked.classes, "colours": asked.channels}
    given = {name: value for name, value in options.items() if value is not None}
    net, shapes = caffe2_nets.build(asked.model, **given, **asked.arguments)
    return plain(net), shapes


class Loaded(NamedTuple):
    """A net with its parameters in the workspace."""

    net: Any
    source: str
    """The blob that takes the pictures."""
    weights: Dict[str, Any]
    """The record of the parameters."""
    asked: Optional[Network] = None
    """As which net it was built; None for a folder's own."""
    output: Mapping[str, Any] = {}
    """What an answer says of the output that is taken, where there are several."""


def load_named(request: Dict[str, Any], pictures: Any) -> Loaded:
    """A net of :mod:`caffe2_nets` with its parameters."""
    asked, weights = asked_of(request), request["weights"]
    choose([Port("", "the scores")], request["options"]["output"], asked.model)
    net, parameters = built(build, asked, request["options"]["keywords"])
    if weights["kind"] == "pretrained":
        raise TaskError(
            WEIGHTS,
            f"no published weights of {asked.model} can be had any more: Caffe2's model zoo is closed. Name "
            "its init_net.pb as a weights file, or a folder with predict_net.pb and init_net.pb as the model",
        )
    if weights["kind"] == "file":
        init_net = InitNet(weights["path"])
        shapes = {blob: shape for blob, shape in init_net.shapes.items() if blob != caffe2_nets.INPUT}
        try:
            matched, how = matching(shapes, parameters)
        except OtherHeadError as error:
            asked = with_head_of_file(asked, error, CLASSES)
            net, parameters = build(asked)
            matched, how = matching(shapes, parameters)
        init_net.feed(matched)
        origin = f"{os.path.basename(weights['path'])}, matched {how}"
    else:
        caffe2_lively.fill(net, parameters, pictures, weights["seed"])
        caffe2_running.forget(net)
        origin = f"random weights, seed {weights['seed']}"
    record = {"origin": origin, "sha256": None, "tensors": len(parameters)}
    return Loaded(net, caffe2_nets.INPUT, record, asked)


def load_folder(path: str, output: Asked) -> Loaded:
    """The net of a folder, whose weights are its own, with the output that is asked for."""
    folder = Folder(path, output)
    require_known(folder.net)
    folder.require_kept_parameters()
    used = folder.used()
    folder.parameters.feed({name: name for name in used})
    record = {
        "origin": f"{folder.parameters.name} of the model folder",
        "sha256": sha256_of(folder.parameters.path),
        "tensors": len(used),
    }
    return Loaded(folder.net, folder.input, record, output=folder.output)


def load(request: Dict[str, Any], inputs: Arrays) -> Loaded:
    """The net of a request, its parameters in the workspace."""
    if os.path.isabs(request["model"]):
        return load_folder(request["model"], request["options"]["output"])
    return load_named(request, np.concatenate(list(inputs.values())))


def answering_of(net: Any, source: str) -> Answering:
    """What ``net`` answers to arrays that are fed to the blob ``source``."""
    return lambda array: _scores(caffe2_running.run(net, source, array))


def export(request: Dict[str, Any]) -> Dict[str, Any]:
    if request["reparameterise"]:
        raise TaskError(MODEL, "a Caffe2 net has no other form for inference: leave out reparameterise")
    inputs = read_arrays(request["inputs"])
    net, source, record, asked, taken = load(request, inputs)
    translated = Translated(net, source, np.concatenate([next(iter(inputs.values()))[:1]] * 2))
    translated.write(os.path.join(request["output_folder"], "model.onnx"))
    outputs = write_outputs(request["output_folder"], answering_of(net, source), inputs)
    workspace.ResetWorkspace()
    classes = int(next(iter(outputs.values())).shape[1])
    head = {"classes": classes, "from": FRAMEWORK}
    if asked is not None:
        head = head_of(asked, classes, asked != asked_of(request))
    return {
        "opset": OPSET,
        "exporter": f"our translation of Caffe2's NetDef, torch {torch.__version__}",
        "parameters": translated.learned,
        "head": head,
        "weights": record,
        **taken,
    }


def load_timed(request: Dict[str, Any], inputs: Arrays) -> Answering:
    """What computes the scores, for the task ``latency``: the net as Caffe2 keeps and runs it."""
    net, source, *_ = load(request, inputs)
    net.name = net.name or "timed"
    workspace.FeedBlob(source, np.concatenate(list(inputs.values())))
    workspace.CreateNet(net, overwrite=True)

    def run(array: Any) -> Any:
        workspace.FeedBlob(source, array)
        workspace.RunNet(net.name)
        return workspace.FetchBlob(net.external_output[0])

    return run


def load_traced(request: Dict[str, Any], inputs: Arrays, recorder: Recorder) -> Answering:
    """What computes the scores and tells ``recorder`` of every blob on the way."""
    net, source, *_ = load(request, inputs)

    def run(array: Any) -> Any:
        for operator in caffe2_running.run_operators(net, source, array):
            blob = operator.output[0]
            recorder.note(blob, operator.type, workspace.FetchBlob(blob))
        return _scores(workspace.FetchBlob(net.external_output[0]))

    return run


def _scores(output: Any) -> Any:
    """(N, classes) of an output that may have further axes of length 1."""
    return output.reshape(len(output), -1)


if __name__ == "__main__":
    main(
        {
            "catalogue": catalogue,
            "export": export,
            "outputs": outputs_task(lambda request, inputs: answering_of(*load(request, inputs)[:2])),
            "trace": trace_task(load_traced),
            "details": details_task(details_of),
            "latency": latency_task(load_timed, f"Caffe2 of torch {torch.__version__}"),
        }
    )
