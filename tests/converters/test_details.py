"""What the sources say of networks that they build, none of which get weights for it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from converters.interface import details_call
from converters.registry import SOURCES, frameworks
from pipeline.environments import building
from pipeline.workers.processes import Limits
from pipeline.workers.sources import run_worker

# Learned values and running statistics as the networks' documents count them, four bytes each.
VGG11, VGG16 = 4 * 132_863_336, 4 * 138_357_544
RESNET18 = 4 * (11_689_512 + 9_600)
SIZES = {
    "timm": {"vgg11": VGG11, "resnet18": RESNET18},
    "torchvision": {"vgg16": VGG16, "resnet18": RESNET18},
    "mmcls": {"vgg11_8xb32_in1k": VGG11},
    "paddle": {"vgg16": VGG16, "SqueezeNet1_1": 4 * 1_235_496},
    "mxnet": {"vgg16": VGG16, "squeezenet1.1": 4 * 1_235_496},
    "caffe2": {"vgg19": 4 * 143_667_240},
}
MEMORY_OF_A_FRAMEWORK = 1 << 30


@pytest.mark.parametrize("name", [pytest.param(name, marks=getattr(pytest.mark, name)) for name in SIZES])
def test_sizes_are_known_without_weights(name: str, tmp_path: Path) -> None:
    """A network that was given values would break the limit; one that does not exist is left out."""
    source, never = SOURCES[name], threading.Event()
    environment = building.ensure(source, stop=never, say=print)
    answer = run_worker(
        details_call(source, [*SIZES[name], "no-such-model"]),
        python=environment.python,
        variables=environment.description.variables,
        what="details",
        folder=tmp_path,
        limits=Limits(seconds=600, memory=MEMORY_OF_A_FRAMEWORK),
        stop=never,
    )
    assert {model: found["bytes"] for model, found in answer["models"].items()} == SIZES[name]
    assert "no-such-model" in (tmp_path / "worker.log").read_text()


def test_every_source_is_asked() -> None:
    assert set(SIZES) == set(frameworks())
