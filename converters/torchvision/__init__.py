"""The classifiers of torchvision."""

from pathlib import Path

from converters.interface import PYTORCH_SUFFIXES, Source

SOURCE = Source(
    name="torchvision",
    title="torchvision",
    folder=Path(__file__).parent,
    weights_suffixes=PYTORCH_SUFFIXES,
    license="BSD-3-Clause",
    domain="org.pytorch",
    reads_entries=True,
    keywords={
        "num_classes": "classes",
        "image_size": "preprocessing",
        "input_size": "preprocessing",
        "weights": "weights",
        "pretrained": "weights",
        "progress": "weights",
    },
)
