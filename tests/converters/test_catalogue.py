"""The lists of models that ship with the locks: what is in them, and that the frameworks say the same."""

from __future__ import annotations

import re

import pytest

from converters.catalogue import ListedModel, catalogue_file, catalogue_text, read_catalogue
from converters.registry import SOURCES, frameworks
from evaluation.preprocessing import Preprocessing
from pipeline.environments import building
from tests.converters.conftest import NEVER, environment_of
from tools.listing import ask_details

SAMPLE = 4
"""Networks of a source that are built to be counted again: all of them take minutes."""


@pytest.mark.parametrize(
    "source", [pytest.param(name, marks=getattr(pytest.mark, name)) for name in frameworks()]
)
def test_a_list_says_what_the_framework_of_its_lock_says(source: str) -> None:
    """Only the framework itself can tell that a name, a size or a family has changed with its version."""
    environment, shipped = environment_of(source), read_catalogue(SOURCES[source])
    listed = building.list_models(environment.description, environment.description.folder, NEVER)
    assert listed == {
        name: {"family": model.family, "preprocessing": model.preprocessing}
        for name, model in shipped.items()
    }
    buildable = [name for name, model in shipped.items() if model.parameters]
    sample = buildable[:: max(1, len(buildable) // SAMPLE)]
    assert ask_details(environment, sample) == {
        name: {
            "parameters": shipped[name].parameters,
            "bytes": shipped[name].bytes,
            "pretrained": shipped[name].pretrained,
        }
        for name in sample
    }


@pytest.mark.parametrize("source", frameworks())
def test_a_list_is_in_order_and_every_entry_makes_sense(source: str) -> None:
    models = read_catalogue(SOURCES[source])
    assert catalogue_file(SOURCES[source]).read_text(encoding="utf-8") == catalogue_text(models)
    assert len(models) >= (8 if source == "caffe2" else 30)
    for name, model in models.items():
        assert "/" not in name
        assert re.fullmatch(r"[a-z0-9_][a-z0-9._+-]*", model.family)
        assert Preprocessing.from_dict(dict(model.preprocessing)).to_dict() == model.preprocessing
        assert {model.parameters is None, model.bytes is None, model.pretrained is None} != {True, False}
        if model.parameters and model.bytes:
            assert 0 < 2 * model.parameters <= model.bytes


def test_what_is_written_is_read_again_and_has_a_line_for_each_model() -> None:
    usual = read_catalogue(SOURCES["torchvision"])["vgg11"]
    other = ListedModel("b", {**usual.preprocessing, "mean": [0.5, 0.5, 0.5], "library": "opencv"})
    lines = catalogue_text({"z": other, "a": usual}).splitlines()
    assert [line.split(":")[0] for line in lines[2:-1]] == ['"a"', '"z"']
    assert '"mean"' not in lines[2]
    assert '"library": "opencv", "mean": [0.5, 0.5, 0.5]' in lines[3]


FAMILIES = {
    "timm": {
        "vgg16_bn": "vgg",
        "resnet50.a1_in1k": "resnet",
        "repvgg_a0": "repvgg",
        "tf_efficientnet_lite0": "efficientnet",
        "mobilenetv2_100": "mobilenetv2",
        "tf_mobilenetv3_small_minimal_100.in1k": "mobilenetv3",
        "regnetz_c16": "regnet",
        "regnetz_040": "regnet",
        "darknet53": "darknet",
        "cspdarknet53": "cspnet",
        "vit_tiny_patch16_224": "vision_transformer",
    },
    "torchvision": {
        "vgg16_bn": "vgg",
        "resnext50_32x4d": "resnet",
        "squeezenet1_1": "squeezenet",
        "inception_v3": "inception",
    },
    "mmcls": {
        "vgg11bn_8xb32_in1k": "vgg",
        "resnet50_8xb32_in1k": "resnet",
        "mobilenet-v2_8xb32_in1k": "mobilenet_v2",
        "repvgg-A0_4xb64-coslr-120e_in1k": "repvgg",
        "repvgg-A0_deploy_4xb64-coslr-120e_in1k": "repvgg",
    },
    "paddle": {
        "vgg16": "vgg",
        "VGG16": "vgg",
        "VGG19Sigmoid": "vgg",
        "ResNet50": "resnet",
        "RepVGG_A0": "repvgg",
        "SqueezeNet1_1": "squeezenet",
        "DarkNet53": "darknet",
        "DeiT_tiny_patch16_224": "deit",
        "mobilenet_v3_small": "mobilenet_v3",
        "MobileNetV3_small_x0_35": "mobilenet_v3",
    },
    "mxnet": {
        "vgg16_bn": "vgg",
        "resnet50_v2": "resnet",
        "squeezenet1.1": "squeezenet",
        "inceptionv3": "inception",
        "mobilenetv2_0.25": "mobilenet",
    },
    "caffe2": {
        "vgg19": "vgg",
        "bvlc_alexnet": "alexnet",
        "zfnet512": "zfnet",
        "inception_v1": "inception",
        "densenet121": "densenet",
    },
}


@pytest.mark.parametrize("source", FAMILIES)
def test_models_that_people_know_are_in_the_families_that_they_expect(source: str) -> None:
    models = read_catalogue(SOURCES[source])
    assert {name: models[name].family for name in FAMILIES[source]} == FAMILIES[source]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("timm", ["tf_efficientnet_lite0", "vgg16_bn", "resnet50", "vit_tiny_patch16_224"]),
        ("torchvision", ["squeezenet1_1", "vgg19_bn", "inception_v3"]),
        ("mmcls", ["vgg11_8xb32_in1k", "vgg19bn_8xb32_in1k", "mobilenet-v2_8xb32_in1k"]),
        ("paddle", ["SqueezeNet1_1", "VGG16", "RepVGG_A0", "DarkNet53", "SENet154_vd", "vgg16"]),
        ("mxnet", ["squeezenet1.1", "vgg16_bn", "inceptionv3"]),
        ("caffe2", ["vgg19", "bvlc_alexnet", "squeezenet", "zfnet512", "inception_v1", "resnet50"]),
        ("caffe2", ["shufflenet", "densenet121"]),
    ],
)
def test_a_source_has_what_people_ask_for(source: str, expected: list[str]) -> None:
    assert set(expected) <= set(read_catalogue(SOURCES[source]))


