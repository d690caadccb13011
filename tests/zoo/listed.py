"""What the zoo files list, and which of it is small enough to be published by a test."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline.config.reader import read_pipeline_file

ZOO = Path(__file__).parents[2] / "zoo"
FILES = [ZOO / f"{name}.yaml" for name in ("vgg", "paddleclas", "repvgg")]

REPVGG_A0 = 8_309_384
SMALL = {
    "paddle/SqueezeNet1_0": 1_248_424,
    "paddle/SqueezeNet1_1": 1_235_496,
    "paddle/RepVGG_A0": REPVGG_A0,
    "timm/repvgg_a0": REPVGG_A0,
    "mmcls/repvgg-A0_4xb64-coslr-120e_in1k": REPVGG_A0,
}
"""Models with at most 40 MB of weights, the smallest of their families, and the learned values in their
files: those of arXiv:1602.07360, and of arXiv:2101.03697 after fusing."""


@dataclass(frozen=True)
class Listed:
    """A model of a zoo file."""

    file: Path
    source: str
    model: str
    fused: bool
    """Whether it is published re-parameterised."""

    @property
    def name(self) -> str:
        return f"{self.source}/{self.model}"


def listed_models() -> list[Listed]:
    """Every model of the zoo files, in their order."""
    return [
        Listed(path, entry.source, model, entry.reparameterise)
        for path in FILES
        for entry in read_pipeline_file(path)[0].models
        for model in entry.patterns
    ]
