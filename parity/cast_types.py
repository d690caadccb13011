"""Cast as it was below opset 6, which names the type that it makes, with the number of that type instead.

OpenVINO's reader knows Cast of every version, and asks each of them for a number. Nothing else of a graph is
touched: what the operator does, and all others, are read by OpenVINO itself.
"""

from __future__ import annotations

import onnx
from onnx import helper

from parity.runtimes.interface import InvalidModelError


def number_of_type(name: bytes) -> int:
    """The number of the type that a Cast names. Raises InvalidModelError where no type is called so."""
    said = name.decode(errors="replace")
    found = dict(onnx.TensorProto.DataType.items()).get(said)
    if found is None:
        raise InvalidModelError(f"a Cast names the type {said!r}, and there is none of that name")
    return int(found)


def say_in_numbers(model: onnx.ModelProto) -> bool:
    """Give every Cast of ``model`` that names its type the number of that type; whether it had any.

    Raises InvalidModelError where there is no such type.
    """
    return _say_in_numbers(model.graph)


def _say_in_numbers(graph: onnx.GraphProto) -> bool:
    said = False
    for node in graph.node:
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.type == onnx.AttributeProto.STRING:
                attribute.CopyFrom(helper.make_attribute("to", number_of_type(attribute.s)))
                said = True
            elif attribute.type == onnx.AttributeProto.GRAPH:
                said |= _say_in_numbers(attribute.g)
    return said
