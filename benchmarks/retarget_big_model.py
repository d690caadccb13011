"""What retargeting a big file costs, as ratios to reading and writing it and to its size.

``python benchmarks/retarget_big_model.py [OPSET]...``: makes VGG-16 with batch normalisation, 553 MB of
random weights at opset 18, brings it to each opset (12 if none is given), file to file in a process of its
own, and prints the wall seconds as a multiple of what ``onnx.load`` and ``onnx.save`` take for the same
file, in a process of their own too, and the most memory as a multiple of the file's size. The promise:
no more than 2 times the time, and no more than 1.3 times the size. All are taken in turn, several
rounds, so that a slow machine slows all of them; the medians count.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ROUNDS = 5
WIDTHS = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0)
"""Channels of the convolutions of VGG-16; 0 is where a pooling stands."""

# VmHWM, not ru_maxrss, which begins with that of the process that started this one.
MEASURED = """
import sys, time
from pathlib import Path
{imports}
source, destination = Path(sys.argv[1]), Path(sys.argv[2])
begun = time.perf_counter()
{call}
seconds = time.perf_counter() - begun
[line] = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(seconds, int(line.split()[1]) * 1024)
"""
READ_AND_WRITE = MEASURED.format(imports="import onnx", call="onnx.save(onnx.load(source), destination)")
COPY = MEASURED.format(imports="import shutil", call="shutil.copyfile(source, destination)")


def retarget(opset: int) -> str:
    """The program that brings one file to ``opset``."""
    call = f"retarget_file(source, {opset}, destination)"
    return MEASURED.format(imports="from opsets import retarget_file", call=call)


class Layers:
    """The graph of a classifier, layer after layer, as an exporter writes it."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._random = np.random.default_rng(0)

    def weight(self, *shape: int) -> str:
        """A new random float32 weight."""
        name = f"weight_{len(self.weights)}"
        array = self._random.random(shape, dtype=np.float32) * np.float32(0.05)
        self.weights.append(numpy_helper.from_array(array, name))
        return name

    def add(self, operator: str, value: str, *weights: str, **attributes: object) -> str:
        """A new node; the name of its output."""
        name = f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, [value, *weights], [name], name, **attributes))
        return name

    def ratio(self) -> str:
        """The ratio of a Dropout, in a Constant node."""
        name = f"Constant_{len(self.nodes)}"
        value = numpy_helper.from_array(np.array(0.5, dtype=np.float32))
        self.nodes.append(helper.make_node("Constant", [], [name], name, value=value))
        return name


def vgg16() -> onnx.ModelProto:
    """VGG-16 with batch normalisation at opset 18: float[N, 3, 224, 224] to float[N, 1000]."""
    layers, value, channels = Layers(), "images", 3
    for width in WIDTHS:
        if not width:
            value = layers.add("MaxPool", value, kernel_shape=[2, 2], strides=[2, 2])
            continue
        kernel = layers.weight(width, channels, 3, 3)
        value = layers.add("Conv", value, kernel, layers.weight(width), kernel_shape=[3, 3], pads=[1] * 4)
        value = layers.add("BatchNormalization", value, *(layers.weight(width) for _ in range(4)))
        value, channels = layers.add("Relu", value), width
    value, width = layers.add("Flatten", value, axis=1), channels * 7 * 7
    for units in (4096, 4096, 1000):
        value = layers.add("Gemm", value, layers.weight(units, width), layers.weight(units), transB=1)
        width = units
        if units != 1000:
            value = layers.add("Dropout", layers.add("Relu", value), layers.ratio())
    value = layers.add("Softmax", value, axis=-1)
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["N", 3, 224, 224])
    answer = helper.make_tensor_value_info(value, TensorProto.FLOAT, ["N", 1000])
    graph = helper.make_graph(layers.nodes, "vgg16_bn", [images], [answer], layers.weights)
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 18)])


def measure(program: str, source: Path, destination: Path) -> tuple[float, float]:
    """Wall seconds of the work without the imports, and the most bytes of memory, imports included."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-c", program, str(source), str(destination)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    destination.unlink()
    seconds, memory = answer.stdout.split()
    return float(seconds), float(memory)


def main() -> None:
    """Take every program in turn, several rounds, and print the medians."""
    opsets = [int(argument) for argument in sys.argv[1:]] or [12]
    programs = {"copy": COPY, "read and write": READ_AND_WRITE}
    programs |= {f"retarget to {opset}": retarget(opset) for opset in opsets}
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in programs}
    with tempfile.TemporaryDirectory() as folder:
        source, destination = Path(folder) / "vgg16_bn.onnx", Path(folder) / "out.onnx"
        onnx.save(vgg16(), source)
        size = source.stat().st_size
        for _ in range(ROUNDS):
            for name, program in programs.items():
                taken[name].append(measure(program, source, destination))
    print(f"{size / 1e6:.0f} MB; seconds, memory as a multiple of the size")
    unit = statistics.median(seconds for seconds, _ in taken["read and write"])
    for name, measured in taken.items():
        seconds, memory = (statistics.median(column) for column in zip(*measured, strict=True))
        print(f"{name:<16} {seconds:6.2f} s {seconds / unit:5.2f} x   {memory / size:5.2f} x")


if __name__ == "__main__":
    main()
