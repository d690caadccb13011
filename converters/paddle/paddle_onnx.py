"""From a saved Paddle inference model to an ONNX file, with paddle2onnx."""

from __future__ import annotations

import importlib.metadata
import os
import re
import sys
import tempfile
from typing import Any, Dict, List, Optional, Tuple

import onnx
import paddle2onnx

import onnx_stream
import paddle_attributes
import paddle_parameters
import paddle_program
from onnx_outputs import inner_graphs, keep_output, read_by
from protocol import EXPORT, TaskError

VERSION = importlib.metadata.version("paddle2onnx")
_COMPLAINT = re.compile(r"(?:\[ERROR\]\[Paddle2ONNX\]|Failed to convert PaddlePaddle model:) ?(.*\S)")


def write(
    model: str, params: List[str], shape: Tuple[Optional[int], ...], opset: int, path: str, output: int = 0
) -> int:
    """Write the inference model ``model`` and ``params`` to ``path``; return the opset of the file.

    ``params`` are the files of its parameters, in the order of their names, or one that holds them all.
    ``shape`` is (N, C, H, W) of its input, where N is None for a batch axis that is left open. ``output`` is
    the position of the output that the file is to have. paddle2onnx raises ``opset`` by itself where the
    model needs a higher one. None of its optimisers runs, so that no BatchNormalization is folded and no
    weight changes. Raises TaskError where paddle2onnx cannot say the model.
    """
    tensors = paddle_parameters.records(params)
    graph_file = _converted(model, tensors, opset, os.path.dirname(path))
    keep_output(graph_file.graph, output)
    _tidy(graph_file.graph)
    _fix_sizes(graph_file.graph, shape)
    weights = _declare_weights(graph_file.graph, tensors)
    try:
        onnx.checker.check_model(graph_file, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise TaskError(EXPORT, f"paddle2onnx wrote an invalid ONNX graph: {error}") from error
    onnx_stream.write(graph_file, weights, path)
    return next(int(entry.version) for entry in graph_file.opset_import if entry.domain in {"", "ai.onnx"})


def _converted(model: str, tensors: List[paddle_parameters.Record], opset: int, folder: str) -> Any:
    """The ONNX model of ``model``, with marks in the place of large ``tensors``."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        stem = os.path.join(scratch, "inference")
        meant = paddle_program.write_for_conversion(model, stem + ".json")
        paddle_parameters.write_marked(tensors, stem + ".pdiparams")
        said = _convert_apart(stem, opset)
        sys.stderr.write(said)
        try:
            converted = onnx.load(stem + ".onnx")
        except Exception as error:
            # It logs what went wrong, and then aborts, or stumbles over the result that it does not have.
            reason = "; ".join(dict.fromkeys(_COMPLAINT.findall(said))) or "its reason is in the log"
            raise TaskError(EXPORT, f"paddle2onnx could not convert this model: {reason}") from error
        paddle_attributes.require_equal(meant, converted.graph)
        return converted


def _convert_apart(stem: str, opset: int) -> str:
    """Convert in a process of its own, which paddle2onnx ends where it cannot go on; what it said."""
    with open(stem + ".log", "w+", encoding="utf-8", errors="replace") as log:
        child = os.fork()
        if not child:
            try:
                os.dup2(log.fileno(), 1)
                os.dup2(log.fileno(), 2)
                paddle2onnx.export(
                    stem + ".json",
                    stem + ".pdiparams",
                    stem + ".onnx",
                    opset_version=opset,
                    auto_upgrade_opset=True,
                    enable_optimize=False,
                    optimize_tool="None",
                )
                sys.stdout.flush()
                sys.stderr.flush()
            finally:
                os._exit(0)  # whether there is a file says how it went
        os.waitpid(child, 0)
        log.seek(0)
        return log.read()


def _declare_weights(graph: Any, tensors: List[paddle_parameters.Record]) -> Dict[str, onnx_stream.Weight]:
    """Turn the marks among the initialisers into inputs of the shape of what they stand for; its bytes."""
    weights = {}
    kept = []
    for tensor in graph.initializer:
        position = paddle_parameters.marked(tensor)
        if position is None:
            kept.append(tensor)
            continue
        meant = tensors[position]
        graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, meant.dims))
        weights[tensor.name] = onnx_stream.region(meant.path, meant.offset, meant.length)
    copies = [onnx.TensorProto.FromString(tensor.SerializeToString()) for tensor in kept]
    del graph.initializer[:]
    graph.initializer.extend(copies)
    return weights


def _tidy(graph: Any) -> None:
    """Turn Constant nodes into initialisers and drop the Identity nodes that only rename."""
    kept: List[Any] = []
    renamed: Dict[str, str] = {}
    results = {value.name for value in graph.output}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            tensor = graph.initializer.add()
            tensor.CopyFrom(node.attribute[0].t)
            tensor.name = node.output[0]
        elif node.op_type == "Identity" and node.output[0] not in results:
            renamed[node.output[0]] = renamed.get(node.input[0], node.input[0])
        else:
            kept.append(node)
    for node in kept:
        _rename_inputs(node, renamed)
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in kept]
    del graph.node[:]
    graph.node.extend(copies)
    used = {name for node in copies for name in read_by(node)} | results
    for position in reversed(range(len(graph.initializer))):
        if graph.initializer[position].name not in used:
            del graph.initializer[position]


def _rename_inputs(node: Any, renamed: Dict[str, str]) -> None:
    """Rename what ``node`` reads, also inside the branches of an If and the bodies of loops.

    No inner value can be meant: ONNX does not let one take the name of an outer one.
    """
    for position, name in enumerate(node.input):
        node.input[position] = renamed.get(name, name)
    for graph in inner_graphs(node):
        for inner in graph.node:
            _rename_inputs(inner, renamed)
        for value in graph.output:
            value.name = renamed.get(value.name, value.name)


def _fix_sizes(graph: Any, shape: Tuple[Optional[int], ...]) -> None:
    """Leave only the batch axis open, and that only where ``shape`` does."""
    if len(graph.input) != 1:
        raise TaskError(EXPORT, f"the model has {len(graph.input)} inputs, needed one")
    batch, *sizes = shape
    for value in (graph.input[0], graph.output[0]):
        if batch is None:
            value.type.tensor_type.shape.dim[0].dim_param = "batch"
        else:
            value.type.tensor_type.shape.dim[0].dim_value = batch
    for dimension, size in zip(graph.input[0].type.tensor_type.shape.dim[1:], sizes, strict=True):
        dimension.dim_value = size
    del graph.value_info[:]  # sizes that were unknown then
