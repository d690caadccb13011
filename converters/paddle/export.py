"""The Paddle side: networks of paddle.vision and PaddleClas, and inference model folders.

Run by path in the environment of this folder; see ``protocol.py`` for requests and results.
"""

from __future__ import annotations

import gc
import os
import tempfile
import warnings
from typing import Any, Dict, List, NamedTuple, Tuple

import numpy as np

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
from protocol import EXPORT, MODEL, TaskError, main
from timed_network import latency_task
from tracing import Recorder, trace_task

warnings.filterwarnings("ignore", message="No ccache found")  # nothing is compiled here

import paddle  # noqa: E402

import paddle_folders  # noqa: E402
import paddle_forms  # noqa: E402
import paddle_labels  # noqa: E402
import paddle_layers  # noqa: E402
import paddle_lively  # noqa: E402
import paddle_models  # noqa: E402
import paddle_onnx  # noqa: E402
import paddle_outputs  # noqa: E402
import paddle_pictures  # noqa: E402
import paddle_repairs  # noqa: E402
import paddle_saving  # noqa: E402
import paddle_weights  # noqa: E402


def catalogue(request: Dict[str, Any]) -> Dict[str, Any]:
    return {
        "models": {
            name: {"family": paddle_models.family(name), "preprocessing": paddle_pictures.preprocessing(name)}
            for name in sorted(paddle_models.BUILDERS)
        }
    }


IMAGENET_CLASSES = 1000
"""What every network has where nobody says otherwise."""


class Loaded(NamedTuple):
    """The network of a request with its weights."""

    network: Any
    head: Dict[str, Any]
    weights: Dict[str, Any]
    """The record of these."""
    output: Dict[str, Any]
    """What an answer says of the output that is taken, where there are several."""


def asked_of(request: Dict[str, Any]) -> Network:
    """The network that a request asks for."""
    return network_of(request, own_size(request["model"]))


def own_size(name: str) -> List[int]:
    """Channels, height and width of the pictures of a network."""
    size: List[int] = paddle_pictures.preprocessing(name)["input_size"]
    return size


def build(asked: Network, request: Dict[str, Any]) -> Tuple[Any, Network, Dict[str, Any]]:
    """A network with its weights, random ones still fresh; as which one it was built; the record of these."""
    weights, keys = request["weights"], request["options"]["keywords"]
    record: Dict[str, Any] = {"sha256": None}
    fitted = asked
    if weights["kind"] == "pretrained":
        url, file = paddle_models.find_pretrained(asked.model)
        try:
            network, fitted, _ = load(asked, file, keys, exact=False)
        except OtherHeadError as error:
            raise (
                no_untrained_head(asked, error.given) if asked.classes == error.needed else error
            ) from error
        record["origin"] = f"pretrained weights of Paddle, {url}"
        record["sha256"] = sha256_of(file)
    elif weights["kind"] == "file":
        network, fitted, matched = load(asked, weights["path"], keys)
        record["origin"] = f"{os.path.basename(weights['path'])}, matched {matched}"
    else:
        network = built(paddle_models.build, asked, keys)
        record["origin"] = f"random weights, seed {weights['seed']}"
    record["tensors"] = len(network.state_dict())
    return network, fitted, record


def load(asked: Network, path: str, keys: Dict[str, str], exact: bool = True) -> Tuple[Any, Network, str]:
    """A network with the weights of the file ``path``, as which one it was built, and how they were matched.

    The file is read before there is a network: to read one as old as PaddleClas's own takes twice its size.
    Where the file has a head of another length, and ``asked`` says none, the network gets that many classes.
    """
    tensors = paddle_weights.read_checkpoint(path)
    network = built(paddle_models.build, asked, keys)
    try:
        return network, asked, paddle_weights.fit(network, tensors, exact)
    except OtherHeadError as error:
        asked = with_head_of_file(asked, error, IMAGENET_CLASSES)
        with paddle.utils.unique_name.guard():  # the names of its layers begin at 0 too
            network = built(paddle_models.build, asked, keys)
        return network, asked, paddle_weights.fit(network, tensors, exact)


def details_of(name: str) -> Dict[str, Any]:
    """The sizes of a network, whose tensors are given no values where its builder lets them be without."""
    try:
        with paddle.LazyGuard():
            return built_details(name)
    except RuntimeError:  # it changes the values of a layer
        gc.collect()  # layers refer to each other
        return built_details(name)


def built_details(name: str) -> Dict[str, Any]:
    """The sizes of a network that is built for them, and whether there are weights for it."""
    with paddle.utils.unique_name.guard():
        network = paddle_models.build(Network(name))
    pretrained = paddle_models.has_pretrained(name)
    tensors = {id(value): value for value in network.state_dict().values()}.values()
    tensor_bytes = sum(int(np.prod(value.shape)) * value.element_size() for value in tensors)
    return details(learned_values(network), tensor_bytes, pretrained)


def load_network(request: Dict[str, Any], inputs: Arrays) -> Loaded:
    """The network of a request with its weights."""
    asked = asked_of(request)
    network, fitted, record = build(asked, request)
    pictures = paddle.to_tensor(np.concatenate(list(inputs.values())))
    with paddle.no_grad(), pictures_explained(fitted, own_size(fitted.model)):
        answer = network(pictures[:1])
    network, answer, taken = paddle_outputs.with_one_output(network, answer, request)
    head = head_of(fitted, int(answer.shape[-1]), fitted != asked)
    if request["weights"]["kind"] == "random":
        paddle_lively.enliven(network, pictures, request["weights"]["seed"])
    return Loaded(network, head, record, taken)


