"""DepthToSpace: ``mode`` since 11; 13 changed only the accepted types."""

from __future__ import annotations

from opsets.families.shapes import reshape
from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("DepthToSpace", 11, 10)
def depth_to_space_11_to_10(rewrite: Rewrite) -> None:
    """DCR is what the older form does; CRD is spelt by Reshape and Transpose, as its definition has it."""
    mode, block = rewrite.text("mode", "DCR"), rewrite.integer("blocksize", 1)
    rewrite.drop_attribute("mode")
    if mode == "DCR":
        return
    data = rewrite.required(0)
    batch, channels, height, width = rewrite.lengths(data)
    parts = [batch, channels // block**2, block, block, height, width]
    split = reshape(rewrite, data, parts)
    moved = rewrite.add("Transpose", [split], {"perm": [0, 1, 4, 2, 5, 3]})
    rewrite.replace(reshape(rewrite, moved, [batch, channels // block**2, height * block, width * block]))
