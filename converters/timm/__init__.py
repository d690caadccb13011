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
)
