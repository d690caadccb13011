"""The large networks of the zoo files at every opset: their own graphs, with an eighth of the channels.

That a thin network has the graph of the real one is shown by what both compute, operator by operator,
and by the numbers of layers that the papers give. Of the networks of a source that differ in how often they
repeat a layer and in how wide it is, one stands for all. What this alone finds is a network above the 50
million parameters of docs/coverage that comes down wrong.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator

import onnx
import pytest

from tests.zoo.listed import Listed, listed_models
from tests.zoo.thin import OPSETS, Thin, export_thin, growth, judge

BLOCKS_OF_SENET154 = 3 + 8 + 36 + 3
LAYERS = {
    "AlexNet": (5 + 3, 0),
    "DarkNet53": (53, 52),
    # Beside those that its name counts, two in each gate and a projection in each stage.
    "SENet154_vd": (154 + 2 * BLOCKS_OF_SENET154 + 4, 153 + 4),
    "repvgg_d2se": (3 * (1 + 8 + 14 + 24 + 1) + 1, 0),  # the same in each block
}
"""Layers with learned maps (convolutions and fully connected ones), and batch normalisations."""
BLOCKS_OF_REPVGG = {"a": 1 + 2 + 4 + 14 + 1, "b": 1 + 4 + 6 + 16 + 1}
"""By the letter of the model; arXiv:2101.03697, table 2."""

STAND_FOR_OTHERS = (
    *("torchvision/vgg19_bn", "caffe2/vgg19"),
    *("paddle/AlexNet", "paddle/DarkNet53", "paddle/SENet154_vd"),
    *("timm/repvgg_d2se", "paddle/RepVGG_B3g4", "mmcls/repvgg-B3g4_4xb64-autoaug-lbs-mixup-coslr-200e_in1k"),
)
"""The others are the same layers, more or fewer times, or the same network of another source, whose exporter
the default job and the slice of the sweeps have."""
LARGE = [listed for listed in listed_models() if listed.name in STAND_FOR_OTHERS]
each_network = pytest.mark.parametrize(
    "listed", [pytest.param(each, marks=getattr(pytest.mark, each.source), id=each.name) for each in LARGE]
)
ThinOf = Callable[[Listed], Thin]


@pytest.fixture(scope="module")
def thin_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThinOf]:
    """The thin export of a network; the first of a source exports all that are like it."""
    folder = tmp_path_factory.mktemp("thin")
    exported: dict[tuple[str, bool], dict[str, Thin]] = {}

    def find(listed: Listed) -> Thin:
        kind = listed.source, listed.fused
        if kind not in exported:
            alike = [other.model for other in LARGE if (other.source, other.fused) == kind]
            place = folder / f"{listed.source}-{len(exported)}"
            place.mkdir()
            exported[kind] = export_thin(listed.source, alike, place, fused=listed.fused)
        return exported[kind][listed.model]

    yield find
    shutil.rmtree(folder)


def _layers(model: str) -> tuple[int, int]:
    """How many layers with learned maps, and how many batch normalisations, a published graph has."""
    small = model.lower()
    if small.startswith("vgg"):  # the number is that of its layers, the last three fully connected
        layers = int(small[3:5])
        return layers, layers - 3 if small[5:].lstrip("_").startswith("bn") else 0
    if (
        small.startswith("repvgg") and model not in LAYERS
    ):  # one convolution for each block, and the classifier
        [letter] = re.findall(r"^repvgg[_-]([ab])\d", small)
        return BLOCKS_OF_REPVGG[letter] + 1, 0
    return LAYERS[model]


@each_network
def test_a_thin_network_has_the_graph_of_the_real_one(listed: Listed, thin_of: ThinOf) -> None:
    thin = thin_of(listed)
    assert thin.thin_operators == thin.operators
    kinds = Counter(node.op_type for node in onnx.load(thin.model).graph.node)
    learned = kinds["Conv"] + kinds["Gemm"] + kinds["MatMul"]
    assert (learned, kinds["BatchNormalization"]) == _layers(listed.model)
    # Weights are 64 times smaller here, and nodes are not.
    assert growth(thin) <= 1.1


@each_network
def test_the_graph_computes_the_same_at_every_opset(listed: Listed, thin_of: ThinOf) -> None:
    verdicts = judge(thin_of(listed))
    assert list(verdicts) == list(OPSETS)
    for opset, verification in verdicts.items():
        verdict = verification.verdict
        assert (opset, verdict.status, verdict.reason) == (opset, "passed", "")
        judges = [name for name, runtime in verdict.runtimes.items() if runtime.judge]
        assert judges == (["onnxruntime", "openvino"] if opset >= 7 else ["openvino"])
        assert all(runtime.agrees for runtime in verdict.runtimes.values()), verification.runtimes
