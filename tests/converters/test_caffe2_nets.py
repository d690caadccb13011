"""The nets of the original zoo that Caffe2's helpers build here, held against the zoo's own graphs.

The onnx package ships those graphs, without their weights, to test backends with.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from evaluation.preprocessing import Preprocessing

pytestmark = pytest.mark.caffe2

ROOT = Path(__file__).parents[2]
GRAPHS = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
PARAMETERS = {
    "vgg19": 143_667_240,
    "bvlc_alexnet": 60_965_224,
    "squeezenet": 1_235_496,
    "zfnet512": 87_250_536,
    "inception_v1": 6_998_552,
    "resnet50": 25_610_152,
    "shufflenet": 1_420_152,
    "densenet121": 8_146_152,
}
"""Counted in the zoo's graphs, running means and variances included."""

START = f"""
import json, sys
sys.path[:0] = [{str(ROOT / "converters/caffe2")!r}, {str(ROOT / "converters/worker")!r}]
import caffe2_nets
"""

DESCRIBE = """
def value(argument):
    for field in ("i", "f"):
        if argument.HasField(field):
            return getattr(argument, field)
    return list(argument.ints) or argument.s.decode()

def described(net, shapes):
    return {
        "operators": [
            {"type": operator.type, "input": list(operator.input), "output": list(operator.output),
             "arguments": {argument.name: value(argument) for argument in operator.arg}}
            for operator in net.op
        ],
        "input": list(net.external_input), "output": list(net.external_output), "shapes": shapes,
    }
"""

Run = Callable[[str, str], None]
Layer = tuple[str, tuple[Any, ...], tuple[str, ...]]
"""An operator: its kind, its settings, and where its inputs come from (parameters by name)."""


def _described(run_in: Run, folder: Path, expression: str) -> Any:
    """What an expression about the nets says, in Caffe2's own environment."""
    code = f"with open('said.json', 'w') as stream: json.dump({expression}, stream)"
    run_in("caffe2", START + DESCRIBE + code)
    return json.loads((folder / "said.json").read_text())


def _settings(kind: str, attributes: dict[str, Any]) -> tuple[Any, ...]:
    """An ONNX node's attributes, those that were left out included."""
    spatial = (tuple(attributes.get("pads", [0] * 4)), tuple(attributes.get("strides", [1, 1])))
    if kind == "Conv":
        return (tuple(attributes["kernel_shape"]), *spatial, attributes.get("group", 1))
    if kind in ("MaxPool", "AveragePool"):
        return (tuple(attributes["kernel_shape"]), *spatial)
    names = {
        "LRN": ("size", "alpha", "beta", "bias"),
        "BatchNormalization": ("epsilon",),
        "Dropout": ("ratio",),
        "Concat": ("axis",),
        "Shuffle": ("group",),
    }
    defaults = {"epsilon": 1e-5}
    # The zoo's epsilons of 1e-5 differ in their last bit.
    return tuple(f"{attributes.get(name, defaults.get(name)):.6g}" for name in names.get(kind, ()))


def _fills(node: Any) -> bool:
    """Whether a node stands for a weight that was left out of the file."""
    return bool(node.op_type == "ConstantOfShape")


def _plain(name: str) -> str:
    """A name without what Caffe2's exporter and its training on many devices have put around it."""
    return name.removeprefix("gpu_0/").removesuffix("_0")


