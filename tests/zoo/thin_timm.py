"""Thin networks of timm; see ``thin_worker.py``."""

from __future__ import annotations

from timm.models.byobnet import RepVggBlock

import thin_lengths
from thin_pytorch import LINEAR, fresh_names, operators, shorten_layers

__all__ = ["fresh_names", "operators", "shorten_blocks", "shorten_layers"]

BLOCKS = {RepVggBlock: ("in_chs", "out_chs", "group_size"), **LINEAR}


def shorten_blocks(divisor: int) -> None:
    thin_lengths.shorten(BLOCKS, divisor)