@pytest.mark.parametrize(
    ("source", "model", "size", "interpolation"),
    [
        ("timm", "tf_efficientnet_lite0", [3, 224, 224], "bicubic"),
        ("torchvision", "inception_v3", [3, 299, 299], "bilinear"),
        ("paddle", "DarkNet53", [3, 256, 256], "bilinear"),
        ("paddle", "LeViT_384", [3, 224, 224], "bilinear"),  # named by its channels
        ("mxnet", "inceptionv3", [3, 299, 299], "bilinear"),
        ("caffe2", "vgg19", [3, 224, 224], "bilinear"),
    ],
)
def test_preprocessing_is_the_frameworks_own(
    source: str, model: str, size: list[int], interpolation: str
) -> None:
    preprocessing = read_catalogue(SOURCES[source])[model].preprocessing
    assert (preprocessing["input_size"], preprocessing["interpolation"]) == (size, interpolation)


@pytest.mark.parametrize(
    ("source", "model", "parameters", "pretrained"),
    [
        # The papers' and the frameworks' own figures, in millions.
        ("timm", "repvgg_a0", 9.11, True),
        ("timm", "vgg11", 132.863336, True),
        ("timm", "resnet18", 11.689512, True),
        ("torchvision", "squeezenet1_1", 1.235496, True),
        ("torchvision", "vgg16", 138.357544, True),
        ("mmcls", "mobilenet-v2_8xb32_in1k", 3.505, True),
        ("paddle", "SqueezeNet1_1", 1.235496, True),
        ("paddle", "VGG16", 138.357544, True),
        ("paddle", "MobileViTV2_x0_75", 2.87, False),
        ("mxnet", "squeezenet1.1", 1.235496, True),
        ("caffe2", "squeezenet", 1.235496, False),
        ("caffe2", "vgg19", 143.667240, False),
    ],
)
def test_the_figures_are_those_of_the_papers(
    source: str, model: str, parameters: float, pretrained: bool
) -> None:
    listed = read_catalogue(SOURCES[source])[model]
    assert (listed.parameters or 0) / 1e6 == pytest.approx(parameters, rel=2e-3)
    assert listed.pretrained is pretrained
