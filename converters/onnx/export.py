"""The side of ONNX files: onnxruntime on a file as it came, with nothing optimised.

Run by path with the interpreter of the pipeline itself; see ``protocol.py`` for requests and results.
"""

from __future__ import annotations

import os
from typing import Any, Dict, List, NamedTuple

import numpy as np
import onnx
import onnxruntime

from answering import (
    Answering,
    Arrays,
    in_batches_of,
    outputs_task,
    read_arrays,
    require_batch,
    write_outputs,
)
from checkpoints import sha256_of
from chosen_output import Port, choose, said_of
from networks import FRAMEWORK
from onnx_outputs import keep_output
from protocol import EXPORT, MODEL, TaskError, main
from timed_network import latency_task

LARGEST_WEIGHTS = 2**31 - 2**24
"""Bytes: weights of more stand beside the file, which protobuf writes only up to 2 GiB."""
FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE)


class Loaded(NamedTuple):
    """A file that onnxruntime has read."""

    answering: Answering
    position: int
    """Of the output that is published."""
    said: Dict[str, Any]
    """What an answer says of it, where there are several."""


def load(request: Dict[str, Any], threads: int, optimised: bool = False) -> Loaded:
    """What onnxruntime makes of the file of a request; 0 threads: as many as there are processors."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    path, asked = request["model"], request["options"]
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own have no base of their own
        raise TaskError(EXPORT, f"onnxruntime cannot run the file as it came: {_reason(error)}") from error
    [pictures], name = session.get_inputs(), os.path.basename(path)
    ports = [Port(one.name, f"{one.type} of shape {one.shape}") for one in session.get_outputs()]
    position = choose(ports, asked["output"], name)

    def run(array: Any) -> Any:
        try:
            [scores] = session.run([ports[position].name], {pictures.name: array})
        except Exception as error:
            raise TaskError(
                EXPORT,
                f"onnxruntime cannot run the file as it came on {len(array)} pictures: {_reason(error)}",
            ) from error
        return scores

    fixed = pictures.shape[0]
    if isinstance(fixed, int):
        require_batch(fixed, asked["batch"], name)
    answering = in_batches_of(run, fixed) if isinstance(fixed, int) else run
    return Loaded(answering, position, said_of(ports, position))


def _reason(error: Exception) -> str:
    return str(error).strip().splitlines()[0]


def load_reference(request: Dict[str, Any]) -> Loaded:
    """What computes the reference outputs of a request: nothing is optimised."""
    return load(request, int(os.environ.get("OMP_NUM_THREADS", "0")))


def load_timed(request: Dict[str, Any], inputs: Arrays) -> Answering:
    """What is timed: the file as it came, as onnxruntime's users run it."""
    return load(request, request["threads"], optimised=True).answering


def _beside(path: str) -> str:
    """What is said of files beside the one at ``path`` that have weights of it; mostly there are none."""
    tensors = onnx.load(path, load_external_data=False).graph.initializer
    places = {entry.value for one in tensors for entry in one.external_data if entry.key == "location"}
    told = [
        f"{name}, sha256 {sha256_of(os.path.join(os.path.dirname(path), name))}" for name in sorted(places)
    ]
    return f", and of {'; '.join(told)}" if told else ""


def export(request: Dict[str, Any]) -> Dict[str, Any]:
    path, inputs = request["model"], read_arrays(request["inputs"])
    if request["reparameterise"]:
        raise TaskError(
            MODEL,
            f"{os.path.basename(path)} is a file, and does not say which of its branches could be fused: "
            "remove `reparameterise` from its entry",
        )
    loaded = load_reference(request)
    outputs = write_outputs(request["output_folder"], loaded.answering, inputs)
    shapes = [array.shape for array in outputs.values()]
    if any(len(shape) != 2 for shape in shapes):
        raise TaskError(EXPORT, f"the model answers with arrays {shapes}, not with logits (N, classes)")
    model = onnx.load(path)
    keep_output(model.graph, loaded.position)
    tensors: List[Any] = list(model.graph.initializer)
    size = sum(len(tensor.raw_data) for tensor in tensors)
    opset = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    copied = os.path.join(request["output_folder"], "model.onnx")
    onnx.save(model, copied, save_as_external_data=size > LARGEST_WEIGHTS, location="model.onnx.data")
    maker = " ".join(filter(None, [model.producer_name, model.producer_version])) or "nobody says who"
    return {
        "opset": opset,
        "exporter": f"the file as it came, written by {maker}",
        "parameters": sum(int(np.prod(one.dims)) for one in tensors if one.data_type in FLOATS),
        "as_it_came": True,
        **loaded.said,
        "head": {"classes": shapes[0][1], "from": FRAMEWORK},
        "weights": {
            "origin": f"those of the file {os.path.basename(path)} as it came{_beside(path)}",
            "sha256": sha256_of(path),
            "tensors": len(tensors),
        },
    }


if __name__ == "__main__":
    main(
        {
            "export": export,
            "outputs": outputs_task(lambda request, inputs: load_reference(request).answering),
            "latency": latency_task(
                load_timed, f"onnxruntime {onnxruntime.__version__} on the file as it came"
            ),
        }
    )
