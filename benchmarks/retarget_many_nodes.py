"""What retargeting many nodes costs, as a ratio to reading them, and that it grows with the nodes alone.

``python benchmarks/retarget_many_nodes.py``: makes graphs of 5,000 and of 10,000 nodes in which
convolutions, activations, shape arithmetic and attention-like blocks take turns, with an open batch, and
brings them from 18 to 9, and those of older operators from 12 to 3.

Reading is what has to be done before any step: the file is loaded without its weights, checked in full,
and becomes a graph of onnx_ir in which every node has its types and shapes, asked of onnx node by node.
Another column compares with what C++ takes to check and infer the whole, and onnx_ir to make its graph and
a model of it again, which is less, as no node can be changed by it and inferred anew.

There are two promises, and the exit code is 1 where one is broken: 5,000 nodes take at most twice the time
of reading them, and twice the nodes at most 2.5 times the time. All is measured in one process, in turn, in
CPU seconds, and the least of several rounds counts, as others may use the machine too.
"""

from __future__ import annotations

import gc
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnx_ir as ir
from onnx import TensorProto, helper, numpy_helper

from opsets import read_graph, retarget_file
from opsets.facts.inference import ShapeInference
from opsets.nodes import nodes_of
from opsets.reading import read_model

ROUNDS = 3
FEW = 5_000
"""Nodes of the smaller graphs."""
MOST_READINGS, MOST_GROWTH = 2.0, 2.5
CHANNELS, SIDE = 8, 8


class Blocks:
    """The graph of a network, block after block: float32 (N, 8, 8, 8)."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []
        self._random = np.random.default_rng(0)

    def weight(self, *shape: int) -> str:
        return self.constant(self._random.random(shape, dtype=np.float32))

    def constant(self, array: npt.NDArray[Any]) -> str:
        name = f"constant_{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(array, name))
        return name

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        name = f"{operator}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [name], name, **attributes))
        return name

    def reshaped(self, value: str, *lengths: int) -> str:
        """``value`` with ``lengths`` behind the batch, which is asked of its shape as exporters do."""
        batch = self.add("Gather", self.add("Shape", value), self.constant(np.array([0])))
        target = self.add("Concat", batch, self.constant(np.array(lengths)), axis=0)
        return self.add("Reshape", value, target)

    def block(self, value: str, opset: int) -> str:
        """A convolution, its activation and a softmax over the pixels of each channel."""
        kernel = self.weight(CHANNELS, CHANNELS, 3, 3)
        inner = self.add("Conv", value, kernel, pads=[1] * 4)
        inner = self.add("BatchNormalization", inner, *(self.weight(CHANNELS) for _ in range(4)))
        inner = self.add("HardSwish" if opset >= 14 else "HardSigmoid", inner)
        inner = self.add("Add", self.add("Mul", inner, self.weight(CHANNELS, 1, 1)), value)
        inner = self.add("Transpose", self.reshaped(inner, CHANNELS, SIDE * SIDE), perm=[0, 2, 1])
        if opset >= 17:
            inner = self.add("LayerNormalization", inner, self.weight(CHANNELS), self.weight(CHANNELS))
        inner = self.add("Softmax", self.add("Erf", inner), axis=2)
        return self.reshaped(self.add("Transpose", inner, perm=[0, 2, 1]), CHANNELS, SIDE, SIDE)

    def model(self, count: int, opset: int) -> onnx.ModelProto:
        """A model of ``count`` nodes or a few more."""
        value = "pictures"
        while len(self._nodes) < count:
            value = self.block(value, opset)
        shape: list[str | int] = ["N", CHANNELS, SIDE, SIDE]
        ports = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("pictures", value)
        ]
        graph = helper.make_graph(self._nodes, "blocks", ports[:1], ports[1:], self._weights)
        return helper.make_model(graph, ir_version=7, opset_imports=[helper.make_opsetid("", opset)])


def read(path: Path) -> None:
    """Do all that comes before the first step."""
    source = read_graph(path)
    onnx.checker.check_model(path, full_check=True)
    model = read_model(source)
    inference = ShapeInference(source.opset_import[0].version, model.graph.opset_imports)
    for node in nodes_of(model.graph):
        inference.infer(node)


def convert(data: bytes) -> None:
    """Check and infer in C++, make a graph that can be changed, and a model of it again."""
    model = onnx.load_from_string(data)
    onnx.checker.check_model(model, full_check=True)
    ir.to_proto(ir.from_proto(onnx.shape_inference.infer_shapes(model)))


def seconds(*works: Callable[[], object]) -> list[float]:
    """The least CPU seconds that each of ``works`` takes, done in turn in several rounds."""
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(ROUNDS):
        for work, times in zip(works, taken, strict=True):
            gc.collect()
            gc.disable()  # as retargeting does: it would count for what happens to be measured
            begun = time.process_time()
            work()
            times.append(time.process_time() - begun)
            gc.enable()
    return [min(times) for times in taken]


def measured(source: int, target: int, count: int, folder: Path) -> tuple[float, float]:
    """Print the line of one graph; the seconds that it takes, and how many times those of reading."""
    model, path = Blocks().model(count, source), folder / "blocks.onnx"
    onnx.save(model, path)
    own, reading, converting = seconds(
        partial(retarget_file, path, target, folder / "retargeted.onnx"),
        partial(read, path),
        partial(convert, model.SerializeToString()),
    )
    print(f"{source:6} {target:6} {count:6} {own:8.2f} {own / reading:9.1f} {own / converting:12.1f}", end="")
    return own, own / reading


def main() -> None:
    """Print a line for each graph, and leave with 1 where a promise is broken."""
    print("source target  nodes  seconds x reading x conversion x half the nodes")
    kept = True
    with tempfile.TemporaryDirectory() as folder:
        for source, target in ((18, 9), (12, 3)):
            half, ratio = measured(source, target, FEW, Path(folder))
            print(flush=True)
            whole, _ = measured(source, target, 2 * FEW, Path(folder))
            print(f" {whole / half:16.2f}", flush=True)
            kept = kept and ratio <= MOST_READINGS and whole <= MOST_GROWTH * half
    sys.exit(0 if kept else 1)


if __name__ == "__main__":
    main()
