"""The MXNet side: Gluon networks, their outputs and their ONNX files.

Run by path in the environment of this folder; see ``protocol.py`` for requests and results.
"""

from __future__ import annotations

import os
import warnings
from typing import Any, Dict, Iterable, List, NamedTuple

import numpy as np

from answering import Answering, Arrays, outputs_task, read_arrays, write_outputs
from checkpoints import OtherHeadError, sha256_of
from chosen_output import Asked, Port, choose
from model_details import details, details_task
from networks import (
    FRAMEWORK,
    Network,
    built,
    head_of,
    network_of,
    no_untrained_head,
    pictures_explained,
    with_head_of_file,
)
from protocol import MODEL, TaskError, main, unknown_model
from timed_network import latency_task
from tracing import Recorder, trace_task

warnings.filterwarnings("ignore", category=DeprecationWarning)  # MXNet 1.9 on numpy 1.23

import mxnet as mx  # noqa: E402
import mxnet_symbols  # noqa: E402
from mxnet.gluon.model_zoo import model_store, vision  # noqa: E402

import gluon_lively  # noqa: E402
import gluon_onnx  # noqa: E402
import gluon_weights  # noqa: E402

# The mean and deviation that the model zoo's own documentation gives for all its models.
MEAN = [0.485, 0.456, 0.406]
STD = [0.229, 0.224, 0.225]


IMAGENET_CLASSES = 1000
"""What every network of the zoo has where nobody says otherwise."""


def model_names() -> List[str]:
    """Every name that ``vision.get_model`` knows; the store has pretrained weights for each."""
    return sorted(model_store._model_sha1)


def family(name: str) -> str:
    """The module of the model zoo that defines the network ``name``."""
    return type(vision.get_model(name)).__module__.rsplit(".", 1)[-1]


def preprocessing(name: str) -> Dict[str, Any]:
    size = 299 if name == "inceptionv3" else 224
    return {
        "input_size": [3, size, size],
        "resize": 342 if name == "inceptionv3" else 256,
        "crop_mode": "center",
        "interpolation": "bilinear",
        "mean": MEAN,
        "std": STD,
        "colour": "RGB",
    }


def catalogue(request: Dict[str, Any]) -> Dict[str, Any]:
    return {
        "models": {
            name: {"family": family(name), "preprocessing": preprocessing(name)} for name in model_names()
        }
    }


def asked_of(request: Dict[str, Any]) -> Network:
    """The network that a request asks for. Raises TaskError where there is none of its name."""
    name = request["model"]
    if name not in model_names():
        raise unknown_model(name, model_names())
    return network_of(request, preprocessing(name)["input_size"])


def build(asked: Network) -> Any:
    """The Gluon network, without weights; their shapes follow from the pictures that it is given."""
    classes = {} if asked.classes is None else {"classes": asked.classes}
    with mx.name.NameManager():  # the names of a second network of the same kind begin at 0 too
        return vision.get_model(asked.model, **classes, **asked.arguments)


def with_shapes(asked: Network, pictures: Any, keys: Dict[str, str]) -> Any:
    """The network with parameters whose shapes are known, and no values yet."""
    network = built(build, asked, keys)
    with pictures_explained(asked, preprocessing(asked.model)["input_size"]):
        network.infer_shape(pictures)
    return network


def details_of(name: str) -> Dict[str, Any]:
    """The sizes of a network, whose shapes follow from an input and ask for no values."""
    network = build(Network(name))
    network.infer_shape(mx.nd.zeros((1, *preprocessing(name)["input_size"])))
    parameters = list(network.collect_params().values())
    tensor_bytes = sum(int(np.prod(value.shape)) * np.dtype(value.dtype).itemsize for value in parameters)
    pretrained = name in model_store._model_sha1
    return details(learned_values(learned_of(parameters)), tensor_bytes, pretrained)


def learned_of(parameters: Iterable[Any]) -> List[Any]:
    """Those of a fresh network's parameters that are learned."""
    return [value for value in parameters if value.grad_req != "null"]


def learned_values(learned: List[Any]) -> int:
    """The number of values in ``learned``."""
    return int(sum(np.prod(value.shape) for value in learned))


class Loaded(NamedTuple):
    """The network of a request with its weights."""

    network: Any
    learned: List[Any]
    """Its learned parameters."""
    head: Dict[str, Any]
    weights: Dict[str, Any]
    """The record of these."""
    form: Dict[str, Any]
    """What an answer says of the form of a network that is not the framework's own, and of its output."""


def load(request: Dict[str, Any], inputs: Arrays) -> Loaded:
    """The network of a request with its weights."""
    if os.path.isabs(request["model"]):
        return load_folder(request["model"], inputs, request["options"]["output"])
    asked = asked_of(request)
    choose([Port("", "the logits")], request["options"]["output"], asked.model)
    together = mx.nd.array(np.concatenate(list(inputs.values())))
    try:
        loaded = _load(asked, request, together)
    except OtherHeadError as error:
        if request["weights"]["kind"] == "pretrained" and asked.classes == error.needed:
            raise no_untrained_head(asked, error.given) from error
        other = with_head_of_file(asked, error, IMAGENET_CLASSES)
        loaded = _load(other, request, together)
    return loaded


