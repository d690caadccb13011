"""A Gluon network as an ONNX file, the weights attached as raw bytes after the translation.

``mx.onnx.export_model`` hands weights over as Python lists (vgg11_bn: 95 s and 9 GB), takes its opset
from the installed onnx and stamps that package's IR version. So only its translation of the
symbol is used, with a translation of weights of our own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import mxnet as mx
import mxnet.onnx
import numpy as np
import onnx
from mxnet.onnx.mx2onnx._export_onnx import MXNetGraph

import onnx_stream
from protocol import EXPORT, TaskError

INPUT = "data"
LOWEST_OPSET, HIGHEST_OPSET = 12, 13


class _Described:
    """What the translation may know of a parameter: all but its values, which it would copy."""

    def __init__(self, parameter: Any) -> None:
        self.shape = tuple(parameter.shape)
        self.dtype = parameter.dtype

    def asnumpy(self) -> Any:
        return np.broadcast_to(np.zeros((), self.dtype), self.shape)


def _declare(node: Any, **context: Any) -> Any:
    """Translate a variable of the symbol into a graph input; weights are attached to it later."""
    if context["is_input"]:
        return [onnx.helper.make_tensor_value_info(node["name"], context["in_type"], context["in_shape"])], (
            np.float32,
        )
    array = context["weights"][node["name"]]
    kind = onnx.helper.np_dtype_to_tensor_dtype(array.dtype)
    return [onnx.helper.make_tensor_value_info(node["name"], kind, array.shape)], (array.dtype,)


def _fixed_gammas(symbol: Any) -> set[str]:
    """Scales of batch normalisations that MXNet takes as 1 whatever their values are."""
    nodes = json.loads(symbol.tojson())["nodes"]
    return {
        nodes[node["inputs"][1][0]]["name"]
        for node in nodes
        if node["op"] == "BatchNorm" and node.get("attrs", {}).get("fix_gamma", "True") in ("True", "1")
    }


def _translate(symbol: Any, parameters: Any, shape: tuple[int, ...], opset: int) -> Any:
    """The graph without weights, its parameters still among its inputs."""
    for version in MXNetGraph.registry_:
        MXNetGraph.registry_[version]["null"] = _declare
    try:
        return MXNetGraph().create_onnx_graph_proto(
            symbol,
            {name: _Described(parameter) for name, parameter in parameters.items()},
            [(1, *shape)],
            [onnx.TensorProto.FLOAT],
            opset_version=opset,
            dynamic=True,
            dynamic_input_shapes=[("batch", *shape)],
        )
    except (AttributeError, NotImplementedError, AssertionError) as error:
        raise TaskError(EXPORT, f"mx.onnx cannot translate this network: {error}") from error


def _weight(parameter: Any, *, all_ones: bool) -> onnx_stream.Weight:
    """The values of ``parameter``, or as many ones."""
    shape, kind = tuple(parameter.shape), np.dtype(parameter.dtype)

    def pieces() -> Iterator[Any]:
        yield np.ones(shape, kind) if all_ones else parameter.data().asnumpy()

    return onnx_stream.Weight(int(np.prod(shape)) * kind.itemsize, pieces)


def write(network: Any, shape: tuple[int, ...], opset: int, path: str) -> int:
    """Write ``network`` for inputs (batch, *shape) to ``path``; the opset that it was written at."""
    opset = min(max(opset, LOWEST_OPSET), HIGHEST_OPSET)
    symbol, parameters = network(mx.sym.var(INPUT)), network.collect_params()
    _, (output_shape,), _ = symbol.infer_shape(**{INPUT: (1, *shape)})
    graph = _translate(symbol, parameters, shape, opset)
    (output,) = graph.output
    output.CopyFrom(
        onnx.helper.make_tensor_value_info(output.name, onnx.TensorProto.FLOAT, ("batch", *output_shape[1:]))
    )
    for node in graph.node:
        node.name = node.name or node.output[0]
    opsets = [onnx.helper.make_opsetid("", opset)]
    model = onnx.ModelProto(
        ir_version=onnx.helper.find_min_ir_version_for(opsets),
        producer_name="mxnet.onnx",
        producer_version=mx.__version__,
        opset_import=opsets,
    )
    constants = {tensor.name for tensor in graph.initializer}
    for value in [value for value in graph.input if value.name in constants]:
        graph.input.remove(value)
    model.graph.CopyFrom(graph)
    model.graph.name = network.name
    fixed = _fixed_gammas(symbol)
    weights = {
        name: _weight(parameter, all_ones=name in fixed)
        for name, parameter in parameters.items()
        if name not in constants
    }
    onnx_stream.write(model, weights, path)
    return opset
