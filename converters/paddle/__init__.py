"""PaddlePaddle: paddle.vision, PaddleClas and inference model folders."""

from pathlib import Path

from converters.interface import Source

SOURCE = Source(
    name="paddle",
    title="PaddlePaddle",
    folder=Path(__file__).parent,
    weights_suffixes=(".pdparams", ".safetensors"),
    license="Apache-2.0",
    domain="org.paddlepaddle",
    reads_model_folders=True,
    keywords={
        "class_num": "classes",
        "num_classes": "classes",
        "in_chans": "channels",
        "input_image_channel": "channels",
        "img_size": "preprocessing",
        "image_size": "preprocessing",
        "pretrained": "weights",
        "use_ssld": "weights",
    },
    start_seconds=7.0,
)
