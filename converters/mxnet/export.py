"""The MXNet side: Gluon networks, their outputs and their ONNX files.

Run by path in the environment of this folder; see ``protocol.py`` for requests and results.
"""

from __future__ import annotations

import os
import warnings
from typing import Any, Dict, Iterable, List, Tuple

import numpy as np

from answering import Answering, Arrays, outputs_task, read_arrays, write_outputs
from model_details import details, details_task
from protocol import MODEL, TaskError, main, unknown_model
from timed_network import latency_task

warnings.filterwarnings("ignore", category=DeprecationWarning)  # MXNet 1.9 on numpy 1.23

import mxnet as mx  # noqa: E402
from mxnet.gluon.model_zoo import model_store, vision  # noqa: E402

import gluon_lively  # noqa: E402
import gluon_onnx  # noqa: E402
import gluon_weights  # noqa: E402

# The mean and deviation that the model zoo's own documentation gives for all its models.
MEAN = [0.485, 0.456, 0.406]
STD = [0.229, 0.224, 0.225]


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


def build(name: str) -> Any:
    """The Gluon network called ``name``, without weights."""
    if name not in model_names():
        raise unknown_model(name, model_names())
    return vision.get_model(name)


def details_of(name: str) -> Dict[str, Any]:
    """The sizes of a network, whose shapes follow from an input and ask for no values."""
    network = build(name)
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


def load(request: Dict[str, Any], inputs: Arrays) -> Tuple[Any, List[Any], Dict[str, Any]]:
    """The network of a request with its weights, its learned parameters, and the record of the weights."""
    network = build(request["model"])
    together = mx.nd.array(np.concatenate(list(inputs.values())))
    network.infer_shape(together)  # Gluon learns the shapes of its parameters from an input
    parameters = network.collect_params()
    learned = learned_of(parameters.values())
    parameters.setattr("grad_req", "null")  # nothing is trained: no gradients beside the weights
    return network, learned, give_weights(network, request, together, learned)


def answering_of(network: Any) -> Answering:
    """What ``network`` answers to arrays."""
    return lambda array: network(mx.nd.array(array)).asnumpy()


def export(request: Dict[str, Any]) -> Dict[str, Any]:
    if request["reparameterise"]:
        raise TaskError(
            MODEL,
            f"{request['model']} has no blocks of several branches that could be fused for inference: "
            "remove `reparameterise` from its entry",
        )
    inputs = read_arrays(request["inputs"])
    network, learned, record = load(request, inputs)
    folder = request["output_folder"]
    write_outputs(folder, answering_of(network), inputs)
    sizes = next(iter(inputs.values())).shape[1:]
    opset = gluon_onnx.write(network, sizes, request["opset"], os.path.join(folder, "model.onnx"))
    return {
        "opset": opset,
        "exporter": f"mxnet.onnx {mx.__version__}",
        "parameters": learned_values(learned),
        "weights": record,
    }


def load_answering(request: Dict[str, Any], inputs: Arrays) -> Answering:
    """What computes the logits; the environment says how many threads there are."""
    return answering_of(load(request, inputs)[0])


if __name__ == "__main__":
    main(
        {
            "catalogue": catalogue,
            "export": export,
            "outputs": outputs_task(load_answering),
            "details": details_task(details_of),
            "latency": latency_task(load_answering, f"mxnet {mx.__version__}"),
        }
    )
