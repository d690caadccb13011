"""A graph computed as it is written: integer operators in exact arithmetic, the others in ONNX Runtime.

Nothing is fused and nothing is quantised that the file does not quantise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

import numpy as np
import onnx
from onnx import helper, numpy_helper

from parity.integer_arithmetic import OPERATORS, Array
from parity.runtimes.interface import UnsupportedError, in_precision

_LARGE = 1 << 16
"""Bytes of constants that are handed to ONNX Runtime as inputs: no operator takes its shape from so many."""

_MOST_AT_ONCE = 1 << 26
"""Bytes of weights, if not of one node, that are handed to ONNX Runtime together: each is a copy."""


def has_integer_operators(model: onnx.ModelProto) -> bool:
    """Whether a node of the main graph adds products of integers up."""
    return any(_is_integer(node) for node in model.graph.node)


def evaluate(model: onnx.ModelProto, inputs: Mapping[str, Array], threads: int = 1) -> list[Array]:
    """The outputs of ``model`` in their order.

    Raises:
        UnsupportedError: integers are added up where they are not seen: in a subgraph, in a function
            of the model, or in an operator of another domain.
    """
    _refuse_hidden(model)
    values = dict(inputs)
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    wanted = {value.name for value in model.graph.output}
    groups = list(_groups(model.graph.node, constants))
    for place, (exact, nodes) in enumerate(groups):
        if exact:
            for node in nodes:
                values[node.output[0]] = _computed(node, values, constants)
        else:
            later = {name for _, others in groups[place + 1 :] for name in _reads(others)}
            values |= _run(model, nodes, values, constants, wanted | later, threads)
    return [
        values[value.name] if value.name in values else numpy_helper.to_array(constants[value.name])
        for value in model.graph.output
    ]


def _groups(
    nodes: Sequence[onnx.NodeProto], constants: Mapping[str, onnx.TensorProto]
) -> Iterator[tuple[bool, list[onnx.NodeProto]]]:
    """Whether nodes that follow each other add integers up, and these nodes, without too many weights."""
    for exact, alike in groupby(nodes, _is_integer):
        group, held = list[onnx.NodeProto](), 0
        for node in alike:
            needed = sum(constants[name].ByteSize() for name in _reads([node]) if name in constants)
            if group and not exact and held + needed > _MOST_AT_ONCE:
                yield exact, group
                group, held = [], 0
            group.append(node)
            held += needed
        yield exact, group


def logits_of(model: onnx.ModelProto, pictures: Array, threads: int = 1) -> Array:
    """The one output of ``model``, float32, for its one input, float32 that the model may want in float16.

    Raises UnsupportedError as :func:`evaluate` does.
    """
    return answers_of(model, [pictures], threads)[0].astype(np.float32)


def answers_of(model: onnx.ModelProto, arrays: Sequence[Array], threads: int = 1) -> list[Array]:
    """The outputs of ``model`` for its inputs in their order, floats in any precision.

    Raises UnsupportedError as :func:`evaluate` does.
    """
    constants = {tensor.name for tensor in model.graph.initializer}
    ports = [port for port in model.graph.input if port.name not in constants]
    inputs = {
        port.name: in_precision(array, helper.tensor_dtype_to_np_dtype(port.type.tensor_type.elem_type))
        for port, array in zip(ports, arrays, strict=True)
    }
    return evaluate(model, inputs, threads)


def _is_integer(node: onnx.NodeProto) -> bool:
    return node.op_type in OPERATORS and node.domain in ("", "ai.onnx")


def _refuse_hidden(model: onnx.ModelProto) -> None:
    own = {(function.domain, function.name) for function in model.functions}
    hidden = [node for function in model.functions for node in _every_node(function.node)]
    hidden += [node for outer in model.graph.node for node in _within(outer)]
    for node in hidden:
        if _is_integer(node):
            raise UnsupportedError(f"{node.op_type} in a subgraph or function is not computed exactly")
    for node in [*model.graph.node, *hidden]:
        if node.domain not in ("", "ai.onnx") and (node.domain, node.op_type) not in own:
            raise UnsupportedError(f"{node.domain}.{node.op_type} is not computed exactly")


def _every_node(nodes: Sequence[onnx.NodeProto]) -> Iterator[onnx.NodeProto]:
    for node in nodes:
        yield node
        yield from _within(node)


def _within(node: onnx.NodeProto) -> Iterator[onnx.NodeProto]:
    """The nodes of the subgraphs of ``node``."""
    for attribute in node.attribute:
        for graph in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else ())):
            yield from _every_node(graph.node)


def _reads(nodes: Sequence[onnx.NodeProto]) -> set[str]:
    return {name for node in _every_node(nodes) for name in node.input if name}


def _computed(
    node: onnx.NodeProto, values: Mapping[str, Array], constants: Mapping[str, onnx.TensorProto]
) -> Array:
    inputs = [
        None if not name else values[name] if name in values else numpy_helper.to_array(constants[name])
        for name in node.input
    ]
    attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    return OPERATORS[node.op_type](inputs, attributes)


def _run(
    model: onnx.ModelProto,
    nodes: Sequence[onnx.NodeProto],
    values: Mapping[str, Array],
    constants: Mapping[str, onnx.TensorProto],
    wanted: set[str],
    threads: int,
) -> dict[str, Array]:
    """What ``nodes`` make that is ``wanted``, by its names."""
    import onnxruntime

    made = {name for node in nodes for name in node.output if name}
    read = _reads(nodes)
    given = {name: values[name] for name in sorted(read - made) if name in values}
    given |= {
        name: numpy_helper.to_array(constants[name])  # a graph with them in it is copied again and again
        for name in sorted(read)
        if name in constants and name not in given and len(constants[name].raw_data) >= _LARGE
    }
    outputs = sorted(made & wanted)
    part = onnx.ModelProto(ir_version=model.ir_version, opset_import=model.opset_import)
    part.functions.extend(model.functions)
    part.graph.name = model.graph.name or "part"
    part.graph.node.extend(nodes)
    part.graph.initializer.extend(
        constants[name] for name in sorted(read) if name in constants and name not in given
    )
    for name, array in given.items():
        element = helper.np_dtype_to_tensor_dtype(array.dtype)
        part.graph.input.append(helper.make_tensor_value_info(name, element, [None] * array.ndim))
    part.graph.output.extend(onnx.ValueInfoProto(name=name) for name in outputs)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4  # errors are raised, and need not be printed as well
    session = onnxruntime.InferenceSession(
        part.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return dict(zip(outputs, session.run(outputs, given), strict=True))