def _load(asked: Network, request: Dict[str, Any], together: Any) -> Loaded:
    network = with_shapes(asked, together, request["options"]["keywords"])
    parameters = network.collect_params()
    learned = learned_of(parameters.values())
    parameters.setattr("grad_req", "null")  # nothing is trained: no gradients beside the weights
    record = give_weights(network, request, together, learned)
    _, (shape,), _ = network(mx.sym.var("data")).infer_shape(data=together.shape)
    head = head_of(asked, shape[1], asked != asked_of(request))
    return Loaded(network, learned, head, record, {})


def load_folder(path: str, inputs: Arrays, output: Asked) -> Loaded:
    """The network in the folder ``path``, its weights beside it, with the output that is asked for."""
    folder = mxnet_symbols.Folder(path)
    shape = next(iter(inputs.values())).shape
    network, answers, surplus, taken = mxnet_symbols.load(folder, shape, output)
    parameters = network.collect_params()
    passed_over = f", without {', '.join(surplus)}, which no operator needs" if surplus else ""
    record = {
        "origin": f"{os.path.basename(folder.parameters)} of the model folder{passed_over}",
        "sha256": sha256_of(folder.parameters),
        "tensors": len(parameters.keys()),
    }
    _, (scores,), _ = network(mx.sym.var("data")).infer_shape(data=shape)
    if len(scores) != 2:
        raise TaskError(
            MODEL,
            f"{os.path.basename(folder.symbol)} answers with arrays of the shape {scores}, not with logits "
            "(N, classes): export a network that ends as a classifier does",
        )
    head = {"classes": scores[1], "from": FRAMEWORK}
    form = {"form": f"as its symbol says, {answers}", **taken}
    return Loaded(network, mxnet_symbols.learned_of(network), head, record, form)


def give_weights(network: Any, request: Dict[str, Any], inputs: Any, learned: List[Any]) -> Dict[str, Any]:
    """Fill ``network`` as the request's ``weights`` say; the result's record of where they came from."""
    name, weights = request["model"], request["weights"]
    kind, sha256 = weights["kind"], None
    if kind == "random":
        gluon_lively.initialise(network, inputs, learned, weights["seed"])
        origin = f"random weights, seed {weights['seed']}"
    elif kind == "pretrained":
        url, sha256 = gluon_weights.load_pretrained(network, name)
        origin = f"pretrained weights of the Gluon model store, {url}"
    else:
        matched = gluon_weights.load_file(network, weights["path"])
        origin = f"{os.path.basename(weights['path'])}, matched {matched}"
    return {"origin": origin, "sha256": sha256, "tensors": len(network.collect_params().keys())}


def answering_of(network: Any) -> Answering:
    """What ``network`` answers to arrays."""
    return lambda array: network(mx.nd.array(array)).asnumpy()


def export(request: Dict[str, Any]) -> Dict[str, Any]:
    if request["reparameterise"]:
        raise TaskError(
            MODEL,
            f"{os.path.basename(request['model'])} has no blocks of several branches that could be fused for "
            "inference: remove `reparameterise` from its entry",
        )
    inputs = read_arrays(request["inputs"])
    loaded = load(request, inputs)
    network, folder = loaded.network, request["output_folder"]
    write_outputs(folder, answering_of(network), inputs)
    sizes = next(iter(inputs.values())).shape[1:]
    opset = gluon_onnx.write(network, sizes, request["opset"], os.path.join(folder, "model.onnx"))
    return {
        "opset": opset,
        "exporter": f"mxnet.onnx {mx.__version__}",
        "parameters": learned_values(loaded.learned),
        "head": loaded.head,
        "weights": loaded.weights,
        **loaded.form,
    }


def load_answering(request: Dict[str, Any], inputs: Arrays) -> Answering:
    """What computes the logits; the environment says how many threads there are."""
    return answering_of(load(request, inputs).network)


def load_traced(request: Dict[str, Any], inputs: Arrays, recorder: Recorder) -> Answering:
    """The same of a network whose blocks tell ``recorder`` what they answer with."""
    if os.path.isabs(request["model"]):
        raise TaskError(MODEL, "the symbol of a model folder is one block, which shows its outputs alone")
    network = load(request, inputs).network

    def tell(block: Any, asked: Any, answer: Any) -> None:
        if block is not network and isinstance(answer, mx.nd.NDArray):
            recorder.note(block.name, type(block).__name__, answer.asnumpy())

    network.apply(lambda block: block.register_forward_hook(tell))
    return answering_of(network)


if __name__ == "__main__":
    main(
        {
            "catalogue": catalogue,
            "export": export,
            "outputs": outputs_task(load_answering),
            "trace": trace_task(load_traced),
            "details": details_task(details_of),
            "latency": latency_task(load_answering, f"mxnet {mx.__version__}"),
        }
    )
