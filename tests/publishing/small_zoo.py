"""A zoo of small classifiers of pictures, at several opsets, with test data that onnx itself computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper, parser
from onnx.reference import ReferenceEvaluator

import opsets
from publishing.announcement import announce
from publishing.archive import DataSet
from publishing.stores import open_store
from publishing.units import Material, publish
from publishing.zoo import Zoo
from tests.publishing.units import description

OPSETS = (3, 6, 7, 9, 12)

# Of opset 15: below it, onnx's own evaluator computes BatchNormalization as in training.
_PLAIN = """
<ir_version: 8, opset_import: ["": 15]>
plain (float[batch, 3, 16, 16] image) => (float[batch, 10] logits)
{
    convolved = Conv <kernel_shape = [3, 3], pads = [1, 1, 1, 1]> (image, first, first_bias)
    scaled = BatchNormalization (convolved, scale, shift, mean, variance)
    positive = Clip (scaled, zero, six)
    halved = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (positive)
    pooled = GlobalAveragePool (halved)
    flat = Flatten (pooled)
    logits = Gemm <transB = 1> (flat, last, last_bias)
}
"""
_BRANCHING = """
<ir_version: 8, opset_import: ["": 15]>
branching (float[batch, 3, 16, 16] data) => (float[batch, 10] probabilities)
{
    squeezed = Conv <kernel_shape = [1, 1]> (data, squeeze)
    narrow = Conv <kernel_shape = [1, 1]> (squeezed, one)
    wide = Conv <kernel_shape = [3, 3], pads = [1, 1, 1, 1]> (squeezed, three)
    both = Concat <axis = -3> (narrow, wide)
    positive = Relu (both)
    kept = Dropout (positive)
    pooled = AveragePool <kernel_shape = [16, 16]> (kept)
    flat = Flatten (pooled)
    probabilities = Softmax (flat)
}
"""
Shapes = dict[str, tuple[int, ...]]

_PLAIN_SHAPES: Shapes = {
    "first": (8, 3, 3, 3),
    "first_bias": (8,),
    **dict.fromkeys(("scale", "shift", "mean"), (8,)),
    "last": (10, 8),
    "last_bias": (10,),
}
_BRANCHING_SHAPES: Shapes = {"squeeze": (4, 3, 1, 1), "one": (5, 4, 1, 1), "three": (5, 4, 3, 3)}

MODELS: dict[str, tuple[str, str, Shapes]] = {
    "timm/small_vgg": ("vgg", _PLAIN, _PLAIN_SHAPES),
    "torchvision/small_vgg": ("vgg", _PLAIN, _PLAIN_SHAPES),
    "mxnet/squeeze1.1": ("squeezenet", _BRANCHING, _BRANCHING_SHAPES),
}
"""By source and name: the family, the network and the shapes of its random weights."""


def publish_small_zoo(folder: Path, scratch: Path) -> None:
    """Publish every model at every opset, and announce them."""
    zoo = Zoo(open_store(folder))
    for seed, (model, (family, text, shapes)) in enumerate(MODELS.items()):
        network = _network(text, shapes, seed)
        data_sets = _data_sets(network)
        for opset in OPSETS:
            file = scratch / "model.onnx"
            onnx.save(opsets.retarget(network, opset), file)
            source, name = model.split("/")
            described = description(name=f"{model}@{opset}", source=source, model=name, family=family)
            publish(zoo, Material(file, opsets.read_graph(file), data_sets), described)
    announce(zoo, lambda records, benchmarks: {})


def _network(text: str, shapes: Shapes, seed: int) -> onnx.ModelProto:
    model = parser.parse_model(text)
    random = np.random.default_rng(seed)
    weights: dict[str, Any] = {name: random.normal(size=shape) for name, shape in shapes.items()}
    weights |= {"variance": np.full(8, 3), "zero": np.zeros(()), "six": np.full((), 6)}
    read = {name for node in model.graph.node for name in node.input}
    for name in sorted(read & weights.keys()):
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(weights[name], np.float32), name))
    onnx.checker.check_model(model, full_check=True)
    return model


def _data_sets(model: onnx.ModelProto) -> list[DataSet]:
    evaluator = ReferenceEvaluator(model)
    [name] = evaluator.input_names

    def computed(pictures: npt.NDArray[np.float32]) -> DataSet:
        [output] = evaluator.run(None, {name: pictures})
        return DataSet([pictures], [np.asarray(output)])

    random = np.random.default_rng(0)
    return [computed(random.normal(size=(batch, 3, 16, 16)).astype(np.float32)) for batch in (1, 3)]
