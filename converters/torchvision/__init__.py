"""The classifiers of torchvision."""

from pathlib import Path

from converters.interface import Source

SOURCE = Source(
    name="torchvision",
    title="torchvision",
    folder=Path(__file__).parent,
    weights_suffixes=(".pth", ".pt", ".safetensors"),
    license="BSD-3-Clause",
    domain="org.pytorch",
    keywords={
        "num_classes": "classes",
        "image_size": "preprocessing",
        "input_size": "preprocessing",
        "weights": "weights",
        "pretrained": "weights",
        "progress": "weights",
    },
)