def answering_of(network: Any) -> Answering:
    """What ``network`` answers to arrays."""

    def answering(array: Any) -> Any:
        with paddle.no_grad():
            return network(paddle.to_tensor(array)).numpy()

    return answering


def export_network(
    request: Dict[str, Any], inputs: Arrays, path: str
) -> Tuple[Dict[str, Any], Dict[str, Any]]:
    """Outputs by name, and what the answer says of the file of a network."""
    network, head, record, taken = load_network(request, inputs)
    answering = answering_of(network)
    outputs = write_outputs(request["output_folder"], answering, inputs)
    require_settled(answering, inputs, outputs, request["model"])
    sizes: Tuple[int, ...] = next(iter(inputs.values())).shape[1:]
    form = {**paddle_repairs.form_of(network), **taken}
    if request["reparameterise"]:
        form["training_parameters"] = learned_values(network)
        form["reparameterised"] = paddle_forms.reparameterise(network, request["model"])
    with tempfile.TemporaryDirectory(dir=request["output_folder"]) as folder:
        paddle_saving.save(network, sizes, folder)
        program, files = os.path.join(folder, paddle_saving.PROGRAM), paddle_saving.parameter_files(folder)
        opset = paddle_onnx.write(program, files, (None, *sizes), request["opset"], path)
    parameters = learned_values(network)
    return outputs, {"opset": opset, "parameters": parameters, "head": head, "weights": record, **form}


def learned_values(network: Any) -> int:
    """The number of learned values of a network."""
    return sum(int(np.prod(value.shape)) for value in network.parameters() if value.trainable)


def export_folder(
    request: Dict[str, Any], inputs: Arrays, path: str
) -> Tuple[Dict[str, Any], Dict[str, Any]]:
    """The same of an inference model folder, whose weights are its own."""
    if request["reparameterise"]:
        raise paddle_forms.no_such_form("an inference model folder")
    folder = paddle_folders.Folder(request["model"])
    named = labels_said(*paddle_labels.labels(request["model"]))
    sizes: Tuple[int, ...] = next(iter(inputs.values())).shape[1:]
    with tempfile.TemporaryDirectory(dir=request["output_folder"]) as scratch:
        program = paddle_folders.prepared(request, folder, scratch, sizes)
        outputs = write_outputs(request["output_folder"], program.run, inputs)
        require_settled(program.run, inputs, outputs, "the model")
        opset = paddle_onnx.write(
            program.model,
            [program.parameters],
            (program.batch, *sizes),
            request["opset"],
            path,
            program.output,
        )
    record = {
        "origin": f"{os.path.basename(folder.parameters)} of the model folder",
        "sha256": sha256_of(folder.parameters),
        "tensors": program.tensors,
    }
    head = {"classes": int(next(iter(outputs.values())).shape[-1]), "from": FRAMEWORK}
    said = {"opset": opset, "parameters": program.learned, "head": head, "weights": record}
    return outputs, {**said, **program.said, **named}


def load_model(request: Dict[str, Any], inputs: Arrays) -> Answering:
    """What the model of a request answers to arrays."""
    if os.path.isabs(request["model"]):
        folder, sizes = paddle_folders.Folder(request["model"]), next(iter(inputs.values())).shape[1:]
        scratch = tempfile.mkdtemp(dir=request["output_folder"])
        run: Answering = paddle_folders.prepared(request, folder, scratch, sizes).run
        return run
    return answering_of(load_network(request, inputs).network)


def load_traced(request: Dict[str, Any], inputs: Arrays, recorder: Recorder) -> Answering:
    """The same of a network whose layers tell ``recorder`` what they answer with."""
    if os.path.isabs(request["model"]):
        raise TaskError(MODEL, "an inference model folder is a program, which shows its outputs alone")
    network = load_network(request, inputs).network
    paddle_layers.tell_of_layers(network, recorder)
    return answering_of(network)


def export(request: Dict[str, Any]) -> Dict[str, Any]:
    inputs = read_arrays(request["inputs"])
    path = os.path.join(request["output_folder"], "model.onnx")
    task = export_folder if os.path.isabs(request["model"]) else export_network
    outputs, answer = task(request, inputs, path)
    answers = [f"{array.dtype} {array.shape}" for array in outputs.values()]
    if any(array.ndim != 2 or array.dtype.kind != "f" for array in outputs.values()):
        raise TaskError(
            EXPORT, f"the model answers with arrays {', '.join(answers)}, not with logits (N, classes)"
        )
    exporter = f"paddle2onnx.export {paddle_onnx.VERSION}, paddlepaddle {paddle.__version__}"
    return {"exporter": exporter, **answer}


def load_timed(request: Dict[str, Any], inputs: Arrays) -> Answering:
    """What computes the logits, for the task ``latency``; the environment says how many threads there are."""
    if os.path.isabs(request["model"]):
        scratch = tempfile.mkdtemp(dir=os.path.dirname(request["turns"]))
        folder = paddle_folders.Folder(request["model"])
        # Refuses what must not run.
        program = paddle_folders.prepared(request, folder, scratch, next(iter(inputs.values())).shape[1:])
        program.predictor = paddle_folders.optimised_predictor(folder, request["threads"])
        run: Answering = program.run
        return run
    network = load_network(request, inputs).network
    if request["reparameterise"]:
        paddle_forms.reparameterise(network, request["model"])
    return answering_of(network)


if __name__ == "__main__":
    main(
        {
            "catalogue": catalogue,
            "export": export,
            "outputs": outputs_task(load_model),
            "trace": trace_task(load_traced),
            "details": details_task(details_of),
            "latency": latency_task(load_timed, f"paddlepaddle {paddle.__version__}"),
        }
    )
