"""OpenMMLab's MMClassification, by the configs in its package, and by those of the user's."""

from pathlib import Path

from converters.interface import PYTORCH_SUFFIXES, Source

SOURCE = Source(
    name="mmcls",
    title="MMClassification (mmcls)",
    folder=Path(__file__).parent,
    weights_suffixes=PYTORCH_SUFFIXES,
    license="Apache-2.0",
    domain="com.openmmlab",
    reads_entries=True,
    reads_configs=True,
    keywords={
        "num_classes": "classes",
        "in_chans": "channels",
        "img_size": "preprocessing",
        "pretrained": "weights",
        "init_cfg": "weights",
        "checkpoint_path": "weights",
    },
)
