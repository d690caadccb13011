"""What retargeting many nodes costs, as a ratio to reading them, and that it grows with the nodes alone.

``python benchmarks/retarget_many_nodes.py``: makes graphs of 5,000 and of 10,000 nodes in which
convolutions, activations, shape arithmetic and attention-like blocks take turns, with an open batch, and
brings them from 18 to 9, and those of older operators from 12 to 3, where one Erf becomes 24 nodes. Prints
the CPU seconds, and their ratios to what the same process takes for reading: the same call to the opset that
the model has, which reads, checks and simplifies it, finds all types and lengths, and writes it again; and
for each node, of the source when reading and of the result when retargeting.

The promise: a node of the result takes at most twice as long as one that is only read, however many there
are. The exit code is 1 where it is broken. They are CPU seconds, and the least of several rounds, as others
may use the machine too.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from opsets.lowering import lower

ROUNDS = 3
PROMISE = 2.0
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


def seconds(work: Callable[[], object]) -> float:
    """The least CPU seconds of several rounds."""
    taken = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        work()
        taken.append(time.process_time() - begun)
    return min(taken)


def main() -> int:
    """Print a line for each graph; 1 where the promise is broken."""
    print("source target  nodes  result  reading  seconds  x reading  x reading by node  x half the nodes")
    broken = False
    for source, target in ((18, 9), (12, 3)):
        before = 0.0
        for count in (5_000, 10_000):
            model = Blocks().model(count, source)
            nodes, result = len(model.graph.node), len(lower(model, source, target).model.graph.node)
            reading = seconds(partial(lower, model, source, source))
            own = seconds(partial(lower, model, source, target))
            by_node, growth = (own / result) / (reading / nodes), own / before if before else 0.0
            broken |= by_node > PROMISE
            times = f"{reading:8.2f} {own:8.2f} {own / reading:10.1f} {by_node:18.1f}"
            print(f"{source:6} {target:6} {nodes:6} {result:7} {times} {growth or '':>17.3}", flush=True)
            before = own
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