def _zoo_layers(name: str) -> tuple[list[Layer], dict[str, tuple[int, ...]]]:
    """The zoo's graph as layers, and the shapes of its parameters.

    What stands for one operator of Caffe2 is one layer: the Reshape before a Gemm belongs to it, and so
    does the Unsqueeze before a Mul or an Add; Reshape, Transpose and Reshape shuffle channels.
    """
    graph = onnx.load(GRAPHS / f"light_{name}.onnx").graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    used = {name for node in graph.node for name in node.input}
    filled = {node.output[0]: tuple(constants[node.input[0]].tolist()) for node in graph.node if _fills(node)}
    filled |= {key: value.shape for key, value in constants.items() if value.dtype == np.float32}
    shapes = {_plain(key): shape for key, shape in filled.items() if key in used}
    came_from = {port.name: _plain(port.name) for port in graph.input} | {key: _plain(key) for key in filled}
    reshaped: dict[str, Any] = {}
    layers: list[Layer] = []
    for node in graph.node:
        if _fills(node):
            continue
        if node.op_type in ("Reshape", "Unsqueeze"):
            came_from[node.output[0]] = came_from[node.input[0]]
            reshaped[node.output[0]] = constants.get(node.input[-1])
            continue
        kind = {"Gemm": "FC", "Transpose": "Shuffle"}.get(node.op_type, node.op_type)
        attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        if kind == "Shuffle":
            assert attributes["perm"] == [0, 2, 1, 3, 4]
            attributes = {"group": reshaped[node.input[0]][1]}
        inputs = tuple(came_from[source] for source in node.input)
        came_from[node.output[0]] = f"#{len(layers)}"
        layers.append((kind, _settings(kind, attributes), inputs))
    return layers, shapes


def _own_layers(described: dict[str, Any]) -> Iterator[Layer]:
    """A NetDef as layers; one that works in place gives its blob a new origin."""
    kinds = {"SpatialBN": "BatchNormalization", "ChannelShuffle": "Shuffle"}
    came_from = {name: name for name in described["input"]}
    for position, operator in enumerate(described["operators"]):
        arguments = operator["arguments"]
        kind = kinds.get(operator["type"], operator["type"])
        if arguments.get("global_pooling"):
            kind = "GlobalAveragePool"
        inputs = tuple(came_from[name] for name in operator["input"])
        came_from[operator["output"][0]] = f"#{position}"
        if kind in ("Conv", "MaxPool", "AveragePool"):
            arguments = arguments | {
                "kernel_shape": [arguments["kernel"]] * 2,
                "strides": [arguments.get("stride", 1)] * 2,
                "pads": [arguments.get(f"pad_{side}", arguments.get("pad", 0)) for side in "tlbr"],
            }
        yield kind, _settings(kind, arguments), inputs


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_net_is_the_one_that_the_zoo_had(run_in: Run, tmp_path: Path, name: str) -> None:
    described = _described(run_in, tmp_path, f"described(*caffe2_nets.build({name!r}))")
    theirs, shapes = _zoo_layers(name)
    ours = list(_own_layers(described))
    assert [layer[0] for layer in ours] == [layer[0] for layer in theirs]
    assert ours == theirs
    if name == "inception_v1":  # Caffe once kept matrices with two axes more
        shapes["loss3/classifier_w"] = shapes["loss3/classifier_w"][2:]
    assert {key: tuple(value) for key, value in described["shapes"].items()} == shapes
    assert sum(int(np.prod(shape)) for shape in described["shapes"].values()) == PARAMETERS[name]
    assert described["input"] == ["data", *described["shapes"]]
    assert described["output"] == [described["operators"][-1]["output"][0]]


def test_every_net_says_how_it_wants_its_pictures(run_in: Run, tmp_path: Path) -> None:
    preprocessing = _described(
        run_in, tmp_path, "{name: caffe2_nets.preprocessing(name) for name in caffe2_nets.NAMES}"
    )
    assert list(preprocessing) == list(PARAMETERS)
    for wanted in preprocessing.values():
        assert Preprocessing.from_dict(wanted).to_dict() == wanted
    vgg, densenet = preprocessing["vgg19"], preprocessing["densenet121"]
    # A white pixel, in the units in which the authors say what they take away.
    assert [round((1 - vgg["mean"][c]) / vgg["std"][c], 3) for c in range(3)] == [151.061, 138.221, 131.32]
    assert round((1 - densenet["mean"][0]) / densenet["std"][0], 4) == round((255 - 103.94) * 0.017, 4)
