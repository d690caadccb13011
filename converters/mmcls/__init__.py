"""OpenMMLab's MMClassification, by the configs in its package."""

from pathlib import Path

from converters.interface import Source

SOURCE = Source(
    name="mmcls",
    title="MMClassification (mmcls)",
    folder=Path(__file__).parent,
    weights_suffixes=(".pth", ".pt", ".safetensors"),
    license="Apache-2.0",
    domain="com.openmmlab",
    keywords={
        "num_classes": "classes",
        "in_chans": "channels",
        "img_size": "preprocessing",
        "pretrained": "weights",
        "init_cfg": "weights",
        "checkpoint_path": "weights",
    },
)
