"""Caffe2's ONNX backend on the processor: a second opinion on old opsets, for those who ask for it.

It ended with Python 3.9 and an onnx that had an optimiser of its own, so it runs in an environment of
its own, and what onnx has parted with since is put back here. It ignores ``auto_pad``, silently, and
fails where a convolution leaves its ``kernel_shape`` out; it has no Gather along a third axis.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from parity.runtimes.interface import AnyArray, DataSets, UnsupportedError, as_answers

INDEPENDENT = True
JUDGE = False
OPSETS = range(3, 7)
ENVIRONMENT: str | None = "caffe2"
QUANTIZED = False
MODULES: tuple[str, ...] = ("numpy", "onnx")

_SMALL = 1024
"""Tensors of so many bytes stay in the graph: shapes are inferred from some of them."""
_POLISHING = (
    "eliminate_nop_transpose",
    "eliminate_nop_pad",
    "fuse_consecutive_transposes",
    "fuse_transpose_into_gemm",
)
"""What onnx did to a graph when it was asked for no pass by name, while the optimiser was its own."""
_REFUSALS = (
    "ONNX conversion failed",  # by the backend
    "Cannot create operator of type",  # by Caffe2 itself, as the next one
    "Unsupported type of tensor",
)


def version() -> str:
    """Return the version of the package that Caffe2 came with at last."""
    return f"that of torch {metadata.version('torch')}"


def run(model: Path, data_sets: DataSets, threads: int) -> dict[str, list[AnyArray]]:
    """Run every data set in one workspace; see :class:`parity.runtimes.interface.Runtime`."""
    original = _load_backend(threads)
    proto, weights = _read(model)

    def feed(initializer: Any, workspace: Any, device: Any) -> None:
        """Take the weights from where they lie, so that the many copies of the graph have none."""
        for tensor in initializer:
            workspace.FeedBlob(tensor.name, weights.pop(tensor.name), device)

    backend: Any = type("Backend", (original,), {"_direct_initialize_parameters": staticmethod(feed)})
    try:
        # Its check misses the weights; that a file is valid others have seen to.
        network = backend.prepare(proto, no_check_UNSAFE=True)
        _free_early(network.predict_net)
        return {name: as_answers(network.run(list(arrays))) for name, arrays in data_sets.items()}
    except RuntimeError as error:
        if any(words in str(error) for words in _REFUSALS):
            raise UnsupportedError(_refusal(str(error))) from error
        raise


def _load_backend(threads: int) -> Any:
    """The backend, with the parts of onnx that it was written for."""
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(threads)  # read when it is loaded
    optimizer = importlib.import_module("onnxoptimizer")
    utilities = importlib.import_module("onnx.utils")
    shapes = importlib.import_module("onnx.shape_inference")

    def polish_model(model: Any) -> Any:
        return optimizer.optimize(shapes.infer_shapes(model), list(_POLISHING))

    sys.modules["onnx.optimizer"] = vars(sys.modules["onnx"])["optimizer"] = optimizer
    vars(utilities)["polish_model"] = polish_model
    return importlib.import_module("caffe2.python.onnx.backend").Caffe2Backend


def _free_early(net: Any) -> None:
    """Let ``net`` free each blob behind the operator that reads it last.

    By itself it keeps all that its operators computed, which for a few pictures is as much as large weights.
    """
    core = importlib.import_module("caffe2.python.core")
    kept = {*net.external_input, *net.external_output}
    operators = []
    for operator in reversed(list(net.op)):
        done_with = [name for name in dict.fromkeys([*operator.input, *operator.output]) if name not in kept]
        kept.update(done_with)
        if done_with:
            operators.append(core.CreateOperator("Free", done_with, done_with))
        operators.append(operator)
    del net.op[:]
    net.op.extend(reversed(operators))


def _read(model: Path) -> tuple[Any, dict[str, Any]]:
    """The model, whose large tensors have no values, and the values of all its tensors by name."""
    import numpy as np
    import onnx
    from onnx import numpy_helper

    full = onnx.load(str(model))
    weights, kept = {}, []
    while full.graph.initializer:
        # Taken out one by one: protobuf keeps the memory of what is cleared, not of what is removed.
        tensor = full.graph.initializer.pop()
        if tensor.data_type == onnx.TensorProto.FLOAT and tensor.HasField("raw_data"):
            # One copy, which protobuf makes; to_array would make another.
            weights[tensor.name] = np.frombuffer(tensor.raw_data, "<f4").reshape(tensor.dims)
        else:
            weights[tensor.name] = numpy_helper.to_array(tensor)
        if weights[tensor.name].nbytes > _SMALL:
            tensor = onnx.TensorProto(name=tensor.name, data_type=tensor.data_type, dims=tensor.dims)
        kept.append(tensor)
    full.graph.initializer.extend(reversed(kept))
    for node in full.graph.node:
        node.name = ""  # where it has "Pool" in it, Caffe2 asks for a kernel, though the pooling is global
    return full, weights


def _refusal(message: str) -> str:
    """What Caffe2 refuses: each operator with the reason, without stacks and places in its source."""
    refusals = re.findall(r'op_type: "(\w+)".*?Exception: (.*?)(?:\n|\Z)', message, re.DOTALL)
    lines = [f"{operator}: {_without_place(reason)}" for operator, reason in refusals]
    return "; ".join(dict.fromkeys(lines)) or _without_place(message.splitlines()[0])


def _without_place(reason: str) -> str:
    return re.sub(r"^\[enforce fail at [^\]]*\]|\(Error from operator.*", "", reason).strip(" .")
