"""One function per way to run a model; each returns the outputs in order or raises what its runtime raises.

They are called in a process of their own, because native code may abort or hang.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import metadata
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto

from parity.exact import evaluate, has_integer_operators
from parity.quantized import is_quantized
from tools.opset_coverage.cases import Array, default_opset, every_node

ONNXRUNTIME, OPENVINO, OPENCV, REFERENCE = "onnxruntime", "OpenVINO", "OpenCV", "onnx.reference"
RAISED = "onnxruntime after raising to 9"
RAISED_BY_US = "onnxruntime after raising to 9 by our own rules"
EXACT = "exact arithmetic"
"""The graph as it is written: integers added up by parity's exact arithmetic, the rest by onnxruntime."""
LOWEST_OF_ONNXRUNTIME = 7
"""Below this opset onnxruntime refuses most operators, and runs the rest with newer meanings."""

MISUNDERSTOOD = {"Softmax", "LogSoftmax", "Hardmax", "LRN", "AveragePool"}
"""Operators whose older forms onnx.reference computes wrongly."""


class NotAsked(Exception):  # noqa: N818 - an answer, not a mistake
    """The runtime is known to be wrong on this model, so that its answer would say nothing."""


def run_onnxruntime(model: bytes, inputs: dict[str, Array]) -> list[Array]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4  # errors are raised, and need not be printed as well
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return list(session.run(None, inputs))


def run_exact(model: bytes, inputs: dict[str, Array]) -> list[Array]:
    return evaluate(onnx.load_from_string(model), inputs)


def run_raised(model: bytes, inputs: dict[str, Array]) -> list[Array]:
    """Raise the model to opset 9 by onnx.version_converter, then run it by onnxruntime."""
    raised = onnx.version_converter.convert_version(onnx.load_from_string(model), 9)
    return run_onnxruntime(raised.SerializeToString(), inputs)


def run_raised_by_us(model: bytes, inputs: dict[str, Array]) -> list[Array]:
    """Raise the model to opset 9 as parity does, by rules that those of ``opsets`` know nothing of."""
    from parity.raising import raise_to_9

    raised = onnx.load_from_string(model)
    raise_to_9(raised)
    return run_onnxruntime(raised.SerializeToString(), inputs)


def run_openvino(model: bytes, inputs: dict[str, Array]) -> list[Array]:
    import openvino

    loaded = onnx.load_from_string(model)
    if default_opset(loaded) in (11, 12) and any(n.op_type == "Softmax" for n in every_node(loaded.graph)):
        raise NotAsked("it gives Softmax the meaning of opset 13 from 11 on")
    core = openvino.Core()
    # Without the hint, processors that can may compute in bfloat16.
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1}
    compiled = core.compile_model(core.read_model(model), "CPU", settings)
    answers = compiled(list(inputs.values()))  # by position: the importer may rename inputs
    return [np.array(answers[index]) for index in range(len(compiled.outputs))]


def run_opencv(model: bytes, inputs: dict[str, Array]) -> list[Array]:
    """Outputs of no or one axis have two in OpenCV: they take the shape of the model's declaration."""
    import cv2

    cv2.setNumThreads(1)
    graph = onnx.load_from_string(model).graph
    network: Any = cv2.dnn.readNetFromONNX(np.frombuffer(model, np.uint8), cv2.dnn.ENGINE_NEW)
    for name, array in inputs.items():
        network.setInput(array, name)
    outputs = network.forward([value.name for value in graph.output])
    shapes = [[dim.dim_value for dim in value.type.tensor_type.shape.dim] for value in graph.output]
    return [
        np.asarray(output).reshape(shape) if len(shape) < 2 else np.asarray(output)
        for output, shape in zip(outputs, shapes, strict=True)
    ]


def run_reference(model: bytes, inputs: dict[str, Array]) -> list[Array]:
    from onnx.reference import ReferenceEvaluator

    graph = onnx.load_from_string(model)
    refuse_misunderstood(graph)
    return [np.asarray(value) for value in ReferenceEvaluator(graph).run(None, inputs)]


def refuse_misunderstood(model: ModelProto) -> None:
    """Raise :class:`NotAsked` where onnx.reference is known to be wrong."""
    for node in every_node(model.graph):
        attributes = {attribute.name for attribute in node.attribute}
        if (node.op_type in MISUNDERSTOOD and default_opset(model) < 13) or "broadcast" in attributes:
            raise NotAsked(f"it does not know the older form of {node.op_type}")


def run(runtime: str, model: bytes, inputs: dict[str, Array]) -> list[Array]:
    return RUNTIMES[runtime](model, inputs)


RUNTIMES: dict[str, Callable[[bytes, dict[str, Array]], list[Array]]] = {
    EXACT: run_exact,
    ONNXRUNTIME: run_onnxruntime,
    OPENVINO: run_openvino,
    RAISED: run_raised,
    RAISED_BY_US: run_raised_by_us,
    OPENCV: run_opencv,
    REFERENCE: run_reference,
}


def judges(opset: int, model: bytes) -> tuple[str, ...]:
    """The runtimes that are asked about a ``model`` of ``opset``, the most trusted first.

    Where integers are added up, the others may saturate, as the processor decides.
    """
    if has_integer_operators(onnx.load_from_string(model)):
        return (EXACT,)
    if opset >= LOWEST_OF_ONNXRUNTIME:
        return (ONNXRUNTIME, OPENVINO, REFERENCE)
    return (OPENVINO, RAISED, RAISED_BY_US, OPENCV, REFERENCE)


def also_as_written(model: bytes) -> bool:
    """Whether ``model`` is quantised, so that what onnxruntime fuses has to be right without that too."""
    return is_quantized(node.op_type for node in onnx.load_from_string(model).graph.node)


def versions() -> str:
    """The packages whose answers are reported, with their versions."""
    packages = ("onnx", "onnxruntime", "openvino", "opencv-python-headless")
    return ", ".join(f"{package} {metadata.version(package)}" for package in packages)
