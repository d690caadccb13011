"""What retargeting many nodes costs, as a ratio to reading them, and that it grows with the nodes alone.

``python benchmarks/retarget_many_nodes.py``: makes graphs of 5,000 and of 10,000 nodes in which
convolutions, activations, shape arithmetic and attention-like blocks take turns, with an open batch, and
brings them from 18 to 9, and those of older operators from 12 to 3. Prints the CPU seconds, and their
ratios to what the same process takes for reading the graph: as this project does (with onnx_ir, and back),
and in C++ alone (``onnx.load_from_string``, ``onnx.checker`` in full, which infers all shapes, and
``onnx.shape_inference``). The promise is the last column: twice the nodes take about twice the time.
They are CPU seconds, and the least of several rounds, as others may use the machine too.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnx_ir as ir
from onnx import TensorProto, helper, numpy_helper

from opsets import retarget

ROUNDS = 3
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


def read(data: bytes) -> None:
    """Read, check and infer in C++."""
    model = onnx.load_from_string(data)
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model)


def read_as_graph(data: bytes) -> None:
    """Read, check, and make a graph that can be changed, and a model of it again."""
    read(data)
    ir.to_proto(ir.from_proto(onnx.load_from_string(data)))


def seconds(work: Callable[[], object]) -> float:
    """The least CPU seconds of several rounds."""
    taken = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        work()
        taken.append(time.process_time() - begun)
    return min(taken)


def main() -> None:
    """Print a line for each graph."""
    print("source target  nodes  seconds  x read as graph  x read in C++  x half the nodes")
    for source, target in ((18, 9), (12, 3)):
        before = 0.0
        for count in (5_000, 10_000):
            model = Blocks().model(count, source)
            data = model.SerializeToString()
            graph, plain = seconds(partial(read_as_graph, data)), seconds(partial(read, data))
            own = seconds(partial(retarget, model, target))
            growth = f"{own / before:.2f}" if before else ""
            ratios = f"{own / graph:15.1f} {own / plain:14.1f} {growth:>17}"
            print(f"{source:6} {target:6} {count:6} {own:8.2f} {ratios}", flush=True)
            before = own


if __name__ == "__main__":
    main()
