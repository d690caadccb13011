"""Thin networks of mmcls; see ``thin_worker.py``."""

from __future__ import annotations

from mmcls.models.backbones.repvgg import RepVGGBlock

import thin_lengths
from thin_pytorch import LINEAR, fresh_names, operators, shorten_layers

__all__ = ["fresh_names", "operators", "shorten_blocks", "shorten_layers"]

BLOCKS = {RepVGGBlock: ("in_channels", "out_channels"), **LINEAR}


def shorten_blocks(divisor: int) -> None:
    thin_lengths.shorten(BLOCKS, divisor)
