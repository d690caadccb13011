"""Whether the nodes that paddle2onnx wrote have the numbers of the operators that it wrote them for.

It says some operators as one node each, in their order, so that the one is found by the other. The numbers of
others are in constants, several nodes on.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, Iterator, List, NamedTuple

import numpy as np
import onnx

import paddle_operators
from onnx_outputs import inner_graphs
from protocol import EXPORT, TaskError

Numbers = Dict[str, float]
NODES = {
    "batch_norm": "BatchNormalization",
    "elu": "Elu",
    "group_norm": "InstanceNormalization",
    "hardshrink": "Shrink",
    "hardsigmoid": "HardSigmoid",
    "instance_norm": "InstanceNormalization",
    "leaky_relu": "LeakyRelu",
    "selu": "Selu",
    "softshrink": "Shrink",
    "thresholded_relu": "ThresholdedRelu",
}
"""The node that is written for an operator, by what it computes."""
ATTRIBUTES = {
    "BatchNormalization": {"epsilon": "epsilon"},
    "Elu": {"alpha": "alpha"},
    "HardSigmoid": {"slope": "alpha", "offset": "beta"},
    "InstanceNormalization": {"epsilon": "epsilon"},
    "LeakyRelu": {"negative_slope": "alpha"},
    "Selu": {"alpha": "alpha", "scale": "gamma"},
    "Shrink": {"threshold": "lambd"},
    "ThresholdedRelu": {"threshold": "alpha"},
}
"""The attributes of such a node by those of the operator."""


class Meant(NamedTuple):
    """The numbers that a program has for a node."""

    operator: str
    node: str
    numbers: Numbers
    """By the attributes of the node."""


def meant(operators: Iterable[Any]) -> List[Meant]:
    """What a program says of the nodes that are compared, in their order."""
    found = []
    for operator in operators:
        name = paddle_operators.computation(operator.name())
        if name in NODES:
            names, attributes = ATTRIBUTES[NODES[name]], operator.attrs()
            numbers = {names[key]: float(attributes[key]) for key in names}
            found.append(Meant(name, NODES[name], numbers))
    return found


def require_equal(wanted: List[Meant], graph: Any) -> None:
    """Raise TaskError where ``graph`` has no node with the numbers of an operator, in the order of these.

    It may have more such nodes: a Hardswish is written with a HardSigmoid.
    """
    written: Dict[str, List[Numbers]] = {}
    for node in _nodes(graph):
        floats = [each for each in node.attribute if each.type == onnx.AttributeProto.FLOAT]
        written.setdefault(node.op_type, []).append({each.name: each.f for each in floats})
    left = {kind: iter(numbers) for kind, numbers in written.items()}
    for each in wanted:
        if not any(_agree(numbers, each.numbers) for numbers in left.get(each.node, ())):
            said = ", ".join(f"{name} = {number:.9g}" for name, number in each.numbers.items())
            raise TaskError(
                EXPORT,
                f"paddle2onnx wrote no {each.node} with {said} for an operator {each.operator}: it read the "
                "attributes wrongly, as in https://github.com/PaddlePaddle/Paddle/issues/77757",
            )


def _agree(given: Numbers, wanted: Numbers) -> bool:
    return all(name in given and np.float32(given[name]) == np.float32(wanted[name]) for name in wanted)


def _nodes(graph: Any) -> Iterator[Any]:
    for node in graph.node:
        yield node
        for inner in inner_graphs(node):
            yield from _nodes(inner)
