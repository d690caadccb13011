"""Parameters and multiply-adds of an ONNX model, counted from its graph: the same at every opset."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import onnx

from evaluation.shapes import Lengths, lengths_of
from evaluation.tensors import is_uniform

NOT_LEARNED = "computed for an older opset, not learned"
"""The ``doc_string`` that retargeting gives to constants that could be taken for weights."""
SETTING = "of the preprocessing, not learned"
"""The one that an embedded normalisation has."""

_FLOATS = {
    onnx.TensorProto.FLOAT,
    onnx.TensorProto.DOUBLE,
    onnx.TensorProto.FLOAT16,
    onnx.TensorProto.BFLOAT16,
}

_LEARNED_INPUTS = {
    "Conv": {1, 2},
    "ConvTranspose": {1, 2},
    "BatchNormalization": {1, 2},
    "PRelu": {1},
    "LSTM": {1, 2, 3},
    "GRU": {1, 2, 3},
    "RNN": {1, 2, 3},
}
"""What is learned whatever its values are."""

_SETTINGS = {
    "BatchNormalization": {3, 4},  # statistics of the training data
    "Resize": {1, 2, 3},
    "Upsample": {1},
    "Pad": {2},
    "Clip": {1, 2},
    "OneHot": {1, 2},
    "Range": {0, 1, 2},
    "Dropout": {1, 2},
    "QuantizeLinear": {1, 2},
    "DequantizeLinear": {1, 2},
}
"""What never is."""

_PRODUCTS = {"Gemm", "MatMul", "Einsum"}

_NOT_COUNTED = {
    *("LSTM", "GRU", "RNN"),
    "QLinearConv",
    "QLinearMatMul",
    "ConvInteger",
    "MatMulInteger",
}
"""Operators that multiply and add in a way that is not counted here."""


@dataclass(frozen=True)
class MultiplyAdds:
    """Multiply-adds for one picture, by the kind of operator."""

    convolutions: int = 0
    fully_connected: int = 0
    """Products with learned weights."""
    matrix_products: int = 0
    """Products of two computed tensors, as in attention."""

    @property
    def total(self) -> int:
        return self.convolutions + self.fully_connected + self.matrix_products


@dataclass(frozen=True)
class Figures:
    """What was counted in one model."""

    parameters: int
    """Learned values. Statistics of normalisations are not among them, nor are settings."""
    multiply_adds: MultiplyAdds | None
    """None where they cannot be known; ``unknown`` says why."""
    unknown: str = ""


def count_figures(model: onnx.ModelProto) -> Figures:
    """Count the parameters and multiply-adds of a model.

    Its weights may be external data at an absolute path, of which no more is read than is needed.

    Convolutions and matrix products count, and nothing else: no biases, normalisations, activations
    or poolings. What is computed of constants only is done once and not for each picture, so it does not
    count; nor does a product whose contraction has the length 1, as nothing is added in it (below opset
    7, it copies a tensor along an axis), nor one with a constant that retargeting marked: it interpolates.

    Constants of floats with more than one element count as parameters. Statistics and settings do not,
    nor what retargeting marked, nor constants whose elements are all equal, unless a convolution or a
    normalisation has them for its weights: such are the ones and zeros that exporters and older opsets
    need where nothing is learned.

    Raises:
        OSError: external data cannot be read.
    """
    constants = _constants(model.graph)
    parameters = sum(math.prod(tensor.dims) for tensor in _learned(model.graph, constants).values())
    try:
        return Figures(parameters, _multiply_adds(model, constants))
    except _UnknownError as error:
        return Figures(parameters, None, str(error))


class _UnknownError(Exception):
    """Multiply-adds that cannot be counted."""


def _constants(graph: onnx.GraphProto) -> dict[str, onnx.TensorProto]:
    """Every constant tensor of the main graph by its name."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            for attribute in node.attribute:
                if attribute.name == "value":
                    constants[node.output[0]] = attribute.t
    return constants


