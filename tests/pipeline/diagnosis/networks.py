"""A small network of the layers that exporters write wrongly, right and with one fault."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper, parser

TEXT = """
<ir_version: 7, opset_import: ["": 12]>
network (float[N,3,15,15] image) => (float[N,6] scores) {
  first = Conv <pads = [1, 1, 1, 1]> (image, first_weight)
  normal = BatchNormalization <epsilon = 0.00001> (first, scale, shift, mean, variance)
  active = LeakyRelu <alpha = 0.1> (normal)
  pooled = MaxPool <kernel_shape = [2, 2], strides = [2, 2], ceil_mode = 1> (active)
  second = Conv <pads = [1, 1, 1, 1]> (pooled, second_weight)
  added = Add (second, pooled)
  again = LeakyRelu <alpha = 0.1> (added)
  mean_of = GlobalAveragePool (again)
  flat = Flatten (mean_of)
  dense = Gemm <transB = 1> (flat, square)
  scores = Softmax <axis = 1> (dense)
}"""
Fault = Callable[[onnx.ModelProto], None]


def right() -> onnx.ModelProto:
    """The network, with seeded weights; its pictures are float32 (N, 3, 15, 15)."""
    model = parser.parse_model(TEXT)
    generator = np.random.default_rng(0)
    weights = {
        "first_weight": generator.normal(size=(6, 3, 3, 3)),
        "second_weight": generator.normal(size=(6, 6, 3, 3)),
        "square": generator.normal(size=(6, 6)),
        "scale": generator.uniform(1, 2, 6),
        "shift": generator.normal(size=6),
        "mean": generator.normal(size=6),
        "variance": generator.uniform(0.2, 1, 6),
    }
    tensors = (numpy_helper.from_array(array.astype(np.float32), name) for name, array in weights.items())
    model.graph.initializer.extend(tensors)
    return model


def maker(model: onnx.ModelProto, tensor: str) -> onnx.NodeProto:
    """The node that makes ``tensor``."""
    nodes: list[onnx.NodeProto] = [node for node in model.graph.node if tensor in node.output]
    return nodes[0]


def changed(tensor: str, **attributes: object) -> Fault:
    """The fault of the node that makes ``tensor``: other attributes; None leaves one out."""

    def plant(model: onnx.ModelProto) -> None:
        node = maker(model, tensor)
        kept = [each for each in node.attribute if each.name not in attributes]
        del node.attribute[:]
        given = [
            helper.make_attribute(name, value) for name, value in attributes.items() if value is not None
        ]
        node.attribute.extend([*kept, *given])

    return plant


def one_wrong_weight(model: onnx.ModelProto) -> None:
    """One value of the second convolution is another one."""
    tensor = next(each for each in model.graph.initializer if each.name == "second_weight")
    array = numpy_helper.to_array(tensor).copy()
    array[4, 2, 1, 0] += 0.5
    tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))


FAULTS: dict[str, tuple[Fault, str]] = {
    "softmax axis": (changed("scores", axis=0), "scores"),
    "lost ceil_mode": (changed("pooled", ceil_mode=None), "pooled"),
    "padded instead of ceil_mode": (changed("pooled", ceil_mode=None, pads=[1, 1, 0, 0]), "pooled"),
    "epsilon": (changed("normal", epsilon=0.001), "normal"),
    "transposed": (changed("dense", transB=0), "dense"),
    "alpha": (changed("again", alpha=2.5e-43), "again"),
    "one wrong weight": (one_wrong_weight, "second"),
}
"""Faults by their names, and the tensor at which each arises."""


def renamed(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same with other names, as another exporter would give: of tensors, nodes and weights."""
    graph, names = model.graph, dict[str, str]()

    def other(name: str) -> str:
        return names.setdefault(name, str(100 + len(names)))

    for node in graph.node:
        for side in (node.input, node.output):
            for place, name in enumerate(side):
                side[place] = other(name)
    for value in (*graph.input, *graph.output, *graph.initializer):
        value.name = other(value.name)
    return model


def written(model: onnx.ModelProto, path: Path) -> Path:
    """``model`` in the file ``path``."""
    onnx.save(model, path)
    return path
