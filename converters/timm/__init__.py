"""PyTorch Image Models."""

from pathlib import Path

from converters.interface import Source

SOURCE = Source(
    name="timm",
    title="PyTorch Image Models (timm)",
    folder=Path(__file__).parent,
    weights_suffixes=(".pth", ".pt", ".bin", ".safetensors"),
    license="Apache-2.0",
    domain="co.huggingface",
    keywords={
        "num_classes": "classes",
        "in_chans": "channels",
        "img_size": "preprocessing",
        "pretrained": "weights",
        "pretrained_cfg": "weights",
        "pretrained_cfg_overlay": "weights",
        "checkpoint_path": "weights",
        "cache_dir": "weights",
    },
)
