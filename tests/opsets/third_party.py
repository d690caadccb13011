"""The models of others that the onnx package carries, with the outputs that come with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from tools.opset_coverage.cases import Case, default_opset
from tools.opset_coverage.runtimes import run_onnxruntime

Array = npt.NDArray[Any]

FOLDER = Path(onnx.__file__).parent / "backend" / "test" / "data"
TARGETS = (7, 3)
"""The lowest that ONNX Runtime takes, and where the walk ends that has gone through every step."""
ZOO, TORCH = "light", ("pytorch-converted", "pytorch-operator")

# What onnx's own test runner allows.
RELATIVE, ABSOLUTE = 1e-3, 1e-7
OF_LARGEST = 1e-5
"""Error that may be where weights are drawn, in parts of the largest score."""

WIDE, NARROW = 4096, 64
"""The units of the large layers in AlexNet, VGG and ZFNet, and how many stay where weights are drawn."""


def torch_exports() -> Iterator[Case]:
    """What early versions of PyTorch exported, with the inputs and outputs of PyTorch."""
    for folder in sorted(folder for kind in TORCH for folder in (FOLDER / kind).iterdir()):
        if not (folder / "model.onnx").is_file():
            continue
        model = onnx.load(folder / "model.onnx")
        data = folder / "test_data_set_0"
        given = [_array(data / f"input_{index}.pb") for index in range(len(list(data.glob("input_*"))))]
        expected = [_array(data / f"output_{index}.pb") for index in range(len(model.graph.output))]
        inputs = dict(zip(_input_names(model), given, strict=True))
        yield _case(folder.name, model, inputs, expected, TARGETS)


def with_drawn_weights(targets: tuple[int, ...]) -> Iterator[Case]:
    """Nine networks of the ONNX model zoo as Caffe2 wrote them, with noise for weights and picture.

    Their own weights all have one value, so that every class gets the same score. The expected outputs are
    onnxruntime's, which runs the file at opset 9, as it came.
    """
    for file in _zoo_files():
        model = onnx.load(file)
        generator = np.random.default_rng(9)
        _draw_weights(model, generator)
        _show_scores(model)
        picture = generator.normal(size=_input_shape(model)).astype(np.float32)
        inputs = {_input_names(model)[0]: picture}
        expected = run_onnxruntime(model.SerializeToString(), inputs)
        largest = max(float(np.abs(array).max()) for array in expected)
        case = _case(f"{file.stem}_drawn", model, inputs, expected, targets)
        yield replace(case, relative=0.0, absolute=OF_LARGEST * largest)


def _zoo_files() -> list[Path]:
    return sorted((FOLDER / ZOO).glob("light_*.onnx"))


def _case(
    name: str,
    model: onnx.ModelProto,
    inputs: dict[str, Array],
    expected: list[Array],
    targets: tuple[int, ...],
) -> Case:
    lower = frozenset(target for target in targets if target < default_opset(model))
    return Case(name, name, False, lower, model.SerializeToString(), inputs, expected, RELATIVE, ABSOLUTE)


def _array(file: Path) -> Array:
    return numpy_helper.to_array(onnx.load_tensor(file))


def _input_names(model: onnx.ModelProto) -> list[str]:
    constants = {tensor.name for tensor in model.graph.initializer}
    return [value.name for value in model.graph.input if value.name not in constants]


def _input_shape(model: onnx.ModelProto) -> list[int]:
    value = next(value for value in model.graph.input if value.name == _input_names(model)[0])
    return [length.dim_value for length in value.type.tensor_type.shape.dim]


def _draw_weights(model: onnx.ModelProto, generator: np.random.Generator) -> None:
    """Put noise where ``model`` has weights of one value, be they initialisers or made of a shape."""
    graph = model.graph
    known = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    shapes = {name: array.shape for name, array in known.items() if array.dtype == np.float32}
    for node in [node for node in graph.node if node.op_type == "ConstantOfShape"]:
        lengths = known[node.input[0]]
        shapes[node.output[0]] = tuple(np.where(lengths == WIDE, NARROW, lengths).tolist())
        graph.node.remove(node)
    inputs = set(_input_names(model))
    ports = [value for value in graph.input if value.name in inputs]
    others = [tensor for tensor in graph.initializer if tensor.name not in shapes]
    for field in (graph.input, graph.initializer):
        del field[:]
    graph.input.extend(ports)
    graph.initializer.extend(tensor for tensor in others if not tensor.name.endswith("__SHAPE"))
    for name, shape in shapes.items():
        graph.initializer.append(numpy_helper.from_array(_drawn(shape, generator), name))
    model.ir_version = 4  # from here on constants need not be inputs


def _show_scores(model: onnx.ModelProto) -> None:
    """Let ``model`` also give what it hands to a Softmax at its end, which hides all but the largest."""
    last, given = model.graph.node[-1], model.graph.output[0]
    if last.op_type == "Softmax":
        scores = model.graph.output.add()
        scores.CopyFrom(given)
        scores.name = last.input[0]


def _drawn(shape: tuple[int, ...], generator: np.random.Generator) -> Array:
    """Noise that keeps the spread of what a layer is given; vectors are positive, as variances have to be."""
    if len(shape) < 2:
        return generator.uniform(0.5, 1.5, shape).astype(np.float32)
    spread = np.sqrt(2 / np.prod(shape[1:]))
    return np.asarray(spread * generator.normal(size=shape), dtype=np.float32)