def _nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """The nodes of a graph and of the branches and bodies in it."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _nodes(attribute.g)


def _learned(
    graph: onnx.GraphProto, constants: Mapping[str, onnx.TensorProto]
) -> dict[str, onnx.TensorProto]:
    learned: dict[str, onnx.TensorProto] = {}
    for node in _nodes(graph):
        for index, name in enumerate(node.input):
            tensor = constants.get(name)
            if tensor is None or name in learned or not _may_be_learned(tensor):
                continue
            if index in _LEARNED_INPUTS.get(node.op_type, ()):
                learned[name] = tensor
            elif index in _SETTINGS.get(node.op_type, ()) or math.prod(tensor.dims) == 1:
                continue
            elif not is_uniform(tensor):
                learned[name] = tensor
    return learned


def _may_be_learned(tensor: onnx.TensorProto) -> bool:
    return tensor.data_type in _FLOATS and tensor.doc_string not in (NOT_LEARNED, SETTING)


def _multiply_adds(model: onnx.ModelProto, constants: Mapping[str, onnx.TensorProto]) -> MultiplyAdds:
    lengths, batch = lengths_of(model)
    fixed = set(constants)
    not_learned = {name for name, tensor in constants.items() if tensor.doc_string == NOT_LEARNED}
    counts = dict.fromkeys(("convolutions", "fully_connected", "matrix_products"), 0)
    for node in model.graph.node:
        inputs = [name for name in node.input if name]
        if inputs and fixed.issuperset(inputs):
            fixed.update(node.output)
        elif node.op_type in ("Conv", "ConvTranspose"):
            counts["convolutions"] += _convolution(node, lengths)
        elif node.op_type in _PRODUCTS and not_learned.isdisjoint(inputs):
            kind = "matrix_products" if fixed.isdisjoint(inputs[:2]) else "fully_connected"
            counts[kind] += _einsum(node, lengths) if node.op_type == "Einsum" else _product(node, lengths)
        else:
            _refuse_uncounted(node)
    return MultiplyAdds(**{kind: count // batch for kind, count in counts.items()})


def _refuse_uncounted(node: onnx.NodeProto) -> None:
    inner = [attribute.g for attribute in node.attribute if attribute.HasField("g")]
    multiplying = {"Conv", "ConvTranspose"} | _PRODUCTS | _NOT_COUNTED
    kinds = {inside.op_type for graph in inner for inside in _nodes(graph)} & multiplying
    if node.op_type in _NOT_COUNTED or kinds:
        what = node.op_type if node.op_type in _NOT_COUNTED else f"{node.op_type} with {min(kinds)} in it"
        raise _UnknownError(f"the multiply-adds of {what} are not counted")


def _known_lengths(name: str, lengths: Mapping[str, Lengths]) -> list[int]:
    known_lengths = [length for length in lengths.get(name, [None]) if length is not None]
    if len(known_lengths) != len(lengths.get(name, [None])):
        raise _UnknownError(f"the shape of {name} does not follow from the graph")
    return known_lengths


def _convolution(node: onnx.NodeProto, lengths: Mapping[str, Lengths]) -> int:
    """Every element of the output sums over a kernel and the channels of a group.

    Of a transposed convolution, it is every element of the input that is spread.
    """
    elements = _known_lengths(node.output[0] if node.op_type == "Conv" else node.input[0], lengths)
    return math.prod(elements) * math.prod(_known_lengths(node.input[1], lengths)[1:])


def _product(node: onnx.NodeProto, lengths: Mapping[str, Lengths]) -> int:
    transposed = any(attribute.name == "transA" and attribute.i for attribute in node.attribute)
    contraction = _known_lengths(node.input[0], lengths)[0 if transposed else -1]
    return math.prod(_known_lengths(node.output[0], lengths)) * contraction if contraction > 1 else 0


def _einsum(node: onnx.NodeProto, lengths: Mapping[str, Lengths]) -> int:
    """Every combination of the indices is one multiply-add, where any index is summed over."""
    [equation] = [attribute.s.decode().replace(" ", "") for attribute in node.attribute]
    terms, arrow, result = equation.partition("->")
    operands = terms.split(",")
    if len(operands) != 2 or "." in equation:
        raise _UnknownError(f"the multiply-adds of Einsum {equation!r} are not counted")
    sizes = {
        index: length
        for operand, name in zip(operands, node.input, strict=True)
        for index, length in zip(operand, _known_lengths(name, lengths), strict=True)
    }
    kept = set(result) if arrow else {index for index in sizes if terms.count(index) == 1}
    summed = math.prod(length for index, length in sizes.items() if index not in kept)
    return math.prod(sizes.values()) if summed > 1 else 0
